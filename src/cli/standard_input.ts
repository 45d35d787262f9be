/**
 * What commands take from standard input: as root they run as another user, who
 * may open no file of root's.
 *
 * @module
 */

import { UsageError } from "./command.ts";

/** Octets of a certificate or a request, at most. */
const PEM_MAX = 16_384;

/**
 * Reads PEM from standard input.
 *
 * @param stdin The stream.
 * @returns The text.
 * @throws {UsageError} If it is longer than 16 KiB or empty.
 */
export async function readPem(
  stdin: AsyncIterable<Uint8Array<ArrayBuffer>>,
): Promise<string> {
  return new TextDecoder().decode(await readAll(stdin, PEM_MAX));
}

/**
 * Reads standard input to its end.
 *
 * @param stdin The stream.
 * @param maxBytes Octets at most.
 * @returns The octets.
 * @throws {UsageError} If there are more or none.
 */
export async function readAll(
  stdin: AsyncIterable<Uint8Array<ArrayBuffer>>,
  maxBytes: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  for await (const part of stdin) {
    length += part.length;
    if (length > maxBytes) {
      throw new UsageError(`standard input has more than ${maxBytes} octets`);
    }
    parts.push(part);
  }
  if (length === 0) throw new UsageError("standard input is empty");
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
