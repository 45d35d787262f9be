import assert from "node:assert/strict";
import { qrCode } from "../../src/dashboard/qr_code.ts";
import { isMissing, run, temporaryDirectory } from "../helpers/openssl.ts";

/** Octets that a version has room for, with error correction M. */
const ROOM = [14, 26, 42, 62, 84, 106, 122, 152, 180, 213];

/** Dots of a module. */
const SCALE = 4;

const QUIET = 4;

/** Writes a code as a picture, netpbm's PGM. */
function picture(rows: readonly boolean[][]): Uint8Array {
  const size = (rows.length + 2 * QUIET) * SCALE;
  const head = new TextEncoder().encode(`P5 ${size} ${size} 255\n`);
  const dots = new Uint8Array(size * size).fill(255);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const [row, column] = [y, x].map((at) => Math.floor(at / SCALE) - QUIET);
      if (rows[row!]?.[column!]) dots[y * size + x] = 0;
    }
  }
  const file = new Uint8Array(head.length + dots.length);
  file.set(head);
  file.set(dots, head.length);
  return file;
}

Deno.test({
  name: "zbarimg reads QR codes of every size to the last octet",
  ignore: isMissing("zbarimg"),
}, async () => {
  const texts = ROOM.flatMap((room) => [
    // With letters of two octets.
    "https://mail.example.test/Ü?".repeat(9).slice(0, room - 9),
    "0123456789abcdefABCDEF-_".repeat(9).slice(0, room),
  ]).filter((text) => text !== "");
  const files = texts.map((text, i) =>
    [`${i}.pgm`, picture(qrCode(text)!)] as const
  );
  await using directory = await temporaryDirectory(Object.fromEntries(files));
  const said = await run("zbarimg", [
    "-q",
    "--raw",
    ...files.map(([name]) => name),
  ], { cwd: directory.path });
  const lines = new TextDecoder().decode(said).trimEnd().split("\n");
  assert.deepEqual(lines, texts);
});

Deno.test("a text that fills a size has that size, and one octet more the next", () => {
  ROOM.forEach((room, index) => {
    const size = (index + 1) * 4 + 17;
    assert.equal(qrCode("x".repeat(room))!.length, size);
    const next = qrCode("x".repeat(room + 1));
    assert.equal(next?.length, index === 9 ? undefined : size + 4);
  });
});
