import assert from "node:assert/strict";
import { latin1 } from "../../../src/mail/octets.ts";
import type { EncryptOptions } from "../../../src/smime/encrypt_message.ts";
import { encryptMessage } from "../../helpers/encrypt.ts";
import { readRecipient } from "../../../src/smime/recipient.ts";
import { octets } from "../mail/octets.ts";
import { makeRecipient } from "./recipient.ts";
import { P7M } from "./messages.ts";

const TRACE = "Delivered-To: cat@example.com";
const BORDER = {
  at: new Date("2026-11-22T12:34:56.789Z"),
  hostname: "mx.example.com",
  authservId: undefined,
};
const FROM = "From: kim@example.org\r\n";

/** Encrypts a message with some fields and gives the outer header. */
async function headerOf(
  lines: string,
  options: Partial<EncryptOptions> = {},
): Promise<string> {
  const { certificate } = await makeRecipient(1);
  const { octets: stored } = await encryptMessage(
    octets(`${FROM}${lines}\r\nHello`),
    [readRecipient(certificate)],
    { traceFields: [TRACE], border: BORDER, ...options },
  );
  return latin1(stored).split("\r\n\r\n", 1)[0]!;
}

Deno.test("a receipt says who encrypted, when, how and to whom", async () => {
  const { certificate: first } = await makeRecipient(1);
  const { certificate: second } = await makeRecipient(2);
  const { octets: stored } = await encryptMessage(
    octets(`${FROM}\r\nHello`),
    [first, second].map(readRecipient),
    {
      traceFields: [TRACE],
      border: BORDER,
      contentCipher: "aes-128-cbc",
      keyTransport: "rsaes-oaep",
      headerProtection: "protect",
    },
  );
  const hash = async (der: Uint8Array<ArrayBuffer>): Promise<string> =>
    new Uint8Array(await crypto.subtle.digest("SHA-256", der)).toHex();
  assert.ok(
    latin1(stored).startsWith(
      `${TRACE}\r\n${FROM}` +
        "Encimap-Encryption: v=1; by=appliance; at=2026-11-22T12:34:56Z;\r\n" +
        " auth=none;\r\n" +
        " content=aes-128-cbc; header=protect;\r\n" +
        ` key=rsaes-oaep;\r\n cert=${await hash(first)};\r\n` +
        ` key=rsaes-oaep;\r\n cert=${await hash(second)}\r\n` +
        "MIME-Version: 1.0\r\nContent-Type: application/pkcs7-mime",
    ),
    latin1(stored),
  );
});

Deno.test("a receipt has no line of more than 78 characters, also with 20 certificates", async () => {
  const { certificate } = await makeRecipient(1);
  const { octets: stored } = await encryptMessage(
    octets(
      `Authentication-Results: filter.example; spf=temperror; dkim=permerror;\r\n dmarc=softfail; arc=neutral\r\n\r\n`,
    ),
    Array.from({ length: 20 }, () => readRecipient(certificate)),
    { traceFields: [], border: { ...BORDER, authservId: "filter.example" } },
  );
  const lines = latin1(stored).split("\r\n");
  const start = lines.findIndex((line) => /^encimap-/i.test(line));
  const end = lines.findIndex((line, i) => i > start && !line.startsWith(" "));
  assert.equal(end - start, 3 + 40);
  for (const line of lines.slice(start, end)) {
    assert.ok(line.length <= 78, line);
  }
});

// The body stands for a message that is already encrypted.
const ENCRYPTED = `${FROM}Encimap-Encryption: v=1; by=appliance\r\n` +
  "Authentication-Results: MX.example.com; spf=pass\r\n" +
  `X-A: b\r\n${P7M.join("\r\n")}\r\n\r\n`;

Deno.test("a message that its sender has encrypted is stored as it came, behind a receipt that says so", async () => {
  const { certificate } = await makeRecipient(1);
  const { octets: made } = await encryptMessage(octets("\r\nHello"), [
    readRecipient(certificate),
  ], { traceFields: [] });
  const p7m = latin1(made).split("\r\n\r\n")[1]!;
  const { octets: stored, encryptedBy } = await encryptMessage(
    octets(ENCRYPTED + p7m),
    [readRecipient(certificate)],
    { traceFields: [TRACE], border: BORDER, headerProtection: "hide" },
  );
  assert.equal(encryptedBy, "sender");
  assert.equal(
    latin1(stored),
    `${TRACE}\r\n` +
      "Encimap-Encryption: v=1; by=sender; at=2026-11-22T12:34:56Z;\r\n auth=none\r\n" +
      `${FROM}X-A: b\r\n${P7M.join("\r\n")}\r\n\r\n${p7m}`,
  );
});

