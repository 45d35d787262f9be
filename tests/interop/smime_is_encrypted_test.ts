import assert from "node:assert/strict";
import { concat, latin1 } from "../../src/mail/octets.ts";
import { encryptMessage } from "../helpers/encrypt.ts";
import { readRecipient } from "../../src/smime/recipient.ts";
import {
  isMissing,
  issue,
  openssl,
  run,
  temporaryDirectory,
} from "../helpers/openssl.ts";
import type { Issued, Octets } from "../helpers/openssl.ts";
import { isEncrypted } from "../helpers/recognize.ts";

const encoder = new TextEncoder();
const TEXT = encoder.encode("The password is 1234.\r\n".repeat(500));

let cached: Promise<Issued> | undefined;
/** One recipient for all tests, since keys take long to make. */
function recipient(): Promise<Issued> {
  cached ??= issue("/CN=Cat");
  return cached;
}

/** Runs `openssl cms` with a recipient and a text, gives its output. */
async function opensslCms(...args: string[]): Promise<Octets> {
  const { key, certificate } = await recipient();
  const files = { key, certificate, text: TEXT };
  return await openssl(
    files,
    ["cms", "-binary", "-in", "text", "-out", "out", ...args],
    { output: "out" },
  );
}

/** Puts a ContentInfo into a message of our own. */
function smimeMessage(contentInfo: Octets): Octets {
  const base64 = contentInfo.toBase64().replace(/.{64}/g, "$&\r\n");
  return encoder.encode(
    "From: a@b\r\nMIME-Version: 1.0\r\n" +
      "Content-Type: application/pkcs7-mime; name=smime.p7m\r\n" +
      `Content-Transfer-Encoding: base64\r\n\r\n${base64}\r\n`,
  );
}

const ENCRYPT = ["-encrypt", "-recip", "certificate"];
const OPENSSL: readonly (readonly [string, string[], boolean])[] = [
  ["-encrypt", [...ENCRYPT], true],
  ["-encrypt -aes-256-cbc", [...ENCRYPT, "-aes-256-cbc"], true],
  ["-encrypt -aes128", [...ENCRYPT, "-aes128"], true],
  ["-encrypt -des3", [...ENCRYPT, "-des3"], true],
  ["-encrypt -aes-256-gcm", [...ENCRYPT, "-aes-256-gcm"], true],
  ["-encrypt -keyid", [...ENCRYPT, "-keyid"], true],
  ["-encrypt -stream", [...ENCRYPT, "-stream"], true],
  ["-encrypt -stream -gcm", [...ENCRYPT, "-stream", "-aes-256-gcm"], true],
  ["-encrypt OAEP", [...ENCRYPT, "-keyopt", "rsa_padding_mode:oaep"], true],
  ["-encrypt -pwri_password", ["-encrypt", "-pwri_password", "x"], true],
  [
    "-encrypt -secretkey",
    ["-encrypt", "-secretkey", "00".repeat(16), "-secretkeyid", "01"],
    true,
  ],
  [
    "-sign -nodetach",
    ["-sign", "-nodetach", "-signer", "certificate", "-inkey", "key"],
    false,
  ],
  [
    "-sign -nodetach -stream",
    ["-sign", "-nodetach", "-stream", "-signer", "certificate"]
      .concat("-inkey", "key"),
    false,
  ],
  ["-sign", ["-sign", "-signer", "certificate", "-inkey", "key"], false],
  ["-data_create", ["-data_create"], false],
  ["-digest_create", ["-digest_create"], false],
  [
    "-EncryptedData_encrypt, which has no recipient",
    ["-EncryptedData_encrypt", "-aes-256-cbc", "-secretkey", "00".repeat(32)],
    false,
  ],
];
for (const [name, args, expected] of OPENSSL) {
  Deno.test(`isEncrypted() is ${expected} for openssl cms ${name}`, async () => {
    const message = await opensslCms(...args, "-outform", "SMIME");
    const contentInfo = await opensslCms(...args, "-outform", "DER");
    // openssl writes a detached signature as a multipart.
    assert.equal(isEncrypted(message), expected);
    assert.equal(isEncrypted(smimeMessage(contentInfo)), expected);
  });
}

Deno.test({
  name: "isEncrypted() is true for gpgsm --encrypt, which writes BER",
  ignore: isMissing("gpgsm", "gpgconf", "gpg-agent"),
  fn: async () => {
    const { certificate } = await recipient();
    const fingerprint = new TextDecoder().decode(
      await openssl({ certificate }, [
        ...["x509", "-in", "certificate", "-noout", "-fingerprint", "-sha1"],
      ]),
    );
    await using directory = await temporaryDirectory({
      certificate,
      text: TEXT,
      "trustlist.txt": `${fingerprint.trim().split("=")[1]} S relax\n`,
    });
    const cwd = directory.path;
    const gpgsm = (...args: string[]) =>
      run("gpgsm", [
        ...["--homedir", cwd, "--quiet", "--batch", "--disable-crl-checks"],
        ...args,
      ], { cwd });
    try {
      await gpgsm("--import", "certificate");
      const contentInfo = await gpgsm("--encrypt", "-r", "/CN=Cat", "text");
      assert.equal(contentInfo[1], 0x80);
      assert.equal(isEncrypted(smimeMessage(contentInfo)), true);
    } finally {
      await run("gpgconf", ["--homedir", cwd, "--kill", "all"], { cwd });
    }
  },
});

