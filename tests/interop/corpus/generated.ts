/**
 * Messages that are made here: at the edges of padding and DER, and of what is
 * a header.
 *
 * @module
 */

import { randomOf } from "../../helpers/garbage.ts";
import type { Octets } from "../../helpers/openssl.ts";
import type { Sample } from "./samples.ts";

/** Octets of inner entities: edges of AES blocks and of DER's length octets. */
const INNER_OCTETS = [
  ...[2, 3, 14, 15, 16, 17, 18, 31, 32, 33, 47, 48, 49, 63, 64, 65],
  ...[95, 96, 97, 111, 112, 113, 126, 127, 128, 129, 239, 240, 241],
  ...[254, 255, 256, 257, 4095, 4096, 4097],
  ...[65_519, 65_520, 65_521, 65_534, 65_535, 65_536, 65_537],
];

const HEADER = "From: a@example.com\r\nSubject: x\r\n";
const MIME = "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n";

/** By name, with one character for each octet. */
const BY_HAND: readonly (readonly [string, string])[] = [
  ["nothing", ""],
  ["an empty line", "\r\n"],
  ["a line feed", "\n"],
  ["a carriage return", "\r"],
  ["a NUL", "\0"],
  ["a space", " "],
  ["a body only", "\r\nbody"],
  ["a header only", HEADER],
  ["a header only without a line end", "Subject: x"],
  ["a Content field only", "Content-Type: a/b"],
  ["a header and an empty line", `${HEADER}\r\n`],
  ["a body without a final line end", `${HEADER}\r\nbody`],
  ["a body of line ends", `${HEADER}\r\n${"\r\n".repeat(50)}`],
  ["LF line ends", "Subject: x\n\nbody\n"],
  ["LF, and CRLF in the body", "Subject: x\n\nbody\r\nbody\n"],
  ["CRLF, and LF in the body", "Subject: x\r\n\r\nbody\nbody\r\n"],
  ["an empty line of LF after CRLF", "Subject: x\r\n\nbody\r\n"],
  ["CR line ends", "Subject: x\r\rbody\r"],
  ["CR CR LF", "Subject: x\r\r\n\r\r\nbody\r\r\n"],
  ["a bare CR in the body", `${HEADER}\r\na\rb\r\n`],
  ["a bare CR in a field", `X: a\rb\r\n${HEADER}\r\nbody`],
  ["a NUL in the body", `${HEADER}\r\na\0b\r\n`],
  ["a NUL in a field", `X: a\0b\r\n${HEADER}\r\nbody`],
  ["an 8-bit field", `X: Gr\xfc\xdfe\r\n${HEADER}\r\nbody`],
  ["an 8-bit Content field", `${MIME}Content-Description: \xff\r\n\r\nbody`],
  ["an 8-bit name of a field", `X\xe4: a\r\n${HEADER}\r\nbody`],
  ["a byte order mark", `\xef\xbb\xbf${HEADER}\r\nbody`],
  ["all octets", `${HEADER}\r\n${all(0)}`],
  ["all octets twice", `${HEADER}\r\n${all(0)}${all(128)}`],
  ["1000 Received", `${"Received: by a\r\n".repeat(1000)}${HEADER}\r\nbody`],
  ["30000 fields", `${"X: a\r\n".repeat(30_000)}\r\nbody`],
  ["30000 Content fields", `${"Content-X: a\n".repeat(30_000)}\nbody`],
  ["10000 lines", `${HEADER}\r\n${"line\r\n".repeat(10_000)}`],
  ["two Content-Type", `${MIME}Content-Type: text/html\r\n\r\nbody`],
  ["two MIME-Version", `${MIME}MIME-Version: 1.0\r\n\r\nbody`],
  ["MIME-Version at the end", `${HEADER}MIME-Version: 1.0\r\n\r\nbody`],
  ["another MIME-Version", "mime-version : 1.0 (a)\r\n\r\nbody"],
  ["a folded MIME-Version", "MIME-Version:\r\n 1.0\r\n\r\nbody"],
  ["a line of 998", `${HEADER}\r\n${"a".repeat(998)}\r\n`],
  ["a line of 999", `${HEADER}\r\n${"a".repeat(999)}\r\n`],
  ["a line of 100000", `${HEADER}\r\n${"a".repeat(100_000)}\r\n`],
  ["a field of 100000", `X: ${"a".repeat(100_000)}\r\n${HEADER}\r\nbody`],
  ["a field of 5000 lines", `X: a${"\r\n b".repeat(5000)}\r\n\r\nbody`],
  ["a name of 5000", `${"X".repeat(5000)}: a\r\n${HEADER}\r\nbody`],
  ["an empty field", `X:\r\n${HEADER}\r\nbody`],
  ["a field of blanks", `X:  \t \r\n \r\n\t\r\n${HEADER}\r\nbody`],
  ["blanks before the colon", `X \t: a\r\n${HEADER}\r\nbody`],
  ["a field without a name", `: a\r\n${HEADER}\r\nbody`],
  ["a line that is no field", `${HEADER}junk\r\nX: a\r\n\r\nbody`],
  ["a first line that is folded", ` junk\r\n${HEADER}\r\nbody`],
  ["an mbox line", `From a@b Thu Jan  1 00:00:00 1970\r\n${HEADER}\r\nbody`],
  ["a quoted mbox line", `>From a\n${HEADER}\r\nbody`],
  ["an mbox line only", "From "],
  ["From lines in the body", `${HEADER}\r\nFrom a\r\n>From b\r\n`],
  ["dots", `${HEADER}\r\n.\r\n..\r\n.a\r\n`],
  ["a body like a header", `${HEADER}\r\nContent-Type: a/b\r\n\r\nbody`],
  ["odd case", "CONTENT-type: a/b\r\ncOnTeNt-X : c\r\n\r\nbody"],
  ["names like Content-", "Content: a\r\nContents-X: b\r\n\r\nbody"],
  ["a Content field between", `X: a\r\n${MIME}Y: b\r\nContent-Z: c\r\n\r\nd`],
  ["a folded Content-Type", "Content-Type: a/b;\r\n\tc=d;\r\n e=f\r\n\r\nbody"],
  ["our own fields", `Delivered-To: a@b\r\n${MIME}\r\nbody`],
  ["base64 that is cut off", `Content-Transfer-Encoding: base64\r\n\r\nQUF`],
  ["nested multiparts", nested(60)],
];

