import assert from "node:assert/strict";
import {
  encryptTo,
  ENTITY,
  temporaryDirectory,
  testIdentity,
  testPfx,
} from "./pkcs12_oracles.ts";
import { isMissing } from "../helpers/openssl.ts";

const PASSWORD = `it's "my" pass\\word`;
const FORMATS = ["modern", "compatible"] as const;
const NSS = { ignore: isMissing("pk12util") };
const GPGSM = { ignore: isMissing("gpgsm") };
const KEYTOOL = { ignore: isMissing("keytool") };
const CERTTOOL = { ignore: isMissing("certtool") };

let identity: ReturnType<typeof testIdentity> | undefined;
const cat = () => identity ??= testIdentity();

/** A directory with an empty NSS database. */
async function nssDirectory() {
  const directory = await temporaryDirectory();
  await directory.ok(["certutil", "-N", "-d", "sql:.", "--empty-password"]);
  return directory;
}

/** A directory that is a GnuPG home, whose agent ends with it. */
async function gpgDirectory() {
  const directory = await temporaryDirectory(async (path) => {
    await new Deno.Command("gpgconf", {
      args: ["--homedir", path, "--kill", "all"],
    }).output();
  });
  await Deno.chmod(directory.path, 0o700);
  await directory.write("gpg-agent.conf", "allow-loopback-pinentry\n");
  return directory;
}

const gpgsm = (...args: string[]) => [
  ..."gpgsm --homedir . --batch --yes --pinentry-mode loopback".split(" "),
  ...["--passphrase-fd", "0", ...args],
];

for (const format of FORMATS) {
  Deno.test(
    `pfx() in the ${format} format opens a message in NSS after import`,
    NSS,
    async () => {
      await using directory = await nssDirectory();
      await directory.write(
        "a.p12",
        await testPfx(await cat(), format, PASSWORD),
      );
      await directory.ok(
        ["pk12util", "-i", "a.p12", "-d", "sql:.", "-W", PASSWORD, "-K", ""],
      );
      const { text } = await directory.ok(["certutil", "-L", "-d", "sql:."]);
      // friendlyName is the nickname; "u" says that its key is there.
      assert.match(text, /^cat@example\.com +u,u,u/m);
      const cms = await encryptTo(directory, await cat());
      const { stdout } = await directory.ok(
        ["cmsutil", "-D", "-d", "sql:.", "-i", cms],
      );
      assert.equal(new TextDecoder().decode(stdout), ENTITY);
    },
  );

  Deno.test(
    `pfx() in the ${format} format is refused by NSS under a wrong password`,
    NSS,
    async () => {
      await using directory = await nssDirectory();
      await directory.write(
        "a.p12",
        await testPfx(await cat(), format, PASSWORD),
      );
      const { code } = await directory.run(
        ["pk12util", "-i", "a.p12", "-d", "sql:.", "-W", "wrong one", "-K", ""],
      );
      assert.notEqual(code, 0);
      const { text } = await directory.ok(["certutil", "-L", "-d", "sql:."]);
      assert.doesNotMatch(text, /cat@example/);
    },
  );

  Deno.test(
    `pfx() in the ${format} format is a PrivateKeyEntry in keytool`,
    KEYTOOL,
    async () => {
      await using directory = await temporaryDirectory();
      await directory.write(
        "a.p12",
        await testPfx(await cat(), format, PASSWORD),
      );
      const list = "keytool -list -storetype PKCS12 -keystore a.p12 -storepass"
        .split(" ");
      const { text } = await directory.ok([...list, PASSWORD]);
      assert.match(text, /contains 1 entry/);
      assert.match(text, /^cat@example\.com, .*PrivateKeyEntry/m);
      assert.notEqual((await directory.run([...list, "wrong one"])).code, 0);
    },
  );

  Deno.test(
    `pfx() in the ${format} format is read by certtool`,
    CERTTOOL,
    async () => {
      await using directory = await temporaryDirectory();
      await directory.write(
        "a.p12",
        await testPfx(await cat(), format, PASSWORD),
      );
      const info = "certtool --p12-info --inder --infile a.p12 --password"
        .split(" ");
      const { text } = await directory.ok([...info, PASSWORD]);
      assert.equal(text.match(/BEGIN CERTIFICATE/g)?.length, 1);
      assert.equal(text.match(/Friendly name: cat@example\.com/g)?.length, 2);
      const keys = text.match(
        /-----BEGIN ENCRYPTED PRIVATE KEY-----[^]*?-----END.*-----\n/g,
      );
      assert.equal(keys?.length, 1);
      await directory.write("key.pem", keys[0]!);
      const { text: key } = await directory.ok([
        ..."certtool --key-info --pkcs8 --infile key.pem --password".split(" "),
        PASSWORD,
      ]);
      assert.match(key, /BEGIN RSA PRIVATE KEY/);
      const wrong = await directory.run([...info, "wrong one"]);
      assert.match(wrong.text, /Message Authentication Code.* failed/);
      assert.doesNotMatch(wrong.text, /BEGIN CERTIFICATE/);
    },
  );
}

Deno.test(
  "pfx() twice for one address opens the mail of both keys in NSS",
  NSS,
  async () => {
    await using directory = await nssDirectory();
    const generations = [await testIdentity(), await testIdentity()];
    for (const generation of generations) {
      await directory.write(
        "a.p12",
        await testPfx(generation, "modern", PASSWORD),
      );
      await directory.ok(
        ["pk12util", "-i", "a.p12", "-d", "sql:.", "-W", PASSWORD, "-K", ""],
      );
    }
    for (const generation of generations) {
      const cms = await encryptTo(directory, generation);
      const { stdout } = await directory.ok(
        ["cmsutil", "-D", "-d", "sql:.", "-i", cms],
      );
      assert.equal(new TextDecoder().decode(stdout), ENTITY);
    }
  },
);

Deno.test(
  "pfx() in the compatible format opens a message in gpgsm after import",
  GPGSM,
  async () => {
    await using directory = await gpgDirectory();
    const pin = `${PASSWORD}\n`;
    await directory.write(
      "a.p12",
      await testPfx(await cat(), "compatible", PASSWORD),
    );
    const { text } = await directory.ok(gpgsm("--import", "a.p12"), pin);
    assert.match(text, /secret keys imported: 1/);
    const cms = await encryptTo(directory, await cat());
    // The passphrase of the import is that of the key, too.
    const { stdout } = await directory.ok(gpgsm("--decrypt", cms), pin);
    assert.equal(new TextDecoder().decode(stdout), ENTITY);
  },
);

Deno.test(
  "pfx() in the compatible format is refused by gpgsm under a wrong password",
  GPGSM,
  async () => {
    await using directory = await gpgDirectory();
    await directory.write(
      "a.p12",
      await testPfx(await cat(), "compatible", PASSWORD),
    );
    const { text } = await directory.run(
      gpgsm("--import", "a.p12"),
      "wrong one\n",
    );
    assert.doesNotMatch(text, /secret keys imported: 1/);
  },
);
