/**
 * HTTP requests that are sent as they are written.
 *
 * @module
 */

/** What came back. */
export interface RawReply {
  /** Status. */
  readonly status: number;
  /** Header fields as sent. */
  readonly head: string;
  /** The body as text. */
  readonly body: string;
}

/**
 * Sends a request on a connection of its own and reads the answer to its end.
 *
 * @param port On 127.0.0.1.
 * @param head Request line and header fields, without the empty line.
 * @param body The body.
 * @returns The answer.
 * @throws {Error} If none has come after 10 seconds.
 */
export async function rawRequest(
  port: number,
  head: readonly string[],
  body: Uint8Array<ArrayBuffer> = new Uint8Array(),
): Promise<RawReply> {
  const connection = await Deno.connect({ hostname: "127.0.0.1", port });
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    connection.close();
  }, 10_000);
  try {
    const text = new TextEncoder().encode(`${head.join("\r\n")}\r\n\r\n`);
    const writing = write(connection, text, body);
    const octets = await readAll(connection);
    await writing;
    return parse(octets);
  } catch (error) {
    throw isLate ? new Error(`No answer to ${head[0]!.slice(0, 200)}`) : error;
  } finally {
    clearTimeout(timer);
    if (!isLate) connection.close();
  }
}

async function write(
  connection: Deno.Conn,
  ...parts: readonly Uint8Array<ArrayBuffer>[]
): Promise<void> {
  const writer = connection.writable.getWriter();
  try {
    for (const part of parts) await writer.write(part);
  } catch {
    // The server has answered and closed; the answer is what counts.
  } finally {
    writer.releaseLock();
  }
}

async function readAll(
  connection: Deno.Conn,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  for (;;) {
    const buffer = new Uint8Array(16_384);
    let count: number | null;
    try {
      count = await connection.read(buffer);
    } catch (error) {
      // A reset behind an answer to a body that was not read.
      if (parts.length > 0) break;
      throw error;
    }
    if (count === null) break;
    parts.push(buffer.slice(0, count));
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}

function parse(octets: Uint8Array<ArrayBuffer>): RawReply {
  // What Expect: 100-continue brings first is no answer.
  const text = new TextDecoder().decode(octets)
    .replace(/^HTTP\/1\.1 100 [^\r]*\r\n\r\n/, "");
  const end = text.indexOf("\r\n\r\n");
  const head = text.slice(0, end);
  const match = /^HTTP\/1\.1 (\d{3}) /.exec(head);
  if (match === null) throw new Error(`Not HTTP: ${text.slice(0, 200)}`);
  const body = text.slice(end + 4);
  const isChunked = /^transfer-encoding: *chunked/im.test(head);
  return {
    status: Number(match[1]),
    head,
    body: isChunked ? dechunk(body) : body,
  };
}

function dechunk(text: string): string {
  // Chunk sizes count octets; the bodies that are looked at are ASCII mostly,
  // so they are found by their lines.
  return text.replace(/^[0-9a-f]+\r\n/i, "").replace(
    /\r\n[0-9a-f]+\r\n/gi,
    "",
  );
}
