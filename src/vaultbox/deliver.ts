/**
 * Delivery: a message in, an encrypted file and a row out, exactly once.
 *
 * @module
 */

import { createHmac } from "node:crypto";
import type { IntakeApp } from "../app.ts";
import { isRefusal } from "../db/connect.ts";
import type { Insertion } from "../db/message_batches.ts";
import type { MessageRow } from "../db/message_rows.ts";
import { findMessageFile } from "../db/messages.ts";
import { UNROUTED } from "../db/recipients.ts";
import { AppError } from "../errors.ts";
import { foldCase, wasDeliveredTo } from "../mail/delivered_to.ts";
import type { Chunks } from "../mail/message.ts";
import { queueIdTime } from "../mail/queue_id.ts";
import type { Step } from "../metrics/intake.ts";
import { policyInForce } from "../encryption_policy.ts";
import { encryptMessage } from "../smime/encrypt_message.ts";
import {
  discardMessage,
  showMessage,
  stageMessage,
} from "../storage/maildir.ts";
import { maildirName, UUID_REGEXP } from "../storage/maildir_names.ts";
import { forDatabase, messageIdField, uuidOf } from "./message_facts.ts";
import type { Received } from "./receive.ts";
import { findVaultbox, type KnownVaultbox } from "./recipients.ts";
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
 * Octets from which on it is asked before the encryption whether an earlier
 * attempt has a row. Below, a needless encryption costs less than asking each
 * time, and the insertion of the row says it anyway.
 */
const ASK_FIRST_OCTETS = 65_536;

/** Attempts at a delivery whose vaultbox changes in the middle of each. */
const ATTEMPTS_MAX = 5;

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
 * @throws {AppError} `unknown_vaultbox`, `message_too_large` or `mail_loop` for
 * good; everything else is temporary.
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
  checkLoop(delivery, address);
  const acceptedAt = queueIdTime(delivery.queueId);
  const wanted = { route: delivery.route, ...address, acceptedAt };
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const vaultbox = await findVaultbox(app, wanted);
    const messageId = deliveryId(app.idKey, vaultbox.id, delivery);
    const addressed = { delivery, address, vaultbox, messageId };
    let delivered: Delivered | undefined;
    try {
      delivered = await deliverTo(app, addressed);
    } finally {
      // Whatever went wrong may be due to what was in memory.
      if (delivered === undefined) app.memory.forget(vaultbox.id);
    }
    if (delivered === undefined) continue;
    app.log.write("info", "message stored", {
      queue: delivery.queueId,
      vaultbox: delivered.vaultboxId,
      message: delivered.messageId,
      repeated: delivered.repeated || undefined,
      octets: delivery.message.octets,
    });
    return delivered;
  }
  throw new AppError("unavailable", "Vaultbox changes all the time");
}

/** An address, as the database has it. */
interface Address {
  readonly alias: string;
  readonly domain: string;
}

/** A delivery whose vaultbox is known. */
interface Addressed {
  readonly delivery: Delivery;
  readonly address: Address;
  readonly vaultbox: KnownVaultbox;
  readonly messageId: string;
}

/** Gives undefined if the vaultbox has changed since it was looked up. */
async function deliverTo(
  app: IntakeApp,
  addressed: Addressed,
): Promise<Delivered | undefined> {
  const { delivery: { message }, messageId } = addressed;
  const { id: vaultboxId, isFull } = addressed.vaultbox;
  if (isFull || message.octets >= ASK_FIRST_OCTETS) {
    const earlier = await findMessageFile(app.sql, messageId);
    if (earlier !== undefined) {
      await showMessage(app.config.maildirBasePath, vaultboxId, earlier);
      return { messageId, vaultboxId, repeated: true };
    }
  }
  if (isFull) await checkRoom(app, vaultboxId);
  try {
    return await store(app, addressed);
  } catch (error) {
    const isFull = error instanceof AppError && error.code === "vaultbox_full";
    if (!isFull || !(await recount(app, vaultboxId))) throw error;
  }
  // What does not fit may do so once what a client has removed is known.
  return await store(app, addressed);
}

