/**
 * Delivery: a message in, an encrypted file and a row out, exactly once.
 *
 * @module
 */

import { createHmac } from "node:crypto";
import type { IntakeApp } from "../app.ts";
import { listRecipients } from "../db/certificates.ts";
import {
  filesWithRows,
  findMessageFile,
  insertMessage,
  type MessageRow,
} from "../db/messages.ts";
import { isRefusal } from "../db/connect.ts";
import { findRecipient, UNROUTED } from "../db/recipients.ts";
import { AppError } from "../errors.ts";
import { reason } from "../log.ts";
import { fieldTexts, splitEntity } from "../mail/header.ts";
import type { Chunks } from "../mail/message.ts";
import { concat } from "../mail/octets.ts";
import { queueIdTime } from "../mail/queue_id.ts";
import { policyInForce } from "../encryption_policy.ts";
import { encryptMessage } from "../smime/encrypt_message.ts";
import { readRecipient } from "../smime/recipient.ts";
import {
  discardMessage,
  maildirName,
  messageIdOf,
  showMessage,
  stagedMessages,
  stageMessage,
  UUID_REGEXP,
  vaultboxesWithMail,
} from "../storage/maildir.ts";
import { pemDecode } from "../x509/pem.ts";
import type { Received } from "./receive.ts";
import { checkRoom, recount } from "./recount.ts";

/** One message for one recipient. */
export interface Delivery {
  /** UUID of the vaultbox in the route, or `unrouted`. */
  readonly route: string;
  /** Envelope recipient. */
  readonly recipient: string;
  /** Envelope sender; empty for bounces. */
  readonly sender: string;
  /** Postfix's queue id, long form, which never comes again. */
  readonly queueId: string;
  /** The message. */
  readonly message: Received;
}

/** What became of a delivery. */
export interface Delivered {
  /** UUID of the message's row. */
  readonly messageId: string;
  /** UUID of the vaultbox. */
  readonly vaultboxId: string;
  /** Whether an earlier attempt had stored it. */
  readonly repeated: boolean;
}

/**
 * Octets that a message may have beyond ENCIMAP_MAX_MESSAGE_BYTES: Postfix holds
 * the sender to that limit and then adds trace fields of its own.
 */
export const TRACE_BYTES = 65_536;

/**
 * Says how large a message may be.
 *
 * @param app The intake's world.
 * @returns Octets, with CRLF line ends.
 */
export function maxOctets({ config }: Pick<IntakeApp, "config">): number {
  return config.maxMessageBytes + TRACE_BYTES;
}

/**
 * Encrypts a message and stores it.
 *
 * The order makes every crash harmless: the ciphertext is durable in tmp/, then
 * its row is committed, then the file is renamed into the Maildir. A repeated
 * attempt finds the row and only finishes the renaming. docs/design.md has the
 * table of states.
 *
 * @param app The intake's world.
 * @param delivery What Postfix handed over.
 * @returns The row that stands for it; by then the file is durable.
 * @throws {AppError} `unknown_vaultbox` or `message_too_large` for good;
 * everything else is temporary.
 */
export async function deliver(
  app: IntakeApp,
  delivery: Delivery,
): Promise<Delivered> {
  if (delivery.message.octets > maxOctets(app)) {
    throw new AppError("message_too_large", "Message is too large");
  }
  const address = splitRecipient(delivery.recipient);
  checkRoute(delivery.route);
  const { id: vaultboxId, isFull } = await findRecipient(app.sql, {
    route: delivery.route,
    ...address,
    acceptedAt: queueIdTime(delivery.queueId),
  });
  const messageId = deliveryId(app.hmacKey, vaultboxId, delivery);
  const base = app.config.maildirBasePath;

  const earlier = await findMessageFile(app.sql, messageId);
  if (earlier !== undefined) {
    await showMessage(base, vaultboxId, earlier);
    return { messageId, vaultboxId, repeated: true };
  }
  if (isFull) await checkRoom(app, vaultboxId);

  const addressed = { delivery, address, vaultboxId, messageId };
  try {
    return await store(app, addressed);
  } catch (error) {
    const isFull = error instanceof AppError && error.code === "vaultbox_full";
    if (!isFull || !(await recount(app, vaultboxId))) throw error;
  }
  // What does not fit may do so once what a client has removed is known.
  return await store(app, addressed);
}