for (
  const forged of [
    "Encimap-Encryption: v=1; by=sender",
    "encimap-ENCRYPTION:v=1",
    "Encimap-Encryption \t : v=1;\r\n by=appliance;\r\n\tat=now",
    "Encimap-Encryption:\r\n v=1",
    "Encimap-Encryption:",
    "Encimap-Encryption: a\rb\0",
    "Authentication-Results: mx.example.com; spf=pass",
    "authentication-results : (a) MX.EXAMPLE.COM 1; dkim=pass",
    'Authentication-Results: "mx.example.com"; dkim=pass',
    'Authentication-Results: "mx\\.example.com"; dkim=pass',
    "Authentication-Results:\r\n mx.example.com. (comment);\r\n dkim=pass",
    "Authentication-Results: mx.example.com (open; dkim=pass",
    "Authentication-Results: mx.example.com",
  ]
) {
  Deno.test(`the forged ${JSON.stringify(forged)} is dropped, wherever it stands`, async () => {
    const clean = await headerOf("To: a@b\r\nX-A: c\r\n");
    for (
      const lines of [
        `${forged}\r\nTo: a@b\r\nX-A: c\r\n`,
        `To: a@b\r\n${forged}\r\n${forged}\r\nX-A: c\r\n`,
        `To: a@b\r\nX-A: c\r\n${forged}\r\n`,
      ]
    ) {
      assert.equal(await headerOf(lines), clean);
    }
  });
}

for (
  const other of [
    "Authentication-Results: mx.example.org; spf=pass",
    "Authentication-Results: notmx.example.com; spf=pass",
    "Authentication-Results: mx.example.com.evil.example; spf=pass",
    "Authentication-Results: spf=pass (sender IP is 192.0.2.1); dkim=none",
    "ARC-Authentication-Results: i=1; mx.example.com; spf=pass",
    "X-Encimap-Encryption: v=1",
    "X: a\r\n Encimap-Encryption: folded text",
  ]
) {
  Deno.test(`${JSON.stringify(other)} stays, and is not believed`, async () => {
    const header = await headerOf(`${other}\r\n`);
    assert.ok(header.includes(`\r\n${other}\r\n`));
    assert.ok(header.includes("\r\n auth=none;\r\n"));
  });
}

Deno.test("what is forged is dropped also behind as many fields as a header may have", async () => {
  const { certificate } = await makeRecipient(1);
  const { octets: made } = await encryptMessage(octets("\r\nHello"), [
    readRecipient(certificate),
  ], { traceFields: [] });
  const forged = "Encimap-Encryption: v=1; by=appliance; auth=dmarc:pass\r\n" +
    "Authentication-Results: mx.example.com; dmarc=pass\r\n";
  const message = "X-A: b\r\n".repeat(20_000) + forged + latin1(made);
  const { octets: stored } = await encryptMessage(
    octets(message),
    [readRecipient(certificate)],
    { traceFields: [TRACE], border: BORDER },
  );
  const header = latin1(stored).split("\r\n\r\n", 1)[0]!;
  assert.equal(header.split("\r\nEncimap-Encryption:").length, 2);
  assert.ok(!header.includes("\r\nAuthentication-Results:"));
});

Deno.test("Authentication-Results are believed if they are the filter's, and then those of the host are not", async () => {
  const border = { ...BORDER, authservId: "filter.example.com" };
  const header = await headerOf(
    "Authentication-Results: mx.example.com; arc=pass\r\n" +
      "Authentication-Results: filter.example.com; spf=pass; dkim=fail; dkim=pass\r\n" +
      "Authentication-Results: other.example; dmarc=pass\r\n" +
      "Authentication-Results: filter.example.com; spf=fail; dmarc=none\r\n",
    { border },
  );
  assert.ok(header.includes("\r\n auth=spf:pass,dkim:pass,dmarc:none;\r\n"));
  assert.ok(!header.includes("mx.example.com"));
  const own = { ...BORDER, authservId: "mx.example.com" };
  const lines = "Authentication-Results: mx.example.com; spf=softfail\r\n";
  const kept = await headerOf(lines, { border: own });
  assert.ok(kept.includes(lines));
  assert.ok(kept.includes("\r\n auth=spf:softfail;\r\n"));
});
