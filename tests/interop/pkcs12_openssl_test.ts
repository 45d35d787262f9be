import assert from "node:assert/strict";
import { pkcs12Kdf } from "../../src/pkcs12/pkcs12_kdf.ts";
import { pemDecode } from "../../src/x509/pem.ts";
import {
  encryptTo,
  ENTITY,
  temporaryDirectory,
  testIdentity,
  testPfx,
} from "./pkcs12_oracles.ts";
import { isMissing } from "../helpers/openssl.ts";

const OPENSSL = { ignore: isMissing("openssl") };
const PASSWORD = "correct horse battery";
const FORMATS = ["modern", "compatible"] as const;

let identity: ReturnType<typeof testIdentity> | undefined;
const cat = () => identity ??= testIdentity();

/** Cuts the only block of a kind out of what openssl prints. */
function block(label: string, text: string): Uint8Array<ArrayBuffer> {
  const blocks = text.match(
    new RegExp(`-----BEGIN ${label}-----[^]*?-----END ${label}-----`, "g"),
  );
  assert.equal(blocks?.length, 1);
  return pemDecode(label, blocks[0]!);
}

const LINES = {
  modern: [
    "MAC: sha256, Iteration 100000",
    "MAC length: 32, salt length: 16",
    "PKCS7 Encrypted data: PBES2, PBKDF2, AES-256-CBC, Iteration 100000, PRF hmacWithSHA256",
    "Certificate bag",
    "PKCS7 Data",
    "Shrouded Keybag: PBES2, PBKDF2, AES-256-CBC, Iteration 100000, PRF hmacWithSHA256",
  ],
  compatible: [
    "MAC: sha1, Iteration 100000",
    "MAC length: 20, salt length: 16",
    "PKCS7 Encrypted data: pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 100000",
    "Certificate bag",
    "PKCS7 Data",
    "Shrouded Keybag: pbeWithSHA1And3-KeyTripleDES-CBC, Iteration 100000",
  ],
} as const;

for (const format of FORMATS) {
  Deno.test(
    `pfx() in the ${format} format has the algorithms that openssl lists`,
    OPENSSL,
    async () => {
      await using directory = await temporaryDirectory();
      await directory.write(
        "a.p12",
        await testPfx(await cat(), format, PASSWORD),
      );
      const { text } = await directory.ok([
        ..."openssl pkcs12 -info -noout -legacy -in a.p12 -passin".split(" "),
        `pass:${PASSWORD}`,
      ]);
      assert.deepEqual(text.trim().split("\n"), LINES[format]);
    },
  );

  Deno.test(
    `pfx() in the ${format} format gives openssl the same key and certificate`,
    OPENSSL,
    async () => {
      await using directory = await temporaryDirectory();
      const { privateKey, certificate } = await cat();
      await directory.write(
        "a.p12",
        await testPfx(await cat(), format, PASSWORD),
      );
      const { text } = await directory.ok([
        ..."openssl pkcs12 -legacy -nodes -in a.p12 -passin".split(" "),
        `pass:${PASSWORD}`,
      ]);
      assert.deepEqual(block("PRIVATE KEY", text), privateKey);
      assert.deepEqual(block("CERTIFICATE", text), certificate);
      // Both bags have the same friendlyName and localKeyID.
      const names = text.match(/friendlyName: .*/g);
      assert.deepEqual(names, Array(2).fill("friendlyName: cat@example.com"));
      const ids = text.match(/localKeyID: .*/g)?.map((id) => id.trimEnd());
      const sha1 = new Uint8Array(
        await crypto.subtle.digest("SHA-1", certificate),
      );
      const id = sha1.toHex().toUpperCase().match(/../g)!.join(" ");
      assert.deepEqual(ids, Array(2).fill(`localKeyID: ${id}`));
    },
  );

  Deno.test(
    `pfx() in the ${format} format is refused by openssl under a wrong password`,
    OPENSSL,
    async () => {
      await using directory = await temporaryDirectory();
      await directory.write(
        "a.p12",
        await testPfx(await cat(), format, PASSWORD),
      );
      for (const wrong of ["", `${PASSWORD} `, PASSWORD.toUpperCase()]) {
        const { code, text } = await directory.run([
          ..."openssl pkcs12 -legacy -nodes -in a.p12 -passin".split(" "),
          `pass:${wrong}`,
        ]);
        assert.notEqual(code, 0);
        assert.match(text, /Mac verify error/);
        assert.doesNotMatch(text, /PRIVATE KEY/);
      }
    },
  );

  for (
    const password of [
      `"double" and 'single'`,
      "back\\slash\\\\es",
      "  spaces around  ",
      "$HOME `id` %s <&>;|*?~",
      "x".repeat(128),
      "12345678",
    ]
  ) {
    Deno.test(
      `pfx() in the ${format} format opens in openssl with ${password}`,
      OPENSSL,
      async () => {
        await using directory = await temporaryDirectory();
        const file = await testPfx(await cat(), format, password);
        await directory.write("a.p12", file);
        await directory.write("password", password);
        await directory.ok(
          "openssl pkcs12 -legacy -nodes -in a.p12 -passin file:password"
            .split(" "),
        );
      },
    );
  }

  Deno.test(
    `pfx() in the ${format} format is DER throughout for openssl asn1parse`,
    OPENSSL,
    async () => {
      await using directory = await temporaryDirectory();
      await directory.write(
        "a.p12",
        await testPfx(await cat(), format, PASSWORD),
      );
      const { text } = await directory.ok(
        "openssl asn1parse -inform DER -in a.p12".split(" "),
      );
      assert.match(text, /^ +0:d=0 .*SEQUENCE/);
      assert.doesNotMatch(text, /l=inf|Error/);
    },
  );
}

