/**
 * Lists of objects in requests.
 *
 * @module
 */

import { AppError } from "../errors.ts";
import {
  type Body,
  type Field,
  type Fields,
  fieldsSchema,
  listOf,
  parseFields,
  type Values,
} from "./fields.ts";

/**
 * Makes a field for a list of objects, each of which is judged alone.
 *
 * @param fields What each may have.
 * @param max Items at most; there must be at least one.
 * @returns The field; an item that does not fit is its failure.
 */
export function itemsOf<F extends Fields>(
  fields: F,
  max: number,
): Field<(Values<F> | AppError)[]> {
  return listOf({
    schema: fieldsSchema(fields),
    parse(value) {
      if (typeof value !== "object" || value === null || Array.isArray(value)) {
        return new AppError("invalid_request", "Item must be a JSON object");
      }
      try {
        return parseFields(fields, value as Body);
      } catch (error) {
        if (error instanceof AppError) return error;
        throw error;
      }
    },
  }, max);
}