/** A delivery whose vaultbox is known. */
interface Addressed {
  readonly delivery: Delivery;
  readonly address: { readonly alias: string; readonly domain: string };
  readonly vaultboxId: string;
  readonly messageId: string;
}

/** Steps 2 to 5 of the table in docs/design.md. */
async function store(
  app: IntakeApp,
  { delivery, address, vaultboxId, messageId }: Addressed,
): Promise<Delivered> {
  const { message } = delivery;
  const recipients = await listRecipients(app.sql, vaultboxId);
  if (recipients[0] === undefined) {
    throw new Error("vaultbox has no certificate");
  }
  const stored = await encryptMessage(
    concat(await Array.fromAsync(message.chunks())),
    recipients.map((each) =>
      readRecipient(pemDecode("CERTIFICATE", each.publicCertPem))
    ),
    {
      traceFields: [`Delivered-To: ${address.alias}@${address.domain}`],
      ...policyInForce(recipients[0], app.config.encryption),
      border: {
        at: app.now(),
        hostname: app.config.hostname,
        authservId: app.config.authservId,
      },
    },
  );
  const sizeBytes = stored.octets.length;
  const file = maildirName({
    messageId,
    time: app.now(),
    hostname: app.config.hostname,
    sizeBytes,
  });
  app.underWay.add(file);
  try {
    const hmac = await stage(app, {
      vaultboxId,
      file,
      octets: sizeBytes,
      chunks: [stored.octets],
    });
    return await show(app, {
      id: messageId,
      vaultboxId,
      messageId: messageIdField(message.head),
      fromDomain: domainOf(delivery.sender),
      toAlias: forDatabase(address.alias) ?? "",
      sizeBytes,
      storage: { file, hmac, encryptedBy: stored.encryptedBy },
    });
  } finally {
    app.underWay.delete(file);
  }
}

/** Step 3; gives the HMAC of what is on disk. */
async function stage(
  app: IntakeApp,
  message: {
    readonly vaultboxId: string;
    readonly file: string;
    readonly octets: number;
    readonly chunks: Chunks;
  },
): Promise<string> {
  const { vaultboxId, file, octets, chunks } = message;
  const base = app.config.maildirBasePath;
  const hmac = createHmac("sha256", app.hmacKey);
  try {
    const written = await stageMessage(base, vaultboxId, file, chunks, hmac);
    // Its name says it, and what reads the Maildir believes the name.
    if (written !== octets) throw new Error("stored message has another size");
  } catch (error) {
    // On a full disk what was written would keep the next message out.
    await discardMessage(base, vaultboxId, file);
    throw error;
  }
  return hmac.digest("hex");
}

/** Steps 4 and 5. */
async function show(app: IntakeApp, row: MessageRow): Promise<Delivered> {
  const { id: messageId, vaultboxId, storage: { file } } = row;
  const base = app.config.maildirBasePath;
  try {
    const inserted = await app.sql.begin((tx) => insertMessage(tx, row));
    if (!inserted) {
      // Another attempt at the same delivery was faster: its file is the one.
      await discardMessage(base, vaultboxId, file);
      const winner = await findMessageFile(app.sql, messageId);
      if (winner !== undefined) await showMessage(base, vaultboxId, winner);
      return { messageId, vaultboxId, repeated: true };
    }
  } catch (error) {
    // Only a clear answer of the database means that there is no row. Without
    // one the commit may have happened, and then the file is the only copy.
    if (isRefusal(error)) await discardMessage(base, vaultboxId, file);
    throw error;
  }
  await finish(app, { messageId, vaultboxId, file });
  return { messageId, vaultboxId, repeated: false };
}

/** Shows the file whose row is committed. */
async function finish(
  app: IntakeApp,
  message: { messageId: string; vaultboxId: string; file: string },
): Promise<void> {
  const { messageId, vaultboxId, file } = message;
  const base = app.config.maildirBasePath;
  if (await showMessage(base, vaultboxId, file)) return;
  // The staged file is gone: a repeated attempt or the sweep has shown it, or
  // the vaultbox was deleted meanwhile, with its rows.
  if (await findMessageFile(app.sql, messageId) === undefined) {
    throw new AppError("unknown_vaultbox", "No such vaultbox");
  }
}

/** A staged file without a row that is older than this is of no attempt. */
const ABANDONED_MS = 3_600_000;

