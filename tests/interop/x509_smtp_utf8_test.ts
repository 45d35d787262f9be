import assert from "node:assert/strict";
import { readCertificate } from "../../src/smime/recipient_certificate.ts";
import { generateKey } from "../../src/x509/key_pair.ts";
import { pemEncode } from "../../src/x509/pem.ts";
import { selfSignedCertificate } from "../../src/x509/self_signed.ts";
import { isMissing, run, temporaryDirectory } from "../helpers/openssl.ts";

const ADDRESS = "kaķis.猫@xn--kais-h0a.example";
const OPENSSL = { ignore: isMissing("openssl") };
const JARS = ["bcprov", "bcutil", "bcpkix"].map((name) =>
  `/usr/share/java/${name}.jar`
);

async function certificateFor(address: string) {
  const { certificate } = await selfSignedCertificate(address, {
    privateKey: await generateKey("p-256"),
    notBefore: new Date(Date.now() - 3_600_000),
    validityDays: 365,
  });
  const directory = await temporaryDirectory({
    "leaf.pem": pemEncode("CERTIFICATE", certificate),
  });
  const { path: cwd } = directory;
  return Object.assign(directory, {
    certificate,
    async run(...[program = "", ...args]: string[]): Promise<string> {
      return new TextDecoder().decode(await run(program, args, { cwd }));
    },
  });
}

Deno.test(
  "openssl finds the address that is not ASCII, and no other one",
  OPENSSL,
  async () => {
    await using made = await certificateFor(ADDRESS);
    const text = await made.run(
      ..."openssl x509 -in leaf.pem -noout -ext subjectAltName".split(" "),
    );
    assert.match(text, /othername: ?SmtpUTF8Mailbox:/);
    assert.doesNotMatch(text, /email:/);
    const verify = "openssl verify -x509_strict -CAfile leaf.pem".split(" ");
    await made.run(...verify, "-verify_email", ADDRESS, "leaf.pem");
    await assert.rejects(
      made.run(
        ...verify,
        "-verify_email",
        ADDRESS.replace("猫", "犬"),
        "leaf.pem",
      ),
    );
  },
);

Deno.test("an ASCII address is never a SmtpUTF8Mailbox", OPENSSL, async () => {
  await using made = await certificateFor("cat@xn--kais-h0a.example");
  const text = await made.run(
    ..."openssl x509 -in leaf.pem -noout -ext subjectAltName".split(" "),
  );
  assert.match(text, /email:cat@xn--kais-h0a\.example/);
  assert.doesNotMatch(text, /othername/);
});

Deno.test(
  "the JDK and Bouncy Castle find the address that is not ASCII",
  { ignore: isMissing("java", "javac", ...JARS) },
  async () => {
    await using made = await certificateFor(ADDRESS);
    const url = new URL("oracles/CertificatePath.java", import.meta.url);
    const said = await made.run(
      ...["java", "-Dsun.jnu.encoding=UTF-8", "-cp", JARS.join(":")],
      ...[url.pathname, "leaf.pem", "leaf.pem", ADDRESS, "0,4"],
    );
    assert.equal(said, "SUN ok\nBC ok\n");
  },
);

Deno.test("readCertificate() reads the address back", async () => {
  await using made = await certificateFor(ADDRESS);
  assert.deepEqual(readCertificate(made.certificate).emails, [ADDRESS]);
});

Deno.test("a long name is shortened between characters", OPENSSL, async () => {
  const address = `${"😀".repeat(16)}${"é".repeat(30)}@${
    "a".repeat(60)
  }.example`;
  await using made = await certificateFor(address);
  const subject = await made.run(
    ..."openssl x509 -in leaf.pem -noout -subject -nameopt utf8".split(" "),
  );
  const characters = Array.from(address).slice(0, 61).join("");
  assert.equal(subject.trim(), `subject=CN=${characters}...`);
});

for (
  const address of [
    "kak\u0327is@pets.example", // not in form C
    "ka ķis@pets.example",
    "ka\u202eķis@pets.example",
    "ķ@Pets.Example",
    "cat@kaķis.example",
    "ķ@@pets.example",
    "\ud800@pets.example",
  ]
) {
  Deno.test(`${JSON.stringify(address)} is no address of a certificate`, async () => {
    await assert.rejects(
      selfSignedCertificate(address, {
        privateKey: await generateKey("p-256"),
        notBefore: new Date(),
        validityDays: 1,
      }),
      RangeError,
    );
  });
}
