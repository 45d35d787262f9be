/**
 * Numbers that people type.
 *
 * @module
 */

import { AppError } from "../errors.ts";
import { TEXTS } from "./texts.ts";

/**
 * Reads a limit.
 *
 * @param typed What was typed; nothing is no limit.
 * @param unit As how many one counts.
 * @returns The limit, or null.
 * @throws {AppError} `invalid_request` if it is no number.
 */
export function limitOf(typed = "", unit = 1): number | null {
  const text = typed.trim();
  if (text === "") return null;
  if (!/^\d{1,12}(\.\d{1,6})?$/.test(text)) {
    throw new AppError("invalid_request", TEXTS.settings.noNumber);
  }
  return Math.round(Number(text) * unit);
}
