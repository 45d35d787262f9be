/**
 * Storing a message that comes without an envelope: in a folder, with flags and
 * a date.
 *
 * @module
 */

import { createHmac } from "node:crypto";
import type { IntakeApp } from "../app.ts";
import { isRefusal } from "../db/connect.ts";
import { insertReplacement, type MessageRow } from "../db/message_rows.ts";
import { filesWithRows } from "../db/messages.ts";
import { policyInForce } from "../encryption_policy.ts";
import { AppError } from "../errors.ts";
import { encryptMessage } from "../smime/encrypt_message.ts";
import {
  discardMessage,
  showMessage,
  stageMessage,
} from "../storage/maildir.ts";
import { maildirName } from "../storage/maildir_names.ts";
import { messageIdField, uuidOf } from "./message_facts.ts";
import type { Received } from "./receive.ts";
import { getKnownVaultbox } from "./recipients.ts";
import { recount } from "./recount.ts";

/** Times that it is tried, as the vaultbox changes meanwhile. */
const ATTEMPTS_MAX = 5;

/** Folder, flags and date of a message. */
export interface Placement {
  /** `INBOX`, or the folder's name with a dot in front, as Maildir++ has it. */
  readonly folder: string;
  /**
   * Flags of Maildir in the order of the alphabet; undefined for one that no
   * client has seen.
   */
  readonly flags: string | undefined;
  /** What IMAP calls INTERNALDATE. */
  readonly modified: Date;
}

/** A message to store. */
export interface Incoming {
  /** UUID that stands for it, the same each time it is tried. */
  readonly id: string;
  /** The vaultbox: its UUID, and the local part of its own address. */
  readonly vaultbox: { readonly id: string; readonly alias: string };
  /** The message. */
  readonly message: Received;
  /** Where it goes. */
  readonly placement: Placement;
  /**
   * Whether it takes the place of what is there in clear: then limits do not
   * matter, and what is encrypted already is left alone.
   */
  readonly isReplacement: boolean;
  /** Whether it is only said what would become of it. */
  readonly dryRun?: boolean;
}

/** What became of it. */
export type Put =
  | {
    /** It is stored, durably; `earlier` if another attempt has done it. */
    readonly kind: "stored" | "earlier";
    /** Path below the Maildir that it was given then. */
    readonly place: string;
    /** Octets as stored; 0 for an earlier attempt's. */
    readonly bytes: number;
  }
  /** Somebody else has encrypted it, and nothing was done. */
  | { readonly kind: "encrypted" }
  /** It would be stored. */
  | { readonly kind: "would" };

/**
 * Makes the UUID of a message that comes without an envelope.
 *
 * @param key `idKey` of the world.
 * @param origin What tells it from others; no part has a line feed.
 * @param digest SHA-256 of the message, or nothing where `origin` is enough.
 * @returns The UUID.
 */
export function originId(
  key: Uint8Array,
  origin: readonly string[],
  digest: Uint8Array = new Uint8Array(),
): string {
  const hmac = createHmac("sha256", key)
    .update(`origin\n${origin.join("\n")}\n`)
    .update(digest);
  return uuidOf(new Uint8Array(hmac.digest()));
}

/**
 * Encrypts a message and stores it in a folder, in the order in which a delivery
 * is stored: staged, row, shown. So each crash leaves nothing, or what the next
 * attempt or the intake's sweep finishes.
 *
 * @param app The intake's world.
 * @param incoming The message.
 * @returns What became of it; when this returns it is durable.
 * @throws {AppError} `vaultbox_full` if it does not fit, `not_found` if the
 * vaultbox is gone.
 */
export async function putMessage(
  app: IntakeApp,
  incoming: Incoming,
): Promise<Put> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const put = await tryToPut(app, incoming);
    if (put !== undefined) return put;
  }
  throw new AppError("unavailable", "Vaultbox changes all the time");
}

