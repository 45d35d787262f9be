/**
 * One HTTP request over a Unix socket, by a client that starts at once: to load
 * `node:http` takes longer than all that `encimap pipe` does.
 *
 * @module
 */

/** What the server said. */
export interface Answer {
  /** HTTP status. */
  readonly status: number;
  /** Its body. */
  readonly body: string;
}

/** Longest answer, in octets; ours have a hundredth. */
const ANSWER_OCTETS_MAX = 65_536;

/** Status line, header and body; both kinds of fields do not matter here. */
const ANSWER_REGEXP = /^HTTP\/1\.[01] (\d{3})[ \r][^]*?\r\n\r\n([^]*)$/;

/**
 * Sends a POST request, and gives the answer of a server that names the length
 * of its body, as ours do: a chunked one is given as it came.
 *
 * @param socketPath The Unix socket.
 * @param path Path and query, with nothing that has to be escaped.
 * @param options `body` in chunks, whose failure breaks the request off, so
 * that the server never sees its end; `signal` breaks it off, too.
 * @returns The answer, also if the server gave it before the end of the body.
 * @throws {Error} If there is no answer of HTTP/1; or what the body throws, or
 * the signal's reason.
 * @see {@link https://www.rfc-editor.org/rfc/rfc9112#section-7.1 | RFC 9112 §7.1}
 */
export async function unixPost(
  socketPath: string,
  path: string,
  options: {
    readonly body: AsyncIterable<Uint8Array>;
    readonly signal?: AbortSignal;
  },
): Promise<Answer> {
  using connection = await Deno.connect({
    transport: "unix",
    path: socketPath,
  });
  const { signal } = options;
  const close = () => connection.close();
  signal?.addEventListener("abort", close);
  try {
    await send(connection, path, options.body);
    return parseAnswer(await readToEnd(connection));
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener("abort", close);
  }
}

/** Writes the request; stops without a word if the server takes no more. */
async function send(
  connection: Deno.Conn,
  path: string,
  body: AsyncIterable<Uint8Array>,
): Promise<void> {
  const encoder = new TextEncoder();
  const write = async (octets: Uint8Array): Promise<boolean> => {
    try {
      for (let at = 0; at < octets.length;) {
        at += await connection.write(octets.subarray(at));
      }
      return true;
    } catch (error) {
      if (isClosed(error)) return false;
      throw error;
    }
  };
  const head = `POST ${path} HTTP/1.1\r\nHost: localhost\r\n` +
    "Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
  if (!await write(encoder.encode(head))) return;
  for await (const chunk of body) {
    // A chunk without octets would be the last one.
    if (chunk.length === 0) continue;
    const size = encoder.encode(`${chunk.length.toString(16)}\r\n`);
    const framed = new Uint8Array(size.length + chunk.length + 2);
    framed.set(size);
    framed.set(chunk, size.length);
    framed.set([0x0d, 0x0a], size.length + chunk.length);
    if (!await write(framed)) return;
  }
  await write(encoder.encode("0\r\n\r\n"));
}

/**
 * Whether the server has closed the connection before it had read all; what it
 * said before can still be read.
 */
function isClosed(error: unknown): boolean {
  return error instanceof Deno.errors.BrokenPipe ||
    error instanceof Deno.errors.ConnectionReset;
}

async function readToEnd(connection: Deno.Conn): Promise<string> {
  const octets = new Uint8Array(ANSWER_OCTETS_MAX);
  let length = 0;
  while (length < octets.length) {
    let read: number | null;
    try {
      read = await connection.read(octets.subarray(length));
    } catch (error) {
      if (!isClosed(error)) throw error;
      read = null;
    }
    if (read === null) {
      return new TextDecoder().decode(octets.subarray(0, length));
    }
    length += read;
  }
  throw new Error("Answer is too long");
}

function parseAnswer(text: string): Answer {
  const [, status, body] = ANSWER_REGEXP.exec(text) ?? [];
  if (status === undefined || body === undefined) {
    throw new Error("Answer is not HTTP");
  }
  return { status: Number(status), body };
}
