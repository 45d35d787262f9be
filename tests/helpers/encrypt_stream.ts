/**
 * Encrypts generated content as a stream, as a process of its own, since memory
 * is the process's.
 *
 * Arguments: cipher, octets of content, certificate (DER), file to write an
 * S/MIME entity to. Standard output: how much memory it took at most besides
 * what it had before, and the SHA-256 of the content, as JSON.
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Chunks } from "../../src/mail/message.ts";
import { base64LineChunks } from "../../src/mail/transfer_encoding.ts";
import type { ContentCipher } from "../../src/smime/content_encryption.ts";
import { envelope } from "../../src/smime/enveloped_data.ts";
import { readRecipient } from "../../src/smime/recipient.ts";

/** An odd length, so that chunks, pieces and lines never fit. */
const CHUNK_OCTETS = 100_003;

const [contentCipher, length, certificatePath, output] = Deno.args;
const octets = Number(length);
const hash = createHash("sha256");

async function* chunks(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let done = 0; done < octets;) {
    const chunk = new Uint8Array(Math.min(CHUNK_OCTETS, octets - done));
    for (let i = 0; i < chunk.length; i++) chunk[i] = (done + i) * 31 >> 5;
    hash.update(chunk);
    yield chunk;
    done += chunk.length;
  }
}

function streamOf(given: Chunks): AsyncIterable<Uint8Array> {
  if (given instanceof Array) throw new Error("Content is held in memory");
  return given;
}

async function main(): Promise<void> {
  using file = await Deno.open(output!, { write: true, create: true });
  const write = async (part: Uint8Array) => {
    for (let done = 0; done < part.length;) {
      done += await file.write(part.subarray(done));
    }
  };
  await write(new TextEncoder().encode(
    "MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime\r\n" +
      "Content-Transfer-Encoding: base64\r\n\r\n",
  ));
  const before = Deno.memoryUsage().rss;
  let most = before;
  const contentInfo = await envelope(
    { octets, chunks: chunks() },
    [readRecipient(await Deno.readFile(certificatePath!))],
    { contentCipher: contentCipher as ContentCipher },
  );
  for await (const lines of base64LineChunks(streamOf(contentInfo.chunks))) {
    await write(lines);
    most = Math.max(most, Deno.memoryUsage().rss);
  }
  const report = { growth: most - before, sha256: hash.digest("hex") };
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(report)));
}

if (import.meta.main) void main();