Deno.test(
  "pfx() in the modern format has no keyLength in PBKDF2-params",
  OPENSSL,
  async () => {
    await using directory = await temporaryDirectory();
    await directory.write(
      "a.p12",
      await testPfx(await cat(), "modern", PASSWORD),
    );
    // The AuthenticatedSafe is the OCTET STRING at depth 3.
    const { text: outer } = await directory.ok(
      "openssl asn1parse -inform DER -in a.p12".split(" "),
    );
    const at = /^ *(\d+):d=3 .*OCTET STRING/m.exec(outer)![1]!;
    const { text } = await directory.ok(
      `openssl asn1parse -inform DER -in a.p12 -strparse ${at}`.split(" "),
    );
    const params = text.split("\n").map((line) =>
      line.slice(line.indexOf(":"))
    );
    const kdf = params.findIndex((line) => line.includes("PBKDF2"));
    const kinds = params.slice(kdf, kdf + 7)
      .map((line) => /(?:prim|cons): ([A-Z ]+[A-Z])/.exec(line)![1]);
    assert.deepEqual(kinds, [
      "OBJECT",
      "SEQUENCE",
      "OCTET STRING",
      "INTEGER",
      "SEQUENCE",
      "OBJECT",
      "NULL",
    ]);
  },
);

Deno.test(
  "pkcs12Kdf() with SHA-256 derives what openssl kdf derives",
  OPENSSL,
  async () => {
    await using directory = await temporaryDirectory();
    const salt = crypto.getRandomValues(new Uint8Array(16));
    const purposes = { key: 1, iv: 2, mac: 3 } as const;
    for (const [purpose, id] of Object.entries(purposes)) {
      const { text } = await directory.ok([
        ..."openssl kdf -keylen 75 -kdfopt digest:SHA256".split(" "),
        ...`-kdfopt iter:1234 -kdfopt id:${id}`.split(" "),
        // "s3cret" as BMPString with a NULL character at the end.
        "-kdfopt",
        "hexpass:0073003300630072006500740000",
        "-kdfopt",
        `hexsalt:${salt.toHex()}`,
        "PKCS12KDF",
      ]);
      const { octets } = await pkcs12Kdf({
        hash: "SHA-256",
        purpose: purpose as keyof typeof purposes,
        password: "s3cret",
        salt,
        iterations: 1234,
        length: 75,
      });
      assert.equal(
        octets.toHex(),
        text.trim().replaceAll(":", "").toLowerCase(),
      );
    }
  },
);

Deno.test(
  "pfx() gives openssl the key that opens a message to the certificate",
  OPENSSL,
  async () => {
    await using directory = await temporaryDirectory();
    await encryptTo(directory, await cat());
    for (const format of FORMATS) {
      await directory.write(
        "a.p12",
        await testPfx(await cat(), format, PASSWORD),
      );
      await directory.ok([
        ..."openssl pkcs12 -nodes -in a.p12 -out a.pem -passin".split(" "),
        `pass:${PASSWORD}`,
      ]);
      const { stdout } = await directory.ok(
        "openssl cms -decrypt -binary -inform DER -in cms.der -recip a.pem -inkey a.pem"
          .split(" "),
      );
      assert.equal(new TextDecoder().decode(stdout), ENTITY);
    }
  },
);
