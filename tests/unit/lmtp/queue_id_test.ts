import assert from "node:assert/strict";
import { queueIdOf } from "../../../src/lmtp/queue_id.ts";

const HOST = "mail.example.test";
const EARLY = "4dXQ000001zB";
const LATE = "4dXQ100001zB";

function head(id: string, host = HOST): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(
    "Return-Path: <b@c.example>\r\n" +
      "Received: from client.example (localhost [127.0.0.1])\r\n" +
      `\tby ${host} (Postfix) with ESMTP id ${id}\r\n` +
      "\tfor <cat@pets.example>; Sun, 22 Nov 2026 23:00:00 +0000 (UTC)\r\n" +
      "Received: from evil.example\r\n" +
      `\tby ${HOST} (Postfix) with ESMTP id 4dXQ999999zB\r\n` +
      "Subject: x\r\n\r\ntext\r\n",
  );
}

const NONE = new TextEncoder().encode("Subject: x\r\n\r\ntext\r\n");

const FOUND: [
  name: string,
  ident: string | undefined,
  head: Uint8Array<ArrayBuffer>,
  id: string | undefined,
][] = [
  ["IDENT and Received agree", LATE, head(LATE), LATE],
  ["a filter passed an earlier IDENT on", EARLY, head(LATE), LATE],
  ["a filter passed a short IDENT on", "3F2A1", head(LATE), LATE],
  ["Received is older than IDENT", LATE, head(EARLY), LATE],
  ["Received is of another host", EARLY, head(LATE, "evil.example"), EARLY],
  ["Received has a short id", EARLY, head("3F2A1"), EARLY],
  ["there is no Received", EARLY, NONE, EARLY],
  ["there is no IDENT", undefined, head(LATE), LATE],
  ["there is no IDENT, and a short id", undefined, head("3F2A1"), undefined],
  ["there is neither", undefined, NONE, undefined],
];
for (const [name, ident, message, id] of FOUND) {
  Deno.test(`queueIdOf() is ${id} where ${name}`, () => {
    assert.equal(queueIdOf(ident, message, HOST), id);
  });
}

Deno.test("queueIdOf() reads what pickup(8) and bounce(8) write", () => {
  const forms = [
    `Received: by ${HOST} (Postfix, from userid 0)\r\n\tid ${LATE}; Sun\r\n`,
    `Received: by ${HOST} (Postfix)\r\n\tid ${LATE}; Sun\r\n`,
  ];
  for (const form of forms) {
    const octets = new TextEncoder().encode(`${form}\r\n`);
    assert.equal(queueIdOf(undefined, octets, HOST), LATE);
  }
});
