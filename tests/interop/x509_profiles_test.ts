import assert from "node:assert/strict";
import { encryptMessage } from "../helpers/encrypt.ts";
import { issuerCertificate } from "../../src/x509/issuer.ts";
import {
  generateKey,
  type KeyKind,
  publicKeyOf,
} from "../../src/x509/key_pair.ts";
import { leafCertificate } from "../../src/x509/leaf.ts";
import { pemEncode } from "../../src/x509/pem.ts";
import { selfSignedCertificate } from "../../src/x509/self_signed.ts";
import { readRecipient } from "../../src/smime/recipient.ts";
import { isMissing, run, temporaryDirectory } from "../helpers/openssl.ts";

const ADDRESS = "cat@example.com";
const JARS = ["bcprov", "bcutil", "bcpkix"].map((name) =>
  `/usr/share/java/${name}.jar`
);
const BODY = "Content-Type: text/plain\r\n\r\nThe cat is well.\r\n";

/** Bits of keyUsage: digitalSignature, and keyEncipherment or keyAgreement. */
const USAGES = { rsa: "0,2", ec: "0,4" };

const notBefore = new Date(Date.now() - 3_600_000);
const year = { notBefore, validityDays: 365 };

let authority: Promise<{
  certificate: Uint8Array<ArrayBuffer>;
  privateKey: Uint8Array<ArrayBuffer>;
}>;

async function makeAuthority() {
  const privateKey = await generateKey("rsa-3072");
  const { certificate } = await issuerCertificate({
    privateKey,
    notBefore,
    validityDays: 7305,
  });
  return { certificate, privateKey };
}

/** A root, a certificate under it and its key, in a directory. */
async function identity(kind: KeyKind, signer: "itself" | "the issuer") {
  const privateKey = await generateKey(kind);
  const root = signer === "itself"
    ? undefined
    : await (authority ??= makeAuthority());
  const { certificate } = root === undefined
    ? await selfSignedCertificate(ADDRESS, { ...year, privateKey })
    : await leafCertificate(ADDRESS, publicKeyOf(privateKey), {
      ...year,
      signer: root,
    });
  const pem = (der: Uint8Array) => pemEncode("CERTIFICATE", der);
  const directory = await temporaryDirectory({
    "root.pem": pem(root?.certificate ?? certificate),
    "leaf.pem": pem(certificate),
    key: pemEncode("PRIVATE KEY", privateKey),
  });
  const { path: cwd } = directory;
  return Object.assign(directory, {
    certificate,
    async run(command: string): Promise<string> {
      const [program = "", ...args] = command.split(" ");
      return new TextDecoder().decode(await run(program, args, { cwd }));
    },
  });
}