/** Steps 3 to 6 of the table in docs/design.md. */
async function store(
  app: IntakeApp,
  { delivery, address, vaultbox, messageId }: Addressed,
): Promise<Delivered | undefined> {
  const { message } = delivery;
  const { id: vaultboxId, version } = vaultbox;
  const step = app.metrics.steps();
  const stored = await encryptMessage(
    message,
    vaultbox.recipients,
    {
      traceFields: [`Delivered-To: ${address.alias}@${address.domain}`],
      ...policyInForce(vaultbox.policy, app.config.encryption),
      border: {
        at: app.now(),
        hostname: app.config.hostname,
        authservId: app.config.authservId,
      },
    },
  );
  if (stored.chunks instanceof Array) step("encrypt");
  const sizeBytes = stored.octets;
  const file = maildirName({
    messageId,
    time: app.now(),
    hostname: app.config.hostname,
    sizeBytes,
  });
  // No sweep takes it for abandoned until it is known whether it has a row.
  using staged = await stage(app, {
    vaultboxId,
    file,
    octets: sizeBytes,
    chunks: stored.chunks,
  });
  step("write");
  return await show(app, step, {
    id: messageId,
    vaultboxId,
    version,
    messageId: messageIdField(message.head),
    fromDomain: domainOf(delivery.sender),
    toAlias: forDatabase(address.alias) ?? "",
    sizeBytes,
    storage: { file, hmac: staged.hmac, encryptedBy: stored.encryptedBy },
  });
}

/** Step 4; `hmac` is that of what is on disk. */
async function stage(
  app: IntakeApp,
  message: {
    readonly vaultboxId: string;
    readonly file: string;
    readonly octets: number;
    readonly chunks: Chunks;
  },
): Promise<{ hmac: string } & Disposable> {
  const { vaultboxId, file, octets, chunks } = message;
  const base = app.config.maildirBasePath;
  const hmac = createHmac("sha256", app.hmacKey);
  using stack = new DisposableStack();
  try {
    const staged = stack.use(
      await stageMessage(base, vaultboxId, file, chunks, hmac),
    );
    // Its name says it, and what reads the Maildir believes the name.
    if (staged.octets !== octets) {
      throw new Error("stored message has another size");
    }
  } catch (error) {
    // On a full disk what was written would keep the next message out.
    await discardMessage(base, vaultboxId, file);
    throw error;
  }
  const held = stack.move();
  return { hmac: hmac.digest("hex"), [Symbol.dispose]: () => held.dispose() };
}

/** Steps 5 and 6. */
async function show(
  app: IntakeApp,
  step: (step: Step) => void,
  row: MessageRow,
): Promise<Delivered | undefined> {
  const { id: messageId, vaultboxId, storage: { file } } = row;
  const base = app.config.maildirBasePath;
  let insertion: Insertion;
  try {
    insertion = await app.rows.insert(row);
  } catch (error) {
    // Only a clear answer of the database means that there is no row. Without
    // one the commit may have happened, and then the file is the only copy.
    if (isRefusal(error)) await discardMessage(base, vaultboxId, file);
    throw error;
  }
  step("commit");
  if (insertion.kind === "inserted") {
    await finish(app, { messageId, vaultboxId, file });
    step("show");
    return { messageId, vaultboxId, repeated: false };
  }
  await discardMessage(base, vaultboxId, file);
  if (insertion.kind === "stale") return undefined;
  // Another attempt at the same delivery was faster: its file is the one.
  await showMessage(base, vaultboxId, insertion.file);
  return { messageId, vaultboxId, repeated: true };
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
  return uuidOf(digest);
}

function checkRoute(route: string): void {
  if (route === UNROUTED || UUID_REGEXP.test(route)) return;
  throw new AppError("invalid_request", "Route names no vaultbox");
}

/** Our own field in it, as {@linkcode store} writes it, has come back. */
function checkLoop({ message }: Delivery, { alias, domain }: Address): void {
  if (!wasDeliveredTo(message.head, `${alias}@${domain}`)) return;
  throw new AppError("mail_loop", "Mail loops: it was delivered here before");
}

/**
 * Takes a recipient apart. What cannot be an address of ours is looked up all
 * the same; only a catch-all can have it.
 */
function splitRecipient(recipient: string): Address {
  const at = recipient.lastIndexOf("@");
  if (at < 1) {
    throw new AppError("invalid_request", "Recipient is no address");
  }
  return {
    alias: foldCase(recipient.slice(0, at)).replaceAll(/\p{Cc}/gu, "?"),
    domain: foldCase(recipient.slice(at + 1)).replaceAll(/\p{Cc}/gu, "?"),
  };
}

function domainOf(sender: string): string | null {
  const at = sender.lastIndexOf("@");
  return at < 0 ? null : forDatabase(sender.slice(at + 1).toLowerCase());
}
