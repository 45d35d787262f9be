/**
 * A mail that goes the way of all mail: port 25, Postfix, intake, Maildir, Dovecot,
 * and is decrypted.
 *
 * It goes to a vaultbox that is made for it and deleted after it, with a key that
 * exists in memory alone: nothing is left but a counted delivery.
 *
 * @module
 */

import { setTimeout } from "node:timers/promises";
import type { App } from "../app.ts";
import { insertCertificate } from "../db/certificates.ts";
import {
  deleteSelfTest,
  insertSelfTest,
  listLeftSelfTests,
} from "../db/self_test.ts";
import { reason } from "../log.ts";
import { fingerprintSha256 } from "../x509/fingerprint.ts";
import { pemEncode } from "../x509/pem.ts";
import { selfSignedCertificate } from "../x509/self_signed.ts";
import { ImapReader } from "../system/imap.ts";
import { connectOwnTls } from "../system/own_tls.ts";
import { sendBySmtp } from "../system/smtp.ts";
import { CLOCK_SKEW_MS } from "./issuer.ts";
import { makeKey } from "./key_pool.ts";
import { randomLetters } from "./random_letters.ts";
import { publishAddresses } from "./routes.ts";

/** Days for which its certificate is valid: none that ends soon is counted. */
const VALIDITY_DAYS = 60;

/** Milliseconds between two looks into the mailbox. */
const LOOK_MS = 250;

/** Milliseconds between two logins, where one cannot be judged now. */
const LOGIN_MS = 3000;

/** Octets of the message that comes back, at most; it has some thousand. */
const MESSAGE_MAX = 200_000;

/**
 * Decrypts a message.
 *
 * @param message The message as it is stored.
 * @param privateKeyPem The key, PKCS#8.
 * @returns What was inside.
 */
export type Decrypt = (
  message: string,
  privateKeyPem: string,
) => Promise<string>;

/** What of the world it uses. */
export type SelfTestApp = Pick<
  App,
  "config" | "heavy" | "log" | "mta" | "now" | "passwords" | "sql"
>;

/** A vaultbox that is ready. */
interface Box {
  readonly id: string;
  readonly domain: string;
  readonly alias: string;
  readonly username: string;
  readonly password: string;
  readonly privateKeyPem: string;
}

/**
 * Sends a mail through everything and reads it.
 *
 * @param app What is tested.
 * @param decrypt Decrypts a message.
 * @param signal Breaks it off; what was made is removed all the same.
 * @throws {Error} If it does not come back as it was; says how far it came.
 */
export async function testWholePath(
  app: SelfTestApp,
  decrypt: Decrypt,
  signal: AbortSignal,
): Promise<void> {
  await removeLeft(app);
  const box = await makeBox(app);
  try {
    await publishAddresses(app, [box], ["transport"]);
    const secret = crypto.randomUUID();
    const taken = await sendBySmtp({
      port: app.config.smtpPort,
      hello: app.config.hostname,
      to: `${box.alias}@${box.domain}`,
      lines: mailOf(app, box, secret),
    }, signal);
    const stored = await fetched(app, box, taken, signal);
    if (stored.includes(secret)) {
      throw new Error("the mail is stored in clear");
    }
    const inner = await decrypt(stored, box.privateKeyPem);
    if (!inner.includes(secret)) {
      throw new Error("what is decrypted is not the mail that was sent");
    }
  } finally {
    await remove(app, box);
  }
}