Deno.test({
  name: "isEncrypted() is true for cmsutil -E, which writes BER",
  ignore: isMissing("certutil", "cmsutil"),
  fn: async () => {
    const { certificate } = await recipient();
    await using directory = await temporaryDirectory({
      certificate,
      text: TEXT,
    });
    const cwd = directory.path;
    await run("certutil", ["-N", "-d", "sql:.", "--empty-password"], { cwd });
    await run("certutil", [
      ...["-A", "-d", "sql:.", "-n", "cat", "-t", "C,C,C", "-i", "certificate"],
    ], { cwd });
    await run("cmsutil", [
      ...["-E", "-d", "sql:.", "-r", "cat@example.com", "-i", "text"],
      ...["-o", "out"],
    ], { cwd });
    const contentInfo = await Deno.readFile(`${cwd}/out`);
    assert.equal(contentInfo[1], 0x80);
    assert.equal(isEncrypted(smimeMessage(contentInfo)), true);
  },
});

Deno.test("isEncrypted() is true for what encryptMessage() makes, so nothing is encrypted twice", async () => {
  const { der } = await recipient();
  const once = await encryptMessage(concat([HEADER, TEXT]), [
    readRecipient(der),
  ], {
    traceFields: [],
  });
  assert.equal(isEncrypted(once.octets), true);
  const twice = await encryptMessage(once.octets, [readRecipient(der)], {
    traceFields: [],
  });
  assert.equal(twice.encryptedBy, "sender");
  assert.deepEqual(twice.octets, once.octets);
});

const HEADER = encoder.encode("From: a@b\r\nSubject: x\r\n\r\n");

/** Arguments of gpg, and whether its output is encrypted. */
const GPG: readonly (readonly [string, string[], boolean])[] = [
  ["--encrypt", ["--encrypt", "-r", "cat"], true],
  ["--encrypt --sign", ["--encrypt", "--sign", "-r", "cat"], true],
  ["--encrypt -R", ["--encrypt", "-R", "cat"], true],
  ["--encrypt -z 0", ["--encrypt", "-r", "cat", "-z", "0"], true],
  ["--symmetric", ["--symmetric"], true],
  ["--symmetric --encrypt", ["--symmetric", "--encrypt", "-r", "cat"], true],
  [
    "--encrypt with comments",
    ["--encrypt", "-r", "cat", "--emit-version", "--comment", "hello"],
    true,
  ],
  [
    "--encrypt --rfc2440 without MDC",
    ["--encrypt", "-r", "cat"].concat(
      ["--rfc2440", "--disable-mdc", "--cipher-algo", "3DES"],
    ),
    false,
  ],
  ["--store", ["--store"], false],
  ["--sign", ["--sign"], false],
  ["--clearsign", ["--clearsign"], false],
  ["--detach-sign", ["--detach-sign"], false],
];

Deno.test({
  name: "isEncrypted() knows what gpg has encrypted",
  ignore: isMissing("gpg", "gpgconf", "gpg-agent"),
}, async (t) => {
  await using directory = await temporaryDirectory({ text: TEXT });
  const cwd = directory.path;
  const gpg = (...more: string[]) =>
    run("gpg", [
      ...["--homedir", cwd, "--quiet", "--batch", "--yes"],
      ...["--pinentry-mode", "loopback", "--passphrase", "x", ...more],
    ], { cwd });
  try {
    await gpg("--quick-gen-key", "cat", "future-default", "default", "never");
    for (const [name, args, expected] of GPG) {
      await t.step(`gpg ${name}: ${expected}`, async () => {
        const pick = ["--trust-model", "always", "--output", "out", ...args];
        await gpg(...pick, "--armor", "text");
        const armored = await Deno.readFile(`${cwd}/out`);
        await gpg(...pick, "text");
        const binary = await Deno.readFile(`${cwd}/out`);

        const inline = concat([HEADER, armored]);
        assert.equal(isEncrypted(inline), expected, "inline");
        const inMime = pgpMimeMessage(latin1(armored));
        assert.equal(isEncrypted(inMime), expected, "PGP/MIME");
        // Clear-signed text has no binary form.
        const inBase64 = pgpMimeMessage(binary.toBase64(), "base64");
        assert.equal(isEncrypted(inBase64), expected, "binary");
      });
    }
  } finally {
    await run("gpgconf", ["--homedir", cwd, "--kill", "all"], { cwd });
  }
});

function pgpMimeMessage(data: string, encoding = "7bit"): Octets {
  return encoder.encode([
    "From: a@b",
    "MIME-Version: 1.0",
    'Content-Type: multipart/encrypted; boundary="=-b";',
    '\tprotocol="application/pgp-encrypted"',
    "",
    "--=-b",
    "Content-Type: application/pgp-encrypted",
    "",
    "Version: 1",
    "",
    "--=-b",
    'Content-Type: application/octet-stream; name="encrypted.asc"',
    `Content-Transfer-Encoding: ${encoding}`,
    "",
    data,
    "--=-b--",
    "",
  ].join("\n"));
}
