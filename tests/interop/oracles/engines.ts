/**
 * Independent CMS implementations that open what we encrypt.
 *
 * @module
 */

import { run, temporaryDirectory } from "../../helpers/openssl.ts";
import type { Issued, Octets } from "../../helpers/openssl.ts";

/** One implementation. */
export interface Engine {
  /** Its name, for the name of a test. */
  readonly name: string;
  /** Programs and files without which it cannot run. */
  readonly needs: readonly string[];
  /**
   * Decrypts a ContentInfo.
   *
   * @param recipient Whose key to use.
   * @param contentInfo EnvelopedData.
   * @returns Its content.
   * @throws {Error} If the engine cannot, or does not want to.
   */
  open(recipient: Issued, contentInfo: Octets): Promise<Octets>;
}

const JARS = ["bcprov", "bcutil", "bcpkix", "bcmail"].map((name) =>
  `/usr/share/java/${name}.jar`
);

/** All engines; the first one is always there. */
export const ENGINES: readonly Engine[] = [
  { name: "OpenSSL", needs: ["openssl"], open: openWithOpenssl },
  {
    name: "NSS",
    needs: ["certutil", "pk12util", "cmsutil"],
    open: openWithNss,
  },
  {
    name: "gpgsm",
    needs: ["gpgsm", "gpgconf", "gpg-agent"],
    open: openWithGpgsm,
  },
  {
    name: "Bouncy Castle",
    needs: ["java", "javac", ...JARS],
    open: openWithBouncyCastle,
  },
];

async function openWithOpenssl(
  recipient: Issued,
  contentInfo: Octets,
): Promise<Octets> {
  await using directory = await temporaryDirectory({
    key: recipient.key,
    certificate: recipient.certificate,
    "message.der": contentInfo,
  });
  // With -recip it goes by issuer and serial number; without, it tries the
  // key on everything, and a wrong key may then give garbage with status 0.
  return await run("openssl", [
    ...["cms", "-decrypt", "-binary", "-inform", "DER", "-in", "message.der"],
    ...["-inkey", "key", "-recip", "certificate"],
  ], { cwd: directory.path });
}

async function openWithNss(
  recipient: Issued,
  contentInfo: Octets,
): Promise<Octets> {
  await using directory = await temporaryDirectory({
    "key.p12": recipient.pkcs12,
    "message.der": contentInfo,
  });
  const cwd = directory.path;
  await run("certutil", ["-N", "-d", "sql:.", "--empty-password"], { cwd });
  await run("pk12util", [
    ...["-i", "key.p12", "-d", "sql:.", "-W", recipient.password, "-K", ""],
  ], { cwd });
  await run("cmsutil", [
    ...["-D", "-d", "sql:.", "-i", "message.der", "-o", "content"],
  ], { cwd });
  return await Deno.readFile(`${cwd}/content`);
}

async function openWithGpgsm(
  recipient: Issued,
  contentInfo: Octets,
): Promise<Octets> {
  await using directory = await temporaryDirectory({
    "key.p12": recipient.pkcs12,
    "message.der": contentInfo,
    "gpg-agent.conf": "allow-loopback-pinentry\n",
  });
  const cwd = directory.path;
  const gpgsm = (...args: string[]) =>
    run("gpgsm", [
      ...["--homedir", cwd, "--quiet", "--batch", "--yes"],
      ...["--pinentry-mode", "loopback", "--passphrase-fd", "0", ...args],
    ], { cwd, stdin: `${recipient.password}\n`, statuses: [0, 2] });
  try {
    // On a busy machine its agent may not be up in the five seconds that gpgsm
    // waits; then the certificate is imported and the key is not.
    await run("gpgconf", ["--homedir", cwd, "--launch", "gpg-agent"], { cwd });
    const keys = `${cwd}/private-keys-v1.d`;
    for (let tries = 3; tries > 0 && await isEmpty(keys); tries--) {
      await gpgsm("--import", "key.p12");
    }
    // Its exit status is 2 also if it lacks the certificate of another
    // recipient, so the status line decides, as it does for KMail and mutt.
    const status = await gpgsm(
      ...["--status-fd", "1", "--output", "content", "--decrypt"],
      "message.der",
    );
    const text = new TextDecoder().decode(status);
    if (!text.includes("[GNUPG:] DECRYPTION_OKAY\n")) throw new Error(text);
    return await Deno.readFile(`${cwd}/content`);
  } finally {
    await run("gpgconf", ["--homedir", cwd, "--kill", "all"], { cwd });
  }
}

async function isEmpty(directory: string): Promise<boolean> {
  const names = await Array.fromAsync(Deno.readDir(directory)).catch(() => []);
  return names.length === 0;
}

async function openWithBouncyCastle(
  recipient: Issued,
  contentInfo: Octets,
): Promise<Octets> {
  await using directory = await temporaryDirectory({
    "key.p12": recipient.pkcs12,
    "message.der": contentInfo,
  });
  const cwd = directory.path;
  const source = new URL("CmsOpen.java", import.meta.url).pathname;
  await run("java", [
    ...["-cp", JARS.join(":"), source],
    ...["key.p12", recipient.password, "message.der", "content"],
  ], { cwd });
  return await Deno.readFile(`${cwd}/content`);
}
