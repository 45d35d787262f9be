import assert from "node:assert/strict";
import {
  type Packet,
  packet,
  PacketReader,
  ProtocolError,
  strings,
} from "../../../src/milter/packets.ts";
import { concat, latin1 } from "../../../src/mail/octets.ts";
import { octets } from "../mail/octets.ts";

const STREAM = concat([
  packet("O", 6, 0x11, 0x1fffff),
  packet("M", "<cat@pets.example>", "SIZE=1"),
  packet("L", "Subject", " caf\xe9"),
  packet("E"),
]);

function read(...chunks: Uint8Array<ArrayBuffer>[]): [string, string][] {
  const reader = new PacketReader();
  return chunks.flatMap((chunk) => [...reader.take(chunk)])
    .map(({ command, data }: Packet) => [command, latin1(data)]);
}

Deno.test("a packet is its length, its letter and its data", () => {
  assert.equal(
    packet("y", "451 4.3.0 x").toHex(),
    octets("\0\0\0\x0dy451 4.3.0 x\0").toHex(),
  );
  assert.equal(packet("c").toHex(), "0000000163");
  assert.equal(packet("O", 6, 0x11).toHex(), "000000094f0000000600000011");
});

Deno.test("packets are the same wherever the stream is cut", () => {
  const expected = [
    ["O", "\0\0\0\x06\0\0\0\x11\0\x1f\xff\xff"],
    ["M", "<cat@pets.example>\0SIZE=1\0"],
    ["L", "Subject\0 caf\xe9\0"],
    ["E", ""],
  ];
  assert.deepEqual(read(STREAM), expected);
  for (let i = 1; i < STREAM.length; i++) {
    for (let k = i; k < STREAM.length; k++) {
      const chunks = [STREAM.slice(0, i), STREAM.slice(i, k), STREAM.slice(k)];
      assert.deepEqual(read(...chunks), expected, `${i}, ${k}`);
    }
  }
});

Deno.test("an empty packet and one above 2 MiB are refused before they are read", () => {
  for (const length of ["00000000", "00200001", "ffffffff"]) {
    const reader = new PacketReader();
    assert.throws(
      () => [...reader.take(Uint8Array.fromHex(length))],
      ProtocolError,
    );
  }
  const reader = new PacketReader();
  assert.deepEqual([...reader.take(Uint8Array.fromHex("00200000"))], []);
});

Deno.test("strings end in NUL, the last one may go without", () => {
  assert.deepEqual(strings(octets("a\0b\0")), ["a", "b"]);
  assert.deepEqual(strings(octets("a\0b")), ["a", "b"]);
  assert.deepEqual(strings(octets("a\0\0")), ["a", ""]);
  assert.deepEqual(strings(octets("\xe9\0")), ["\xe9"]);
});
