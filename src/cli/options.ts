/**
 * Options of a command line as fields of the API, so that both take the same.
 *
 * @module
 */

import { AppError } from "../errors.ts";
import {
  type Field,
  type Fields,
  parseFields,
  type Schema,
  type Values,
} from "../http/fields.ts";
import { UsageError } from "./command.ts";
import type { Parsed } from "./operator.ts";

/**
 * Checks options.
 *
 * @param fields What there may be, by the names of the API.
 * @param values Options that were given; others are passed over. The word `none`
 * is null where a field takes that.
 * @returns A value for each field.
 * @throws {UsageError} That names the first wrong option.
 */
export function optionFields<F extends Fields>(
  fields: F,
  values: Parsed["values"],
): Values<F> {
  const given: Record<string, unknown> = {};
  for (const [name, field] of Object.entries(fields)) {
    const value = values[name.replaceAll("_", "-")];
    if (value !== undefined) given[name] = valueOf(field, value);
  }
  try {
    return parseFields(fields, given);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const field = String(error.details?.["field"]);
    const option = `--${field.replaceAll("_", "-")}`;
    throw new UsageError(error.message.replace(field, () => option), {
      cause: error,
    });
  }
}

/** An option is text; what it stands for is as the field has it. */
function valueOf({ schema }: Field<unknown>, text: string | boolean): unknown {
  const kinds = [schema, ...(schema["anyOf"] as Schema[] | undefined ?? [])]
    .map(({ type }) => type);
  if (text === "none" && kinds.includes("null")) return null;
  const isNumber = typeof text === "string" && /^\d{1,15}$/.test(text);
  return isNumber && kinds.includes("integer") ? Number(text) : text;
}
