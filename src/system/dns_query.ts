/**
 * A question to a DNS server by TCP, for types that the runtime does not know.
 *
 * @module
 * @see {@link https://www.rfc-editor.org/rfc/rfc1035#section-4 | RFC 1035 §4}
 */

import { readFile } from "node:fs/promises";

/** Where a server listens. */
export interface NameServer {
  /** IP address. */
  readonly ipAddr: string;
  /** Port. */
  readonly port: number;
}

const PORT = 53;

/** CLASS IN. */
const IN = 1;

/** NOERROR and NXDOMAIN. */
const ANSWERED = [0, 3];

/**
 * Asks for the records of a name.
 *
 * @param server The server.
 * @param name Domain name without a dot at the end.
 * @param type Number of the type.
 * @param signal Gives up.
 * @returns RDATA of each record; none if there is no such name.
 * @throws {Error} If the server does not answer, or with a failure.
 */
export async function queryRecords(
  server: NameServer,
  name: string,
  type: number,
  signal: AbortSignal,
): Promise<Uint8Array<ArrayBuffer>[]> {
  using connection = await Deno.connect({
    hostname: server.ipAddr,
    port: server.port,
    signal,
  });
  signal.throwIfAborted();
  const cut = (): void => connection.close();
  signal.addEventListener("abort", cut, { once: true });
  try {
    const id = crypto.getRandomValues(new Uint16Array(1))[0]!;
    const writer = connection.writable.getWriter();
    await writer.write(question(id, name, type));
    return answers(await received(connection), id, type);
  } finally {
    signal.removeEventListener("abort", cut);
  }
}

/**
 * Reads which server the machine asks.
 *
 * @returns The first one of resolv.conf(5).
 */
export async function systemNameServer(): Promise<NameServer> {
  const text = await readFile("/etc/resolv.conf", "utf8");
  const ipAddr = /^nameserver\s+(\S+)/m.exec(text)?.[1] ?? "127.0.0.1";
  return { ipAddr, port: PORT };
}

/** A query with RD, in front of it its length. */
function question(id: number, name: string, type: number): Uint8Array {
  const labels = name.split(".").flatMap((label) => {
    const octets = new TextEncoder().encode(label);
    return [octets.length, ...octets];
  });
  const octets = [id >> 8, id & 255, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
  octets.push(...labels, 0, type >> 8, type & 255, 0, IN);
  return Uint8Array.of(octets.length >> 8, octets.length & 255, ...octets);
}

async function received(connection: Deno.Conn): Promise<Uint8Array> {
  const octets = new Uint8Array(2 + 65_535);
  let length = 0;
  while (length < 2 || length < 2 + octets[0]! * 256 + octets[1]!) {
    const count = await connection.read(octets.subarray(length));
    if (count === null) throw new Error("DNS server hangs up");
    length += count;
  }
  return octets.subarray(2, length);
}

function answers(
  octets: Uint8Array,
  id: number,
  type: number,
): Uint8Array<ArrayBuffer>[] {
  const view = new DataView(
    octets.buffer,
    octets.byteOffset,
    octets.byteLength,
  );
  const status = view.getUint16(2) & 15;
  if (view.getUint16(0) !== id || !ANSWERED.includes(status)) {
    throw new Error(`DNS server answers with status ${status}`);
  }
  let at = 12;
  for (let left = view.getUint16(4); left > 0; left--) {
    at = behindName(octets, at) + 4;
  }
  const found: Uint8Array<ArrayBuffer>[] = [];
  for (let left = view.getUint16(6); left > 0; left--) {
    at = behindName(octets, at);
    const length = view.getUint16(at + 8);
    if (view.getUint16(at) === type) {
      found.push(new Uint8Array(octets.slice(at + 10, at + 10 + length)));
    }
    at += 10 + length;
  }
  return found;
}

/** A name ends in an empty label, or in a pointer of two octets. */
function behindName(octets: Uint8Array, start: number): number {
  let at = start;
  for (;;) {
    const length = octets[at];
    if (length === undefined) throw new RangeError("DNS answer is cut off");
    if (length >= 0xc0) return at + 2;
    at += 1 + length;
    if (length === 0) return at;
  }
}
