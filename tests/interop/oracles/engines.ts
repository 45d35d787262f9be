/**
 * Independent CMS implementations that open what we encrypt.
 *
 * @module
 */

import { run } from "../../helpers/openssl.ts";
import type { Issued, Octets } from "../../helpers/openssl.ts";
import { startBouncyCastle } from "./bouncy_castle.ts";
import { directorySession, type Session } from "./session.ts";

/** One implementation. */
export interface Engine {
  /** Its name, for the name of a test. */
  readonly name: string;
  /** Programs and files without which it cannot run. */
  readonly needs: readonly string[];
  /**
   * Says which version runs.
   *
   * @returns The version, as it says it.
   */
  version(): Promise<string>;
  /**
   * Starts it, for many messages.
   *
   * @returns What opens them.
   */
  start(): Promise<Session>;
  /**
   * Decrypts one ContentInfo.
   *
   * @param recipient Whose key to use.
   * @param contentInfo EnvelopedData or AuthEnvelopedData.
   * @returns Its content.
   * @throws {Error} If the engine cannot, or does not want to.
   */
  open(recipient: Issued, contentInfo: Octets): Promise<Octets>;
}

/** Libraries of Bouncy Castle. */
export const JARS: readonly string[] = ["bcprov", "bcutil", "bcpkix", "bcmail"]
  .map((name) => `/usr/share/java/${name}.jar`);

/** Its libraries, which the tools of another NSS can use. */
const THUNDERBIRD = "/usr/lib/thunderbird";

/** All engines; the first one is always there. */
export const ENGINES: readonly Engine[] = [
  engine({
    name: "OpenSSL",
    needs: ["openssl"],
    version: () => firstLine("openssl", "version"),
    start: () => Promise.resolve(OPENSSL()),
  }),
  engine({
    name: "NSS",
    needs: ["certutil", "pk12util", "cmsutil"],
    version: () =>
      firstLine("dpkg-query", "-W", "-f", "${Version}", "libnss3-tools")
        .catch(() => "unknown"),
    start: () => Promise.resolve(NSS()),
  }),
  engine({
    name: "Thunderbird's NSS",
    needs: ["certutil", "pk12util", "cmsutil", `${THUNDERBIRD}/libnss3.so`],
    version: () =>
      firstLine("dpkg-query", "-W", "-f", "${Version}", "thunderbird")
        .catch(() => "unknown"),
    start: () => Promise.resolve(THUNDERBIRD_NSS()),
  }),
  engine({
    name: "gpgsm",
    needs: ["gpgsm", "gpgconf", "gpg-agent"],
    version: () => firstLine("gpgsm", "--version"),
    start: () => Promise.resolve(GPGSM()),
  }),
  engine({
    name: "Bouncy Castle",
    needs: ["java", "javac", ...JARS],
    version: async () => {
      await using session = await startBouncyCastle(JARS);
      return session.version;
    },
    start: () => startBouncyCastle(JARS),
  }),
];

function engine(facts: Omit<Engine, "open">): Engine {
  return {
    ...facts,
    async open(recipient, contentInfo) {
      await using session = await facts.start();
      return await session.open(recipient, contentInfo);
    },
  };
}

const OPENSSL = directorySession({
  prepare: async (cwd, { key, certificate }) => {
    await Deno.writeFile(`${cwd}/key`, key);
    await Deno.writeFile(`${cwd}/certificate`, certificate);
  },
  // With -recip it goes by issuer and serial number; without, it tries the
  // key on everything, and a wrong key may then give garbage with status 0.
  open: async (cwd) => {
    await run("openssl", [
      ...["cms", "-decrypt", "-binary", "-inform", "DER", "-in", "message.der"],
      ...["-inkey", "key", "-recip", "certificate", "-out", "content"],
    ], { cwd });
  },
});

const NSS = nss({});
const THUNDERBIRD_NSS = nss({ LD_LIBRARY_PATH: THUNDERBIRD });

function nss(env: Readonly<Record<string, string>>): () => Session {
  return directorySession({
    prepare: async (cwd, { pkcs12, password }) => {
      await Deno.writeFile(`${cwd}/key.p12`, pkcs12);
      await run("certutil", ["-N", "-d", "sql:.", "--empty-password"], {
        cwd,
        env,
      });
      await run("pk12util", [
        ...["-i", "key.p12", "-d", "sql:.", "-W", password, "-K", ""],
      ], { cwd, env });
    },
    open: async (cwd) => {
      await run("cmsutil", [
        ...["-D", "-d", "sql:.", "-i", "message.der", "-o", "content"],
      ], { cwd, env });
    },
  });
}

const GPGSM = directorySession({
  prepare: async (cwd, recipient) => {
    await Deno.writeFile(`${cwd}/key.p12`, recipient.pkcs12);
    await Deno.writeTextFile(
      `${cwd}/gpg-agent.conf`,
      // The least work for a passphrase: each message takes it again.
      "allow-loopback-pinentry\ns2k-count 65536\n",
    );
    // On a busy machine its agent may not be up in the five seconds that gpgsm
    // waits; then the certificate is imported and the key is not.
    await run("gpgconf", ["--homedir", cwd, "--launch", "gpg-agent"], { cwd });
    const keys = `${cwd}/private-keys-v1.d`;
    for (let tries = 3; tries > 0 && await isEmpty(keys); tries--) {
      await gpgsm(cwd, recipient, "--import", "key.p12");
    }
  },
  open: async (cwd, recipient) => {
    // Its exit status is 2 also if it lacks the certificate of another
    // recipient, so the status line decides, as it does for KMail and mutt.
    const status = await gpgsm(
      cwd,
      recipient,
      ...["--status-fd", "1", "--logger-fd", "1"],
      ...["--output", "content", "--decrypt"],
      "message.der",
    );
    const text = new TextDecoder().decode(status);
    if (!text.includes("[GNUPG:] DECRYPTION_OKAY\n")) throw new Error(text);
  },
  end: async (cwd) => {
    await run("gpgconf", ["--homedir", cwd, "--kill", "all"], { cwd });
  },
});

function gpgsm(
  cwd: string,
  { password }: Issued,
  ...args: string[]
): Promise<Octets> {
  return run("gpgsm", [
    ...["--homedir", cwd, "--quiet", "--batch", "--yes"],
    ...["--pinentry-mode", "loopback", "--passphrase-fd", "0", ...args],
  ], { cwd, stdin: `${password}\n`, statuses: [0, 2] });
}

async function isEmpty(directory: string): Promise<boolean> {
  const names = await Array.fromAsync(Deno.readDir(directory)).catch(() => []);
  return names.length === 0;
}

async function firstLine(program: string, ...args: string[]): Promise<string> {
  const text = new TextDecoder().decode(await run(program, args, { cwd: "." }));
  return text.split("\n")[0]!;
}