for (
  const [kind, signers] of [
    ["rsa-2048", ["itself", "the issuer"]],
    ["rsa-3072", ["itself"]],
    ["rsa-4096", ["itself"]],
    ["p-256", ["itself", "the issuer"]],
  ] as const
) {
  const isRsa = kind.startsWith("rsa");
  for (const signer of signers) {
    const what = `a ${kind} certificate signed by ${signer}`;

    Deno.test(
      `${what} passes openssl verify`,
      { ignore: isMissing("openssl") },
      async () => {
        await using made = await identity(kind, signer);
        const verify = "openssl verify -x509_strict -check_ss_sig " +
          `-CAfile root.pem -verify_email ${ADDRESS} -purpose`;
        await made.run(`${verify} smimesign leaf.pem`);
        // OpenSSL asks for keyEncipherment here, also of an EC key, which must
        // not have it (RFC 8813 §3). It encrypts to the certificate all the same.
        if (isRsa) await made.run(`${verify} smimeencrypt leaf.pem`);
        await assert.rejects(made.run(`${verify} sslserver leaf.pem`));
      },
    );

    Deno.test(
      `mail to ${what} opens with openssl cms`,
      { ignore: isMissing("openssl") },
      async () => {
        await using made = await identity(kind, signer);
        const message = new TextEncoder().encode(
          `From: dog@a.example\r\n${BODY}`,
        );
        const { octets } = await encryptMessage(message, [
          readRecipient(made.certificate),
        ], {
          traceFields: [],
        });
        await Deno.writeFile(`${made.path}/mail`, octets);
        assert.equal(
          await made.run(
            "openssl cms -decrypt -binary -in mail -inkey key -recip leaf.pem",
          ),
          BODY,
        );
      },
    );

    Deno.test(
      `${what} is valid in NSS for signing and as a recipient`,
      { ignore: isMissing("certutil") },
      async () => {
        await using made = await identity(kind, signer);
        const db = "certutil -d sql:.";
        await made.run(`${db} -N --empty-password`);
        if (signer === "itself") {
          await made.run(`${db} -A -n cat -t ,P, -a -i leaf.pem`);
        } else {
          await made.run(`${db} -A -n root -t ,C, -a -i root.pem`);
          await made.run(`${db} -A -n cat -t ,, -a -i leaf.pem`);
        }
        for (const usage of ["S", "R"]) {
          const said = await made.run(
            `certutil -d sql:. -V -n cat -u ${usage}`,
          );
          assert.match(said, /certificate is valid/);
        }
      },
    );

    Deno.test(
      `${what} is good to gpgsm`,
      { ignore: isMissing("gpgsm", "gpgconf") },
      async () => {
        await using made = await identity(kind, signer);
        const sha1 = await made.run(
          "openssl x509 -in root.pem -noout -fingerprint -sha1",
        );
        await Deno.writeTextFile(
          `${made.path}/trustlist.txt`,
          `${sha1.trim().split("=")[1]} S relax\n`,
        );
        const gpgsm = "gpgsm --homedir . --quiet --batch --disable-crl-checks";
        try {
          await made.run(`${gpgsm} --import root.pem leaf.pem`);
          const said = await made.run(
            `${gpgsm} --with-validation --list-keys ${ADDRESS}`,
          );
          assert.match(said, /\[certificate is good\]/);
          assert.match(said, /key type: +\d+ bit (RSA|ECC)\n/);
        } finally {
          await made.run("gpgconf --homedir . --kill all");
        }
      },
    );

    Deno.test(
      `${what} is valid to the JDK and to Bouncy Castle`,
      { ignore: isMissing("java", "javac", ...JARS) },
      async () => {
        await using made = await identity(kind, signer);
        const url = new URL("oracles/CertificatePath.java", import.meta.url);
        const usage = USAGES[isRsa ? "rsa" : "ec"];
        const said = await made.run(
          `java -cp ${JARS.join(":")} ${url.pathname} root.pem leaf.pem ` +
            `${ADDRESS} ${usage}`,
        );
        assert.equal(said, "SUN ok\nBC ok\n");
      },
    );
  }
}

Deno.test(
  "a P-256 certificate says keyAgreement, ECDSA and how to encrypt to it",
  { ignore: isMissing("openssl") },
  async () => {
    await using made = await identity("p-256", "itself");
    const text = (await made.run("openssl x509 -in leaf.pem -noout -text"))
      .replaceAll(/\s+/g, " ");
    for (
      const expected of [
        "Signature Algorithm: ecdsa-with-SHA256",
        "NIST CURVE: P-256",
        "X509v3 Key Usage: critical Digital Signature, Key Agreement X509v3",
      ]
    ) assert.ok(text.includes(expected), expected);
    const asn1 = await made.run("openssl asn1parse -in leaf.pem");
    const at = /S\/MIME Capabilities\n *(\d+):/.exec(asn1)![1]!;
    const inner = await made.run(
      `openssl asn1parse -in leaf.pem -strparse ${at}`,
    );
    assert.deepEqual(
      inner.match(/OBJECT +:.*/g)?.map((line) => line.split(":")[1]),
      [
        "aes-256-cbc",
        "aes-128-cbc",
        "dhSinglePass-stdDH-sha256kdf-scheme",
        "id-aes256-wrap",
      ],
    );
    // RFC 5758 §3.2: the identifier of the signature has no parameters.
    assert.doesNotMatch(asn1, /ecdsa-with-SHA256\n.*prim: NULL/);
  },
);
