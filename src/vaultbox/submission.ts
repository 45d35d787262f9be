/**
 * Mail that port 587 sends: who may, as whom, how much, and signed.
 *
 * @module
 */

import { type KeyObject, sign } from "node:crypto";
import type { App } from "../app.ts";
import { insertAudit } from "../db/audit.ts";
import {
  addSent,
  insertSendingStop,
  isSendingStopped,
  lockSender,
  markLimited,
  sumSent,
} from "../db/sent_mail.ts";
import { dkimSignature, type HeaderField } from "../mail/dkim.ts";
import { mailboxes } from "../mail/mailboxes.ts";
import { signingKey } from "./dkim.ts";
import { APPLIANCE } from "./issuer.ts";

/** The world of submission. */
export type SubmissionApp = Pick<
  App,
  "config" | "log" | "now" | "sealer" | "sql"
>;

/** Why mail is not taken. */
export interface Refusal {
  /** Status code, enhanced status code and text, RFC 3463. */
  readonly reply: string;
}

/** A message that came by submission; of its body the hash. */
export interface Submitted {
  /** User name of the login. */
  readonly username: string;
  /** Envelope sender, without angle brackets; Postfix has checked it. */
  readonly sender: string;
  /** Recipients that Postfix has accepted. */
  readonly recipients: number;
  /** Fields of the header section, in order. */
  readonly fields: readonly HeaderField[];
  /** Hash of the body, RFC 6376. */
  readonly bodyHash: Uint8Array<ArrayBuffer>;
}

const STOPPED: Refusal = {
  reply: "450 4.7.1 Sending is stopped for this login; ask the operator",
};
const LIMITED: Refusal = {
  reply: "450 4.7.1 Too many recipients in an hour; try again later",
};
const TOO_MANY: Refusal = {
  reply: "550 5.5.3 Too many recipients for one message",
};
const WRONG_FROM: Refusal = {
  reply: "550 5.7.1 From must be the address that the login sends as",
};
const NO_LOGIN: Refusal = { reply: "530 5.7.0 Authentication required" };

/** Milliseconds for which an opened key is used. */
const KEY_MS = 60_000;

/** Opened keys that are kept. */
const KEYS_MAX = 1000;

/** Judges, counts and signs; keeps opened keys for a minute. */
export class Submission {
  readonly #app: SubmissionApp;
  readonly #keys = new Map<
    string,
    { until: number; key: Promise<{ selector: string; privateKey: KeyObject }> }
  >();

  /**
   * Makes it.
   *
   * @param app The world.
   */
  constructor(app: SubmissionApp) {
    this.#app = app;
  }

  /**
   * Judges a login before its message comes.
   *
   * @param username User name of the login.
   * @returns Why it may not send; undefined if it may.
   */
  async begin(username: string): Promise<Refusal | undefined> {
    if (username === "") return NO_LOGIN;
    return await isSendingStopped(this.#app.sql, username)
      ? STOPPED
      : undefined;
  }

  /**
   * Judges a message, counts its recipients and signs it.
   *
   * @param message The message.
   * @returns Its DKIM-Signature, or why it is not taken.
   * @throws {Error} If the database or the key cannot be had: it is to be tried
   * again.
   */
  async finish(message: Submitted): Promise<Refusal | { signature: string }> {
    if (message.username === "") return NO_LOGIN;
    if (!isOwn(message)) return WRONG_FROM;
    // Signed first: what fails here is not counted.
    const signature = await this.#sign(message);
    return await this.#admit(message) ?? { signature };
  }

  async #sign({ sender, fields, bodyHash }: Submitted): Promise<string> {
    const domain = sender.slice(sender.lastIndexOf("@") + 1).toLowerCase();
    const { selector, privateKey } = await this.#key(domain);
    return dkimSignature(fields, bodyHash, {
      domain,
      selector,
      time: Math.floor(this.#app.now().getTime() / 1000),
      sign: (octets) => new Uint8Array(sign("sha256", octets, privateKey)),
    });
  }

  async #key(
    domain: string,
  ): Promise<{ selector: string; privateKey: KeyObject }> {
    const now = this.#app.now().getTime();
    const known = this.#keys.get(domain);
    if (known !== undefined && known.until > now) return await known.key;
    if (this.#keys.size >= KEYS_MAX) this.#keys.clear();
    const key = signingKey(this.#app, domain);
    this.#keys.set(domain, { until: now + KEY_MS, key });
    key.catch(() => this.#keys.delete(domain));
    return await key;
  }

  async #admit(
    { username, recipients }: Submitted,
  ): Promise<Refusal | undefined> {
    const { recipientsPerHour, recipientsPerDay } = this.#app.config;
    const perHour = recipientsPerHour || Infinity;
    const perDay = recipientsPerDay || Infinity;
    if (recipients > Math.min(perHour, perDay)) return TOO_MANY;
    return await this.#app.sql.begin(async (tx) => {
      const sender = await lockSender(tx, username);
      if (sender === undefined) return NO_LOGIN;
      if (sender.isStopped) return STOPPED;
      const { id: vaultboxId, userId, domain } = sender;
      const sent = await sumSent(tx, vaultboxId);
      const note = async (action: string, recipients: number) => {
        const details = { recipients };
        const change = { action, userId, vaultboxId, domain, details };
        await insertAudit(tx, APPLIANCE, change);
        this.#app.log.write("warn", action, { vaultbox: vaultboxId });
      };
      if (sent.day + recipients > perDay) {
        await insertSendingStop(tx, vaultboxId, sent.day);
        await note("sending.stop", sent.day);
        return STOPPED;
      }
      if (sent.hour + recipients > perHour) {
        if (await markLimited(tx, vaultboxId)) {
          await note("sending.limit", sent.hour);
        }
        return LIMITED;
      }
      await addSent(tx, vaultboxId, recipients);
    }) as Refusal | undefined;
  }
}

/**
 * Whether who a reader shows as the author is who has sent it. Postfix has
 * checked that the login may use the envelope's sender.
 */
function isOwn({ sender, fields }: Submitted): boolean {
  const shown = (name: string): string[] =>
    fields.filter((field) => field.name.trim().toLowerCase() === name)
      .map(({ value }) => value.replace(/\r?\n/g, ""));
  const isSender = (value: string): boolean =>
    mailboxes(value)?.every((address) =>
      address.toLowerCase() === sender.toLowerCase()
    ) === true;
  const from = shown("from");
  return from.length === 1 && from.every(isSender) &&
    shown("sender").every(isSender);
}