/** Gives undefined if the vaultbox has changed since it was looked up. */
async function tryToPut(
  app: IntakeApp,
  incoming: Incoming,
): Promise<Put | undefined> {
  const { id, message, isReplacement, placement } = incoming;
  const base = app.config.maildirBasePath;
  const vaultbox = await getKnownVaultbox(app, incoming.vaultbox.id);
  if (!incoming.dryRun) {
    const earlier = await finishEarlier(app, vaultbox.id, id);
    if (earlier !== undefined) return earlier;
  }
  const stored = await encryptMessage(message, vaultbox.recipients, {
    traceFields: [],
    ...policyInForce(vaultbox.policy, app.config.encryption),
    // Nobody's verdict is believed: no filter of ours has seen it come.
    border: {
      at: app.now(),
      hostname: app.config.hostname,
      authservId: undefined,
    },
  });
  if (isReplacement && stored.encryptedBy === "sender") {
    return { kind: "encrypted" };
  }
  if (incoming.dryRun) return { kind: "would" };
  const sizeBytes = stored.octets;
  const file = maildirName({
    messageId: id,
    time: app.now(),
    hostname: app.config.hostname,
    sizeBytes,
  });
  const place = placeOf(placement, file);
  const hmac = createHmac("sha256", app.hmacKey);
  const modified = new Date(Math.max(0, placement.modified.getTime()));
  // No sweep takes it for abandoned until it is known whether it has a row.
  using stack = new DisposableStack();
  try {
    const { chunks } = stored;
    const staged = stack.use(
      await stageMessage(base, vaultbox.id, file, chunks, hmac, { modified }),
    );
    if (staged.octets !== sizeBytes) {
      throw new Error("message has another size");
    }
  } catch (error) {
    await discardMessage(base, vaultbox.id, file);
    throw error;
  }
  const now = app.now();
  const isInserted = await insert(app, incoming, {
    id,
    vaultboxId: vaultbox.id,
    version: vaultbox.version,
    messageId: messageIdField(message.head),
    fromDomain: null,
    toAlias: incoming.vaultbox.alias,
    sizeBytes,
    receivedAt: modified > now ? now : modified,
    storage: {
      file,
      hmac: hmac.digest("hex"),
      encryptedBy: stored.encryptedBy,
      place,
    },
  });
  if (!isInserted) {
    await discardMessage(base, vaultbox.id, file);
    return undefined;
  }
  await showMessage(base, vaultbox.id, file, place);
  return { kind: "stored", place, bytes: sizeBytes };
}

/** Shows what an earlier attempt has staged and has a row for. */
async function finishEarlier(
  app: IntakeApp,
  vaultboxId: string,
  id: string,
): Promise<Put | undefined> {
  const [earlier] = await filesWithRows(app.sql, vaultboxId, [id]);
  if (earlier === undefined) return undefined;
  const [file, place = `new/${file}`] = earlier;
  await showMessage(app.config.maildirBasePath, vaultboxId, file, place);
  return { kind: "earlier", place, bytes: 0 };
}

/** Inserts the row; without a clear answer the file stays, as in a delivery. */
async function insert(
  app: IntakeApp,
  { isReplacement }: Incoming,
  row: MessageRow,
): Promise<boolean> {
  const { vaultboxId, storage: { file } } = row;
  const attempt = async (): Promise<boolean> =>
    isReplacement
      ? await insertReplacement(app.sql, row)
      : (await app.rows.insert(row)).kind === "inserted";
  try {
    try {
      return await attempt();
    } catch (error) {
      const isFull = error instanceof AppError &&
        error.code === "vaultbox_full";
      if (!isFull || !(await recount(app, vaultboxId))) throw error;
      return await attempt();
    }
  } catch (error) {
    if (isRefusal(error)) {
      await discardMessage(app.config.maildirBasePath, vaultboxId, file);
    }
    throw error;
  }
}

function placeOf({ folder, flags }: Placement, file: string): string {
  const home = folder === "INBOX" ? "" : `${folder}/`;
  return flags === undefined
    ? `${home}new/${file}`
    : `${home}cur/${file}:2,${flags}`;
}
