/**
 * The form of failures.
 *
 * @module
 */

import { type AppError, OUTCOMES } from "../errors.ts";
import { type Json, shape, TEXT } from "./answers.ts";
import type { Schema } from "./fields.ts";

/**
 * Shapes a failure.
 *
 * @param error The failure.
 * @returns What `error` of the envelope has.
 */
export function failureJson({ code, message, details }: AppError): Json {
  return { code, message, ...(details && { details }) };
}

/** Schema of {@linkcode failureJson}. */
export const FAILURE_REASON: Schema = shape("FailureReason", {
  code: { type: "string", enum: Object.keys(OUTCOMES) },
  message: TEXT,
}, { details: { type: "object" } });

/** Schema of the envelope of a failure. */
export const FAILURE: Schema = shape("Failure", {
  success: { const: false },
  error: FAILURE_REASON,
});
