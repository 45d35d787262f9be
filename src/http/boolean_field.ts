/**
 * A field that says yes or no.
 *
 * @module
 */

import { described, type Field, wrong } from "./fields.ts";

/** true or false. */
export const BOOLEAN: Field<boolean> = {
  schema: { type: "boolean" },
  parse(value, name) {
    if (typeof value === "boolean") return value;
    throw wrong(name, "must be true or false");
  },
};

/** Whether a vaultbox publishes its certificate. */
export const PUBLISH_CERTIFICATE: Field<boolean> = described(
  BOOLEAN,
  "Whether anybody who knows the address gets the newest certificate.",
);
