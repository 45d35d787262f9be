/**
 * The engines of engines.ts, set up once for many messages.
 *
 * @module
 */

import { run, temporaryDirectory } from "../../helpers/openssl.ts";
import type { Issued, Octets } from "../../helpers/openssl.ts";

/** Makes `NAME.out` of each `NAME.der` in the directory. */
type Opener = (
  directory: string,
  names: readonly string[],
  recipient: Issued,
) => Promise<void>;

/** Processes at once. */
const PROCESSES = 2;

const JARS = ["bcprov", "bcutil", "bcpkix", "bcmail"].map((name) =>
  `/usr/share/java/${name}.jar`
);

/** Engines by name, with the programs that each needs. */
export const BATCH_ENGINES: readonly {
  readonly name: string;
  readonly needs: readonly string[];
  readonly open: Opener;
}[] = [
  { name: "OpenSSL", needs: ["openssl"], open: withOpenssl },
  {
    name: "NSS",
    needs: ["certutil", "pk12util", "cmsutil"],
    open: withNss,
  },
  { name: "gpgsm", needs: ["gpgsm", "gpgconf", "gpg-agent"], open: withGpgsm },
  {
    name: "Bouncy Castle",
    needs: ["java", "javac", ...JARS],
    open: withBouncyCastle,
  },
];

/**
 * Decrypts many messages with one engine.
 *
 * @param open The engine.
 * @param recipient Whose key to use.
 * @param contentInfos EnvelopedData.
 * @returns Their contents, in order.
 * @throws {Error} If the engine refuses one.
 */
export async function openAll(
  open: Opener,
  recipient: Issued,
  contentInfos: readonly Octets[],
): Promise<Octets[]> {
  const names = contentInfos.map((_, i) => `${i}`);
  await using directory = await temporaryDirectory({
    "key.p12": recipient.pkcs12,
    key: recipient.key,
    certificate: recipient.certificate,
    ...Object.fromEntries(
      contentInfos.map((octets, i) => [`${i}.der`, octets]),
    ),
  });
  await open(directory.path, names, recipient);
  return await Promise.all(
    names.map((name) => Deno.readFile(`${directory.path}/${name}.out`)),
  );
}

async function withOpenssl(
  cwd: string,
  names: readonly string[],
): Promise<void> {
  await each(names, async (name) => {
    await run("openssl", [
      ...["cms", "-decrypt", "-binary", "-inform", "DER", "-in", `${name}.der`],
      ...["-inkey", "key", "-recip", "certificate", "-out", `${name}.out`],
    ], { cwd });
  });
}

async function withNss(
  cwd: string,
  names: readonly string[],
  { password }: Issued,
): Promise<void> {
  await run("certutil", ["-N", "-d", "sql:.", "--empty-password"], { cwd });
  await run("pk12util", [
    ...["-i", "key.p12", "-d", "sql:.", "-W", password, "-K", ""],
  ], { cwd });
  await each(names, async (name) => {
    await run("cmsutil", [
      ...["-D", "-d", "sql:.", "-i", `${name}.der`, "-o", `${name}.out`],
    ], { cwd });
  });
}

async function withGpgsm(
  cwd: string,
  names: readonly string[],
  { password }: Issued,
): Promise<void> {
  // Unlocking the key takes a tenth of a second or more if its agent may choose.
  await Deno.writeTextFile(
    `${cwd}/gpg-agent.conf`,
    "allow-loopback-pinentry\ns2k-count 65536\n",
  );
  const gpgsm = (...args: string[]) =>
    run("gpgsm", [
      ...["--homedir", cwd, "--quiet", "--batch", "--yes", "--disable-dirmngr"],
      ...["--pinentry-mode", "loopback", "--passphrase-fd", "0", ...args],
    ], { cwd, stdin: `${password}\n` });
  try {
    await run("gpgconf", ["--homedir", cwd, "--launch", "gpg-agent"], { cwd });
    await gpgsm("--import", "key.p12");
    await each(names, async (name) => {
      await gpgsm("--output", `${name}.out`, "--decrypt", `${name}.der`);
    });
  } finally {
    await run("gpgconf", ["--homedir", cwd, "--kill", "all"], { cwd });
  }
}

async function withBouncyCastle(
  cwd: string,
  _names: readonly string[],
  { password }: Issued,
): Promise<void> {
  const source = new URL("OpenAll.java", import.meta.url).pathname;
  await run("java", [
    ...["-cp", JARS.join(":"), source, "key.p12", password, "."],
  ], { cwd });
}

async function each(
  names: readonly string[],
  task: (name: string) => Promise<void>,
): Promise<void> {
  const waiting = [...names];
  const worker = async () => {
    for (let name; (name = waiting.pop()) !== undefined;) await task(name);
  };
  await Promise.all(Array.from({ length: PROCESSES }, worker));
}
