/**
 * The real process, as commands see it.
 *
 * Streams of the web and timers take longer to load than all of `pipe` to run,
 * so neither is used here.
 *
 * @module
 */

import type { Io } from "./command.ts";

/** Octets of standard input that are read at a time. */
const CHUNK_OCTETS = 65_536;

/**
 * Gives this process.
 *
 * @returns Its environment and streams.
 */
export function processIo(): Io {
  const encoder = new TextEncoder();
  return {
    env: Deno.env.toObject(),
    print: (line) => Deno.stdout.writeSync(encoder.encode(`${line}\n`)),
    write: (octets) => {
      for (let at = 0; at < octets.length;) {
        at += Deno.stdout.writeSync(octets.subarray(at));
      }
    },
    isTerminal: Deno.stdout.isTerminal(),
    warn: (line) => Deno.stderr.writeSync(encoder.encode(`${line}\n`)),
    ...Deno.stderr.isTerminal()
      ? {
        progress: (text: string) => {
          Deno.stderr.writeSync(encoder.encode(`\r\x1b[K${text}`));
        },
      }
      : {},
    readText: (path) => Deno.readTextFileSync(path),
    stdin: standardInput(),
  };
}

async function* standardInput(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const buffer = new Uint8Array(CHUNK_OCTETS);
  while (true) {
    const length = await Deno.stdin.read(buffer);
    if (length === null) return;
    yield buffer.slice(0, length);
  }
}
