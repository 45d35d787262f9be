import assert from "node:assert/strict";
import { tarHeader, tarPadding } from "../../../src/storage/tar.ts";

const decoder = new TextDecoder();

Deno.test("tarHeader() is one block for a short name and has the sum of its octets", () => {
  const header = tarHeader({ path: "a/b", size: 5, mtime: 1_000_000_000 });
  assert.equal(header.length, 512);
  assert.equal(decoder.decode(header.subarray(0, 4)), "a/b\0");
  assert.equal(decoder.decode(header.subarray(124, 136)), "00000000005\0");
  const sum = parseInt(decoder.decode(header.subarray(148, 154)), 8);
  const spaces = header.slice();
  spaces.fill(0x20, 148, 156);
  assert.equal(sum, spaces.reduce((total, octet) => total + octet, 0));
});

for (const length of [80, 90, 91, 99, 100, 101, 991, 992, 993, 3000]) {
  Deno.test(`a record of an extended header says its own length, name of ${length} octets`, () => {
    const path = "é".repeat(length / 2) + "x".repeat(length % 2);
    const header = tarHeader({ path, size: 0, mtime: 0 });
    const record = decoder.decode(header.subarray(512, header.length - 512))
      .replace(/\0+$/, "");
    const octets = new TextEncoder().encode(record).length;
    assert.equal(Number(record.split(" ")[0]), octets);
    assert.equal(record, `${octets} path=${path}\n`);
  });
}

Deno.test("tarHeader() says more than 8 GiB in an extended header", () => {
  const header = tarHeader({ path: "a", size: 2 ** 33, mtime: 0 });
  assert.match(decoder.decode(header), /\d+ size=8589934592\n/);
});

Deno.test("tarPadding() fills the last block and adds none", () => {
  assert.deepEqual(
    [0, 1, 511, 512, 513].map((size) => tarPadding(size).length),
    [0, 511, 1, 0, 511],
  );
});