async function makeBox(app: SelfTestApp): Promise<Box> {
  const id = crypto.randomUUID();
  const domain = app.config.hostname;
  const alias = `self-test-${randomLetters(12)}`;
  const privateKey = await makeKey(app, "doctor");
  const { certificate, notBefore, notAfter } = await selfSignedCertificate(
    `${alias}@${domain}`,
    {
      privateKey,
      notBefore: new Date(app.now().getTime() - CLOCK_SKEW_MS),
      validityDays: VALIDITY_DAYS,
    },
  );
  const password = randomLetters(24);
  const passwordHash = await app.passwords.hash(password);
  const username = `encimap-${alias}`;
  const row = {
    id: crypto.randomUUID(),
    vaultboxId: id,
    publicCertPem: pemEncode("CERTIFICATE", certificate),
    fingerprintSha256: await fingerprintSha256(certificate),
    notBefore,
    notAfter,
    origin: "uploaded",
    handedOutAt: null,
    issuerId: null,
  } as const;
  await app.sql.begin(async (tx) => {
    const box = { id, domain, alias, username, passwordHash };
    if (!await insertSelfTest(tx, box)) {
      throw new Error(`the host's domain ${domain} is not hosted`);
    }
    await insertCertificate(tx, row);
  });
  const privateKeyPem = pemEncode("PRIVATE KEY", privateKey);
  privateKey.fill(0);
  return { id, domain, alias, username, password, privateKeyPem };
}

/** RFC 3834 section 5: nothing answers it. */
function mailOf(app: SelfTestApp, box: Box, secret: string): string[] {
  const { hostname } = app.config;
  return [
    // A domain without DMARC: this mail has no signature and may be judged.
    "From: Encimap <self-test@encimap.invalid>",
    `To: ${box.alias}@${box.domain}`,
    "Subject: Self-test",
    `Date: ${app.now().toUTCString().replace("GMT", "+0000")}`,
    `Message-ID: <${crypto.randomUUID()}@${hostname}>`,
    "Auto-Submitted: auto-generated",
    "MIME-Version: 1.0",
    "Content-Type: text/plain; charset=us-ascii",
    "",
    secret,
  ];
}

/** Waits for the mail; logs in as a mail client does. */
async function fetched(
  app: SelfTestApp,
  { username, password }: Box,
  taken: string,
  signal: AbortSignal,
): Promise<string> {
  using mailbox = await loggedIn(app, username, password, signal);
  for (;;) {
    const { messages: [first] } = await mailbox.examine("INBOX");
    if (first !== undefined) {
      const decoder = new TextDecoder("latin1");
      let text = "";
      for await (const part of mailbox.message(first.uid)) {
        text += decoder.decode(part, { stream: true });
        if (text.length > MESSAGE_MAX) throw new Error("the mail has grown");
      }
      return text;
    }
    await setTimeout(LOOK_MS);
    if (signal.aborted) {
      throw new Error(
        `Postfix took the mail (${taken}), and it did not arrive in time`,
      );
    }
  }
}

/** Dovecot refuses for up to a minute after the database was down. */
async function loggedIn(
  app: SelfTestApp,
  user: string,
  password: string,
  signal: AbortSignal,
): Promise<ImapReader> {
  const { hostname, imapPort } = app.config;
  for (;;) {
    const connection = await connectOwnTls(imapPort, hostname, signal);
    try {
      return await ImapReader.over(connection, { user, password });
    } catch (error) {
      if (signal.aborted || !/\[UNAVAILABLE\]/.test(reason(error))) throw error;
    }
    await setTimeout(LOGIN_MS);
  }
}

/**
 * Removes the vaultboxes that runs which were killed have left behind.
 *
 * @param app The world.
 */
export async function removeLeft(
  app: Pick<App, "config" | "log" | "mta" | "sql">,
): Promise<void> {
  for (const box of await listLeftSelfTests(app.sql)) await remove(app, box);
}

/** What fails here is mended by the next run and by reconciliation. */
async function remove(
  app: Pick<App, "config" | "log" | "mta" | "sql">,
  box: Pick<Box, "id" | "domain" | "alias">,
): Promise<void> {
  try {
    await app.sql.begin((tx) => deleteSelfTest(tx, box.id));
    await publishAddresses(app, [box], ["transport"]);
  } catch (error) {
    app.log.write("warn", "the self-test's vaultbox is not removed", {
      vaultbox: box.id,
      cause: reason(error),
    });
  }
}
