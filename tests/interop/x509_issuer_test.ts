import assert from "node:assert/strict";
import { readCertificationRequest } from "../../src/smime/certification_request.ts";
import { encryptMessage } from "../helpers/encrypt.ts";
import { readCertificate } from "../../src/smime/recipient_certificate.ts";
import { issuerCertificate } from "../../src/x509/issuer.ts";
import { generateRsaKey } from "../../src/x509/key_pair.ts";
import { leafCertificate } from "../../src/x509/leaf.ts";
import { pemEncode, pemExtract } from "../../src/x509/pem.ts";
import { readRecipient } from "../../src/smime/recipient.ts";
import {
  isMissing,
  issue,
  openssl,
  run,
  temporaryDirectory,
} from "../helpers/openssl.ts";

const OPENSSL = { ignore: isMissing("openssl") };
const ADDRESS = "cat@example.com";
const encoder = new TextEncoder();
const BODY = "Content-Type: text/plain\r\n\r\nThe cat is well.\r\n";
const MESSAGE = encoder.encode(`From: dog@example.com\r\n${BODY}`);

/** A key and a request that openssl has made, in a directory. */
async function request(newKey: string, args = "") {
  const directory = await temporaryDirectory();
  const { path: cwd } = directory;
  await run("openssl", [
    ...["req", "-new", "-nodes", "-subj", "/CN=Somebody else/O=Nonsense"],
    ...["-addext", "basicConstraints=critical,CA:TRUE"],
    ...["-newkey", ...newKey.split(" "), "-keyout", "key", "-out", "csr"],
    ...(args === "" ? [] : args.split(" ")),
  ], { cwd });
  return Object.assign(directory, {
    csr: pemExtract(
      "CERTIFICATE REQUEST",
      await Deno.readTextFile(`${cwd}/csr`),
    ),
  });
}

/** An issuer and what it issued for a key. */
async function issued(publicKey: Uint8Array<ArrayBuffer>) {
  const privateKey = await generateRsaKey(2048);
  const notBefore = new Date(Date.now() - 3_600_000);
  const issuer = await issuerCertificate({
    privateKey,
    notBefore,
    validityDays: 7305,
  });
  const leaf = await leafCertificate(ADDRESS, publicKey, {
    notBefore,
    validityDays: 365,
    signer: { certificate: issuer.certificate, privateKey },
  });
  return {
    issuer: pemEncode("CERTIFICATE", issuer.certificate),
    leaf: pemEncode("CERTIFICATE", leaf.certificate),
    der: leaf.certificate,
  };
}

Deno.test(
  "a certificate for openssl's request passes openssl verify",
  OPENSSL,
  async (t) => {
    await using made = await request("rsa:2048");
    const { issuer, leaf } = await issued(readCertificationRequest(made.csr));
    const files = { "issuer.pem": issuer, "leaf.pem": leaf };
    const verify = "verify -x509_strict -CAfile issuer.pem".split(" ");
    for (const purpose of ["smimesign", "smimeencrypt"]) {
      await t.step(purpose, async () => {
        await openssl(files, [
          ...verify,
          ...["-purpose", purpose, "-verify_email", ADDRESS, "leaf.pem"],
        ]);
      });
    }
    for (const purpose of ["sslserver", "sslclient"]) {
      await t.step(`it is none for ${purpose}`, async () => {
        await assert.rejects(
          openssl(files, [...verify, "-purpose", purpose, "leaf.pem"]),
        );
      });
    }
    await t.step("nothing of the request but the key is in it", async () => {
      const text = new TextDecoder().decode(
        await openssl(files, "x509 -in leaf.pem -noout -text".split(" ")),
      ).replaceAll(/\s+/g, " ");
      assert.ok(text.includes("Subject: CN = cat@example.com Subject Public"));
      assert.ok(text.includes("Basic Constraints: critical CA:FALSE"));
      assert.equal(text.includes("Nonsense"), false);
    });
    await t.step("the issuer may issue no other authority", async () => {
      const text = new TextDecoder().decode(
        await openssl(files, "x509 -in issuer.pem -noout -text".split(" ")),
      ).replaceAll(/\s+/g, " ");
      for (
        const expected of [
          "Basic Constraints: critical CA:TRUE, pathlen:0",
          "Key Usage: critical Certificate Sign, CRL Sign",
          "Extended Key Usage: E-mail Protection",
        ]
      ) assert.ok(text.includes(expected), expected);
    });
  },
);

for (const [key, hash] of [["2048", "sha384"], ["4096", "sha512"]] as const) {
  Deno.test(
    `mail to a certificate for RSA ${key} and a ${hash} request opens with openssl cms`,
    OPENSSL,
    async () => {
      await using made = await request(`rsa:${key}`, `-${hash}`);
      const { der, leaf } = await issued(readCertificationRequest(made.csr));
      const { octets } = await encryptMessage(MESSAGE, [readRecipient(der)], {
        traceFields: [],
      });
      await Deno.writeFile(`${made.path}/mail`, octets);
      await Deno.writeTextFile(`${made.path}/leaf`, leaf);
      const opened = await run(
        "openssl",
        "cms -decrypt -binary -in mail -inkey key -recip leaf".split(" "),
        { cwd: made.path },
      );
      assert.deepEqual(opened, encoder.encode(BODY));
    },
  );
}

Deno.test(
  "mail to a certificate that openssl made opens with its key",
  OPENSSL,
  async () => {
    const { key, certificate } = await issue("/CN=Cat/O=Pets");
    const text = new TextDecoder().decode(certificate);
    const der = pemExtract("CERTIFICATE", text);
    const facts = readCertificate(der);
    assert.deepEqual(facts.emails, ["cat@example.com"]);
    assert.equal(facts.subject, "CN=Cat, O=Pets");
    const { octets } = await encryptMessage(MESSAGE, [readRecipient(der)], {
      traceFields: [],
    });
    const opened = await openssl(
      { key, certificate, mail: octets },
      "cms -decrypt -binary -in mail -inkey key -recip certificate".split(" "),
    );
    assert.deepEqual(opened, encoder.encode(BODY));
  },
);

for (
  const [what, newKey, args] of [
    ["P-521", "ec -pkeyopt ec_paramgen_curve:P-521", ""],
    ["RSA with 1024 bits", "rsa:1024", ""],
    ["RSA with 4104 bits", "rsa:4104", ""],
    ["SHA-1", "rsa:2048", "-sha1"],
    ["RSASSA-PSS", "rsa:2048", "-sigopt rsa_padding_mode:pss"],
  ] as const
) {
  Deno.test(`a request with ${what} is refused`, OPENSSL, async () => {
    await using made = await request(newKey, args);
    assert.throws(() => readCertificationRequest(made.csr), RangeError);
  });
}

Deno.test("a request is refused wherever it is altered", OPENSSL, async () => {
  await using made = await request("rsa:2048");
  const { csr } = made;
  readCertificationRequest(csr);
  for (let i = 0; i < csr.length; i++) {
    const altered = csr.slice();
    altered[i]! ^= 1;
    assert.throws(
      () => readCertificationRequest(altered),
      (error) => error instanceof RangeError || error instanceof SyntaxError,
      `octet ${i}`,
    );
  }
});