/**
 * Makes the messages.
 *
 * @returns More than 200, the same each time; the first has 16 MiB.
 */
export function generatedSamples(): Sample[] {
  const samples: Sample[] = [largeSample()];
  for (const [name, text] of BY_HAND) samples.push([name, of(text)]);
  for (const count of INNER_OCTETS) {
    const body = all(count).repeat(count / 256 + 1).slice(0, count - 2);
    samples.push([`${count} octets inside`, of(`${HEADER}\r\n${body}`)]);
  }
  const random = randomOf(9788);
  for (let i = 0; i < 120; i++) {
    samples.push([`random ${i}`, of(randomMessage(random))]);
  }
  return samples;
}

function largeSample(): Sample {
  const message = new Uint8Array(16 * 1024 * 1024);
  for (let i = 0; i < message.length; i++) {
    message[i] = i % 78 === 76 ? 13 : i % 78 === 77 ? 10 : 32 + i * 31 % 95;
  }
  message.set(of(`${HEADER}\r\n`));
  return ["16 MiB", message];
}

/** Pieces that mean something to a reader of headers, in any order. */
const PIECES = [
  ...["\r\n", "\n", "\r", "\r\n\r\n", "\n\n", ":", " ", "\t", "\0", "--b"],
  ...["Content-Type: text/plain", "Content-Type: multipart/mixed; boundary=b"],
  ...["Content-Transfer-Encoding: base64", "MIME-Version: 1.0", "Subject: x"],
  ...["From ", "X-A", "Received: by a", "\x80\xff", "QUFB", "=3D", "(", '"'],
  ...["\r\n ", "\r\n\t", "content-", "a".repeat(100), "\xe2\x80\xa8"],
];

function randomMessage(random: ReturnType<typeof randomOf>): string {
  const lead = random.of(["", HEADER, HEADER.replaceAll("\r\n", "\n"), MIME]);
  const pieces = Array.from(
    { length: random.below(60) },
    () =>
      random.below(8) === 0
        ? String.fromCharCode(random.below(256))
        : random.of(PIECES),
  );
  return lead + pieces.join("");
}

function nested(depth: number): string {
  let part = "Content-Type: text/plain\r\n\r\nbody\r\n";
  for (let i = 0; i < depth; i++) {
    part =
      `Content-Type: multipart/mixed; boundary=b${i}\r\n\r\n--b${i}\r\n${part}\r\n--b${i}--\r\n`;
  }
  return `MIME-Version: 1.0\r\n${part}`;
}

function all(start: number): string {
  return String.fromCharCode(
    ...Array.from({ length: 256 }, (_, i) => (start + i) % 256),
  );
}

function of(text: string): Octets {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
