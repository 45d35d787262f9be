import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, sign } from "node:crypto";
import { Buffer } from "node:buffer";
import {
  DkimBodyHash,
  dkimSignature,
  type HeaderField,
} from "../../src/mail/dkim.ts";
import { generateRsaKey } from "../../src/x509/key_pair.ts";
import { isMissing, run } from "../helpers/openssl.ts";

const NEEDS = isMissing("dkimverify") ? "python3-dkim" : undefined;

/** Verifies with dkimpy; the key comes by argument in place of DNS. */
const VERIFY = `
import dkim, sys
key = sys.argv[1].encode()
message = sys.stdin.buffer.read()
print(dkim.verify(message, dnsfunc=lambda name, timeout=5: b"v=DKIM1; k=rsa; p=" + key))
`;

const BODIES: readonly string[] = [
  "",
  "\r\n",
  "\r\n\r\n \t\r\n",
  "no line end",
  "a line\r\n",
  "blanks \t at \t the end \t \r\n  and in front\r\n\r\n\r\n",
  "\r\n\r\nempty lines first\r\n\r\nand between\r\n",
  ".dots\r\n..\r\n.\r\n",
  "\xe4\xf6\xfc 8 bits \x80\xff\r\n",
];

const HEADER: readonly HeaderField[] = [
  { name: "Received", value: " from x\n\tby y" },
  { name: "FROM", value: " Cat <cat@pets.example>" },
  { name: "To", value: "\t bob@x.example,\n  eve@x.example  " },
  { name: "Subject", value: "  two   blanks\n\tand a fold  " },
  { name: "Subject", value: " a second one" },
  { name: "X-Other", value: " changes nothing" },
  { name: "Date", value: " Mon, 23 Nov 2026 02:20:00 +0000" },
];

Deno.test({
  name: `dkimpy verifies what is signed${NEEDS ? ` (needs ${NEEDS})` : ""}`,
  ignore: NEEDS !== undefined,
}, async (t) => {
  const pkcs8 = await generateRsaKey(2048);
  const key = createPrivateKey({
    key: Buffer.from(pkcs8),
    format: "der",
    type: "pkcs8",
  });
  const spki = createPublicKey(key).export({ format: "der", type: "spki" });
  const signer = {
    domain: "pets.example",
    selector: "encimap1",
    time: 1_795_400_000,
    sign: (octets: Uint8Array<ArrayBuffer>) =>
      new Uint8Array(sign("sha256", octets, key)),
  };
  const verify = async (
    signature: string,
    fields: readonly HeaderField[],
    body: string,
  ): Promise<boolean> => {
    const header = [{ name: "DKIM-Signature", value: signature }, ...fields]
      .map(({ name, value }) => `${name}:${value}\n`).join("")
      .replaceAll("\n", "\r\n");
    const stdout = await run(
      "/usr/bin/python3",
      ["-c", VERIFY, spki.toString("base64")],
      { cwd: ".", stdin: bytes(`${header}\r\n${body}`) },
    );
    return new TextDecoder().decode(stdout).trim() === "True";
  };
  for (const [i, body] of BODIES.entries()) {
    await t.step(`body ${i}, in chunks of any size`, async () => {
      const hashes = [1, 2, 3, 1000].map((size) => hashOf(body, size));
      for (const hash of hashes) assert.deepEqual(hash, hashes[0]);
      const signature = dkimSignature(HEADER, hashes[0]!, signer);
      assert.ok(await verify(signature, HEADER, body));
      assert.doesNotMatch(signature, /z=/);
    });
  }
  const body = BODIES[5]!;
  const signature = dkimSignature(HEADER, hashOf(body, 9), signer);
  await t.step("lines of the signature are short", () => {
    for (const line of `DKIM-Signature:${signature}`.split("\n")) {
      assert.ok(line.length <= 90, line);
    }
  });
  await t.step(
    "a changed body, a changed or a further field is seen",
    async () => {
      assert.equal(await verify(signature, HEADER, `${body}x`), false);
      for (const name of ["From", "Subject", "To", "Date", "Cc", "Reply-To"]) {
        const added = { name, value: " eve@x.example" };
        const fields = [added, ...HEADER];
        assert.equal(await verify(signature, fields, body), false, name);
      }
      const other = [{ name: "X-Other", value: " more" }, ...HEADER];
      assert.equal(await verify(signature, other, body), true);
    },
  );
});

function hashOf(body: string, size: number): Uint8Array<ArrayBuffer> {
  const octets = bytes(body);
  const hash = new DkimBodyHash();
  for (let i = 0; i < octets.length; i += size) {
    hash.update(octets.subarray(i, i + size));
  }
  return hash.digest();
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}