/**
 * Finishes what a crash has left: staged messages with a row are shown. Those
 * without one are removed, since Postfix still has the mail, if they are over an
 * hour old and the sweep before has seen them as well: after a jump of the clock
 * or a pause of the machine another process may just be about to insert the row
 * of a file that seems to be old.
 *
 * @param app The intake's world.
 * @param seen Names of old files without a row that the sweep before saw.
 * @returns Those that this one saw and left.
 */
export async function finishDeliveries(
  app: IntakeApp,
  seen: ReadonlySet<string> = new Set(),
): Promise<Set<string>> {
  const base = app.config.maildirBasePath;
  const left = new Set<string>();
  for await (const vaultboxId of vaultboxesWithMail(base)) {
    try {
      for (const file of await finishVaultbox(app, vaultboxId, seen)) {
        left.add(file);
      }
    } catch (error) {
      app.log.write("error", "delivery could not be finished", {
        vaultbox: vaultboxId,
        cause: reason(error),
      });
    }
  }
  return left;
}

async function finishVaultbox(
  app: IntakeApp,
  vaultboxId: string,
  seen: ReadonlySet<string>,
): Promise<string[]> {
  const base = app.config.maildirBasePath;
  const staged = (await stagedMessages(base, vaultboxId))
    .filter(({ file }) => !app.underWay.has(file));
  if (staged.length === 0) return [];
  const ids = staged.flatMap(({ file }) => messageIdOf(file) ?? []);
  const committed = await filesWithRows(app.sql, vaultboxId, ids);
  const left: string[] = [];
  for (const { file, writtenAt } of staged) {
    const age = app.now().getTime() - writtenAt.getTime();
    if (committed.has(file)) {
      await showMessage(base, vaultboxId, file);
      app.log.write("info", "delivery finished", { vaultbox: vaultboxId });
    } else if (age > ABANDONED_MS) {
      if (!seen.has(file)) {
        left.push(file);
        continue;
      }
      await discardMessage(base, vaultboxId, file);
      app.log.write("info", "abandoned delivery removed", {
        vaultbox: vaultboxId,
      });
    }
  }
  return left;
}

/**
 * The identity of a delivery as a UUID (RFC 9562 section 5.8, version 8): the
 * same for every attempt, and for two addresses of one vaultbox.
 */
function deliveryId(
  key: Uint8Array,
  vaultboxId: string,
  delivery: Delivery,
): string {
  const digest = createHmac("sha256", key)
    .update(`delivery\n${delivery.queueId}\n${vaultboxId}\n`)
    .update(delivery.message.digest)
    .digest();
  digest[6] = digest[6]! & 0x0f | 0x80;
  digest[8] = digest[8]! & 0x3f | 0x80;
  const hex = digest.toString("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20, 32),
  ].join("-");
}

function checkRoute(route: string): void {
  if (route === UNROUTED || UUID_REGEXP.test(route)) return;
  throw new AppError("invalid_request", "Route names no vaultbox");
}

/**
 * Takes a recipient apart. What cannot be an address of ours is looked up all
 * the same; only a catch-all can have it.
 */
function splitRecipient(recipient: string): { alias: string; domain: string } {
  const at = recipient.lastIndexOf("@");
  if (at < 1) {
    throw new AppError("invalid_request", "Recipient is no address");
  }
  return {
    alias: fold(recipient.slice(0, at)).replaceAll(/\p{Cc}/gu, "?"),
    domain: fold(recipient.slice(at + 1)).replaceAll(/\p{Cc}/gu, "?"),
  };
}

/** As Postfix folds case before it looks an address up: U+017F becomes an s. */
function fold(text: string): string {
  return text.toUpperCase().toLowerCase();
}

function domainOf(sender: string): string | null {
  const at = sender.lastIndexOf("@");
  return at < 0 ? null : forDatabase(sender.slice(at + 1).toLowerCase());
}

function messageIdField(octets: Uint8Array<ArrayBuffer>): string | null {
  const [text] = fieldTexts(splitEntity(octets).header, "Message-ID");
  return text === undefined ? null : forDatabase(text);
}

/** PostgreSQL's text takes no NUL, and its columns have a limit. */
function forDatabase(text: string): string | null {
  return text.replace(/[^\x20-\x7e]/g, "").trim().slice(0, 255) || null;
}
