import assert from "node:assert/strict";
import { concat, latin1 } from "../../../src/mail/octets.ts";
import {
  base64LineChunks,
  base64Lines,
  parseTransferEncoding,
} from "../../../src/mail/transfer_encoding.ts";
import { octets } from "./octets.ts";
import { decodeBody } from "../../helpers/recognize.ts";

for (
  const [text, expected] of [
    [undefined, "7bit"],
    ["BASE64", "base64"],
    ["Quoted-Printable", "quoted-printable"],
    ["8bit", "8bit"],
    ["binary", "binary"],
    ["", undefined],
    ["base64 x", undefined],
    ["x-uuencode", undefined],
  ] as const
) {
  Deno.test(`parseTransferEncoding() of ${text} is ${expected}`, () => {
    assert.equal(parseTransferEncoding(text), expected);
  });
}

for (const length of [0, 1, 2, 3, 56, 57, 58, 113, 114, 115, 10_000]) {
  Deno.test(`base64Lines() of ${length} octets has lines of 76 columns`, () => {
    const given = Uint8Array.from({ length }, (_, i) => i * 7);
    const text = latin1(base64Lines(given));
    assert.equal(text.replaceAll("\r\n", ""), given.toBase64());
    assert.match(text, /^(?:[^\r\n]{76}\r\n)*(?:[^\r\n]{1,76}\r\n)?$/);
    assert.deepEqual(decodeBody(octets(text), "base64"), given);
  });
}

for (const chunkOctets of [1, 56, 57, 58, 113, 1000]) {
  Deno.test(`base64LineChunks() of chunks of ${chunkOctets} octets gives the lines of base64Lines()`, async () => {
    for (const length of [0, 1, 57, 58, 1000, 1140]) {
      const given = Uint8Array.from({ length }, (_, i) => i * 7);
      const chunks = async function* () {
        for (let start = 0; start < length; start += chunkOctets) {
          await Promise.resolve();
          yield given.subarray(start, start + chunkOctets);
        }
      };
      const lines = await Array.fromAsync(base64LineChunks(chunks()));
      assert.deepEqual(concat(lines), base64Lines(given));
    }
  });
}

for (
  const [text, expected] of [
    ["", ""],
    [" \r\n", ""],
    ["YQ==", "a"],
    ["Y Q\r\n=\t=\n", "a"],
    ["YWI=", "ab"],
    ["YWJj", "abc"],
    ["YQ", undefined],
    ["YQ=", undefined],
    ["YR==", undefined],
    ["YQ==YQ==", undefined],
    ["YQ==\r\nplain", undefined],
    ["YWJj!", undefined],
    ["YWJj-_", undefined],
    ["YWJ\xe4", undefined],
    ["YWJ\0j", undefined],
  ] as const
) {
  Deno.test(`decodeBase64() of ${JSON.stringify(text)}`, () => {
    const decoded = decodeBody(octets(text), "base64");
    assert.equal(decoded && latin1(decoded), expected);
  });
}

for (
  const [text, expected] of [
    ["", ""],
    ["a b\r\n", "a b\r\n"],
    ["=3D=e4=E4", "=\xe4\xe4"],
    ["a=\r\nb", "ab"],
    ["a= \t\r\nb", "ab"],
    ["a=\nb", "ab"],
    ["a=", undefined],
    ["a=3", undefined],
    ["a=3g", undefined],
    ["a= b", undefined],
    ["\xe4", undefined],
    ["\0", undefined],
  ] as const
) {
  Deno.test(`decodeBody() of quoted-printable ${JSON.stringify(text)}`, () => {
    const decoded = decodeBody(octets(text), "quoted-printable");
    assert.equal(decoded && latin1(decoded), expected);
  });
}

Deno.test("decodeBody() gives 7bit, 8bit and binary as they are", () => {
  const body = octets("=3D\xff\0");
  for (const encoding of ["7bit", "8bit", "binary"] as const) {
    assert.deepEqual(decodeBody(body, encoding), body);
  }
});
