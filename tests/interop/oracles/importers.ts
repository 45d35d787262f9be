/**
 * Programs that import PKCS#12 files, and open mail with what they imported.
 *
 * @module
 */

import {
  type TemporaryDirectory,
  temporaryDirectory,
} from "../pkcs12_oracles.ts";
import type { Issued, Octets } from "../../helpers/openssl.ts";
import { startBouncyCastle } from "./bouncy_castle.ts";
import { JARS } from "./engines.ts";

/** One program. */
export interface Importer {
  /** Its name. */
  readonly name: string;
  /** Programs and files without which it cannot run. */
  readonly needs: readonly string[];
  /**
   * Starts it, for many imports.
   *
   * @returns What imports.
   */
  start(): Promise<ImportSession>;
}

/** A program at work; it goes away with its scope. */
export interface ImportSession extends AsyncDisposable {
  /**
   * Imports files into one empty store, one after the other, and then decrypts
   * a message to each.
   *
   * @param imports Files in order, and a ContentInfo for each.
   * @param password Password of all files.
   * @returns The contents of the messages.
   * @throws {Error} If a file does not import or a message does not open; the
   * text is what the program said.
   */
  open(imports: readonly Import[], password: string): Promise<Octets[]>;
}

/** A file, and a message that its key opens. */
export interface Import {
  /** PKCS#12. */
  readonly file: Octets;
  /** EnvelopedData. */
  readonly contentInfo: Octets;
}

/** All programs; the first one is always there. */
export const IMPORTERS: readonly Importer[] = [
  { name: "OpenSSL", needs: ["openssl"], start: () => once(openWithOpenssl) },
  {
    name: "NSS",
    needs: ["certutil", "pk12util", "cmsutil"],
    start: () => once(openWithNss),
  },
  {
    name: "gpgsm",
    needs: ["gpgsm", "gpgconf", "gpg-agent"],
    start: () => once(openWithGpgsm),
  },
  {
    name: "keytool",
    needs: ["keytool", "java", "javac", ...JARS],
    start: startKeytool,
  },
  {
    name: "Bouncy Castle",
    needs: ["java", "javac", ...JARS],
    start: startBouncyCastleAlone,
  },
];

/** A program that starts anew for each import. */
function once(open: ImportSession["open"]): Promise<ImportSession> {
  return Promise.resolve({
    open,
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
}

/** Writes files, messages and the password into a directory. */
async function fill(
  directory: TemporaryDirectory,
  imports: readonly Import[],
  password: string,
): Promise<void> {
  await directory.write("password", password);
  for (const [n, { file, contentInfo }] of imports.entries()) {
    await directory.write(`${n}.p12`, file);
    await directory.write(`${n}.der`, contentInfo);
  }
}

async function openWithOpenssl(
  imports: readonly Import[],
  password: string,
): Promise<Octets[]> {
  await using directory = await temporaryDirectory();
  await fill(directory, imports, password);
  const contents: Octets[] = [];
  for (const n of imports.keys()) {
    await directory.ok(
      `openssl pkcs12 -in ${n}.p12 -passin file:password -nodes -out ${n}.pem`
        .split(" "),
    );
    // With -recip it goes by issuer and serial number of the first certificate.
    const { stdout } = await directory.ok(
      `openssl cms -decrypt -binary -inform DER -in ${n}.der -recip ${n}.pem -inkey ${n}.pem`
        .split(" "),
    );
    contents.push(stdout);
  }
  return contents;
}

async function openWithNss(
  imports: readonly Import[],
  password: string,
): Promise<Octets[]> {
  await using directory = await temporaryDirectory();
  await fill(directory, imports, password);
  await directory.ok("certutil -N -d sql:. --empty-password".split(" "));
  for (const n of imports.keys()) {
    await directory.ok(
      [..."pk12util -d sql:. -w password -i".split(" "), `${n}.p12`, "-K", ""],
    );
  }
  const contents: Octets[] = [];
  for (const n of imports.keys()) {
    const { stdout } = await directory.ok(
      `cmsutil -D -d sql:. -i ${n}.der`.split(" "),
    );
    contents.push(stdout);
  }
  return contents;
}

async function openWithGpgsm(
  imports: readonly Import[],
  password: string,
): Promise<Octets[]> {
  await using directory = await temporaryDirectory(async (path) => {
    await new Deno.Command("gpgconf", {
      args: ["--homedir", path, "--kill", "all"],
    }).output();
  });
  await Deno.chmod(directory.path, 0o700);
  await fill(directory, imports, password);
  await directory.write("gpg-agent.conf", "allow-loopback-pinentry\n");
  const gpgsm = (...args: string[]) => [
    ..."gpgsm --homedir . --batch --yes --pinentry-mode loopback".split(" "),
    ...["--passphrase-fd", "0", ...args],
  ];
  const pin = `${password}\n`;
  // On a busy machine its agent may not be up in the five seconds that gpgsm
  // waits; then the certificate is imported and the key is not.
  await directory.ok(
    "gpgconf --homedir . --launch gpg-agent".split(" "),
  );
  for (const n of imports.keys()) {
    const imported = await directory.run(gpgsm("--import", `${n}.p12`), pin);
    if (!imported.text.includes("secret keys imported: 1")) {
      throw new Error(`exit ${imported.code}: ${imported.text}`);
    }
  }
  const contents: Octets[] = [];
  for (const n of imports.keys()) {
    const { stdout } = await directory.ok(gpgsm("--decrypt", `${n}.der`), pin);
    contents.push(stdout);
  }
  return contents;
}

/** One keystore with all entries, which Bouncy Castle then uses. */
async function startKeytool(): Promise<ImportSession> {
  const bouncyCastle = await startBouncyCastleAlone();
  const storePassword = "in the key store";
  return {
    async open(imports, password) {
      await using directory = await temporaryDirectory();
      await fill(directory, imports, password);
      for (const n of imports.keys()) {
        await directory.ok([
          ..."keytool -J-Dfile.encoding=UTF-8 -importkeystore".split(" "),
          ...`-noprompt -srckeystore ${n}.p12 -srcstoretype PKCS12`.split(" "),
          ..."-destkeystore all.p12 -deststoretype PKCS12".split(" "),
          ...["-srcstorepass", password, "-deststorepass", storePassword],
        ]);
      }
      const file = await Deno.readFile(`${directory.path}/all.p12`);
      return await bouncyCastle.open(
        imports.map(({ contentInfo }) => ({ file, contentInfo })),
        storePassword,
      );
    },
    [Symbol.asyncDispose]: () => bouncyCastle[Symbol.asyncDispose](),
  };
}

async function startBouncyCastleAlone(): Promise<ImportSession> {
  const session = await startBouncyCastle(JARS);
  return {
    async open(imports, password) {
      const contents: Octets[] = [];
      for (const { file, contentInfo } of imports) {
        const recipient = { pkcs12: file, password } as Issued;
        contents.push(await session.open(recipient, contentInfo));
      }
      return contents;
    },
    [Symbol.asyncDispose]: () => session[Symbol.asyncDispose](),
  };
}
