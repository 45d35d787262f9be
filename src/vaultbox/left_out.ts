/**
 * Errors that lie in one message, and keep no other out.
 *
 * @module
 */

import { AppError } from "../errors.ts";
import { reason } from "../log.ts";

/** A message cannot be read; where it is from there may be others that can. */
export class UnreadableMessage extends Error {}

/**
 * Reads a message of which some block may not be readable.
 *
 * @param chunks Its octets.
 * @yields Them.
 * @throws {UnreadableMessage} If they cannot be read.
 */
export async function* readable(
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  try {
    yield* chunks;
  } catch (error) {
    throw new UnreadableMessage(reason(error), { cause: error });
  }
}

/**
 * Says why a message has to be left out.
 *
 * @param error What was caught when it was read, encrypted or stored.
 * @param tooLarge What is said of one that is larger than allowed.
 * @returns A few words; undefined if the error may come with any other message
 * as well.
 */
export function whyLeftOut(
  error: unknown,
  tooLarge: string,
): string | undefined {
  if (error instanceof AppError) {
    return error.code === "message_too_large" ? tooLarge : undefined;
  }
  if (error instanceof UnreadableMessage) {
    return `cannot be read: ${error.message}`;
  }
  // What no message should do, one may.
  if (error instanceof TypeError || error instanceof RangeError) {
    return `cannot be encrypted: ${error.message}`;
  }
}
