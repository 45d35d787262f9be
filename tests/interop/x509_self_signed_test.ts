import assert from "node:assert/strict";
import { fingerprintSha256 } from "../../src/x509/fingerprint.ts";
import { pemEncode } from "../../src/x509/pem.ts";
import { temporaryDirectory, testIdentity } from "./pkcs12_oracles.ts";
import { isMissing } from "../helpers/openssl.ts";

const OPENSSL = { ignore: isMissing("openssl") };
const NSS = { ignore: isMissing("certutil") };

for (const purpose of ["smimesign", "smimeencrypt"]) {
  Deno.test(
    `selfSignedCertificate() passes openssl verify -purpose ${purpose}`,
    OPENSSL,
    async () => {
      await using directory = await temporaryDirectory();
      await directory.write("a.pem", (await testIdentity()).pem);
      await directory.ok([
        ..."openssl verify -x509_strict -check_ss_sig -CAfile a.pem".split(" "),
        ...["-purpose", purpose, "-verify_email", "cat@example.com", "a.pem"],
      ]);
    },
  );
}

Deno.test(
  "selfSignedCertificate() is no certificate of a server, a client or a CA",
  OPENSSL,
  async () => {
    await using directory = await temporaryDirectory();
    await directory.write("a.pem", (await testIdentity()).pem);
    const { text } = await directory.ok(
      "openssl x509 -in a.pem -noout -purpose".split(" "),
    );
    const yes = text.match(/^.*(?= : Yes)/gm);
    assert.deepEqual(
      yes,
      [
        "S/MIME signing",
        "S/MIME encryption",
        "CRL signing",
        "Any Purpose",
        "Any Purpose CA",
        "OCSP helper",
      ].filter((name) => yes?.includes(name)),
    );
    for (const refused of ["SSL client", "SSL server", "S/MIME signing CA"]) {
      assert.match(text, new RegExp(`^${refused} : No`, "m"));
    }
  },
);

Deno.test(
  "selfSignedCertificate() has the profile that openssl x509 -text shows",
  OPENSSL,
  async () => {
    await using directory = await temporaryDirectory();
    const { pem } = await testIdentity();
    await directory.write("a.pem", pem);
    const { text } = await directory.ok(
      "openssl x509 -in a.pem -noout -text".split(" "),
    );
    const words = text.replaceAll(/\s+/g, " ");
    const keyId = "((?:[0-9A-F]{2}:){19}[0-9A-F]{2})";
    for (
      const expected of [
        "Version: 3 (0x2)",
        "Signature Algorithm: sha256WithRSAEncryption",
        "Issuer: CN = cat@example.com Validity",
        "Subject: CN = cat@example.com Subject Public Key Info",
        "Public-Key: (2048 bit)",
        "Exponent: 65537 (0x10001)",
        "X509v3 Basic Constraints: critical CA:FALSE",
        "X509v3 Key Usage: critical Digital Signature, Key Encipherment X509v3",
        "X509v3 Extended Key Usage: E-mail Protection X509v3",
        "X509v3 Subject Alternative Name: email:cat@example.com X509v3",
      ]
    ) {
      assert.ok(words.includes(expected), expected);
    }
    const ids = new RegExp(
      `Subject Key Identifier: ${keyId} X509v3 Authority Key Identifier: (?:keyid:)?${keyId} S/MIME Capabilities`,
    ).exec(words)!;
    assert.equal(ids[1], ids[2]);
    // RFC 5280 §4.2.1.2 method 1: SHA-1 of the bits of the public key.
    await directory.ok(
      "openssl x509 -in a.pem -noout -pubkey -out public.pem".split(" "),
    );
    await directory.ok(
      "openssl rsa -pubin -in public.pem -RSAPublicKey_out -outform DER -out public.der"
        .split(" "),
    );
    const { text: sha1 } = await directory.ok(
      "openssl dgst -sha1 -r public.der".split(" "),
    );
    assert.equal(
      ids[1]!.replaceAll(":", "").toLowerCase(),
      sha1.split(" ")[0],
    );
  },
);

Deno.test(
  "selfSignedCertificate() lists AES-256 and AES-128 in smimeCapabilities",
  OPENSSL,
  async () => {
    await using directory = await temporaryDirectory();
    await directory.write("a.pem", (await testIdentity()).pem);
    const { text } = await directory.ok(
      "openssl asn1parse -in a.pem".split(" "),
    );
    const at = /S\/MIME Capabilities\n *(\d+):/.exec(text)![1]!;
    const { text: inner } = await directory.ok(
      `openssl asn1parse -in a.pem -strparse ${at}`.split(" "),
    );
    assert.deepEqual(
      inner.match(/OBJECT +:.*/g)?.map((line) => line.split(":")[1]),
      ["aes-256-cbc", "aes-128-cbc"],
    );
  },
);

Deno.test(
  "selfSignedCertificate() writes times after 2049 as openssl reads them",
  OPENSSL,
  async () => {
    await using directory = await temporaryDirectory();
    const { pem } = await testIdentity("cat@example.com", {
      notBefore: new Date("2049-12-31T00:00:00.5Z"),
      validityDays: 1,
    });
    await directory.write("a.pem", pem);
    const { text } = await directory.ok(
      "openssl asn1parse -in a.pem".split(" "),
    );
    assert.match(text, /UTCTIME +:491231000000Z/);
    assert.match(text, /GENERALIZEDTIME +:20500101000000Z/);
  },
);

Deno.test(
  "selfSignedCertificate() cannot be given a second name by its address",
  OPENSSL,
  async () => {
    await using directory = await temporaryDirectory();
    const address = "a,CN=dog+O=x@example.com";
    await directory.write("a.pem", (await testIdentity(address)).pem);
    const { text } = await directory.ok(
      "openssl x509 -in a.pem -noout -subject -nameopt sep_multiline,utf8,lname"
        .split(" "),
    );
    assert.deepEqual(text.trim().split("\n").map((line) => line.trim()), [
      "subject=",
      `commonName=${address}`,
    ]);
  },
);

Deno.test(
  "fingerprintSha256() is openssl's, and pemEncode() its PEM",
  OPENSSL,
  async () => {
    await using directory = await temporaryDirectory();
    const { certificate } = await testIdentity();
    await directory.write("a.der", certificate);
    const { text: pem } = await directory.ok(
      "openssl x509 -inform DER -in a.der".split(" "),
    );
    assert.equal(pemEncode("CERTIFICATE", certificate), pem);
    const { text } = await directory.ok(
      "openssl x509 -inform DER -in a.der -noout -fingerprint -sha256"
        .split(" "),
    );
    assert.equal(
      await fingerprintSha256(certificate),
      text.trim().split("=")[1]!.replaceAll(":", "").toLowerCase(),
    );
  },
);

for (const usage of ["R", "S"]) {
  Deno.test(
    `selfSignedCertificate() is valid in NSS for usage ${usage} as a trusted peer`,
    NSS,
    async () => {
      await using directory = await temporaryDirectory();
      await directory.write("a.pem", (await testIdentity()).pem);
      for (
        const args of [
          "-N --empty-password",
          "-A -n cat -t ,P, -a -i a.pem",
          `-V -n cat -u ${usage}`,
        ]
      ) {
        await directory.ok(
          ["certutil", "-d", "sql:.", ...args.split(" ")],
        );
      }
    },
  );
}
