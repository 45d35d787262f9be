/**
 * A field that says yes or no.
 *
 * @module
 */

import { type Field, wrong } from "./fields.ts";

/** true or false. */
export const BOOLEAN: Field<boolean> = {
  schema: { type: "boolean" },
  parse(value, name) {
    if (typeof value === "boolean") return value;
    throw wrong(name, "must be true or false");
  },
};
