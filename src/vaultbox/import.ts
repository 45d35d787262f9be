/**
 * Mail from elsewhere, encrypted on its way in.
 *
 * @module
 */

import type { IntakeApp } from "../app.ts";
import { findMessageFile } from "../db/messages.ts";
import { maxOctets } from "./deliver.ts";
import { whyLeftOut } from "./left_out.ts";
import { originId, putMessage } from "./put.ts";
import { receive } from "./receive.ts";

/** What a source says of a message. */
export interface Facts {
  /** Flags of Maildir; undefined if no client has seen it. */
  readonly flags: string | undefined;
  /** When it came. */
  readonly modified: Date;
}

/** A message of a source. */
export interface SourceMessage {
  /** `INBOX`, or a name with a dot in front, as Maildir++ has it. */
  readonly folder: string;
  /** What people can find it by. */
  readonly name: string;
  /**
   * What stands for it in its source, where that is for ever. If undefined, its
   * octets and its folder do.
   */
  readonly origin: readonly string[] | undefined;
  /** Whether it has labels, which are not taken over. */
  readonly hasLabels: boolean;
  /**
   * The message, read once and only if it is not there yet. An
   * `UnreadableMessage` that it throws leaves out this one alone.
   */
  chunks(): AsyncIterable<Uint8Array<ArrayBuffer>>;
  /**
   * Says more of it.
   *
   * @param head Its first octets with CRLF line ends; no more than a header.
   * @returns Flags and time; undefined if it counts as removed.
   */
  facts(head: Uint8Array<ArrayBuffer>): Facts | undefined;
}

/** What an import has done, or would do. */
export interface ImportTally {
  /** Messages that were looked at. */
  readonly messages: number;
  /** Of those: stored, or to be stored. */
  readonly stored: number;
  /** There from an earlier run, or twice in their folder. */
  readonly already: number;
  /** Removed in their source, and only not yet cleaned up. */
  readonly removed: number;
  /** Could not be stored. */
  readonly leftOut: number;
  /** Had labels that were not taken over. */
  readonly labelled: number;
  /** Octets of those that were stored, as they came. */
  readonly bytes: number;
}

/** Who is told. */
export interface ImportWatcher {
  /** A message was looked at. */
  looked(tally: ImportTally, folder: string): void;
  /** A message could not be stored. */
  leftOut(message: SourceMessage, why: string): void;
}

/**
 * Imports messages. Each has an identity, so a second run stores only what the
 * first one has not, whatever the owner has done with it meanwhile.
 *
 * Nothing of them is on the disk in clear at any time.
 *
 * @param app The intake's world.
 * @param vaultbox UUID, and the local part of its own address.
 * @param source The messages.
 * @param options With `dryRun` they are only looked at.
 * @param watcher Who is told.
 * @returns What was done.
 * @throws {AppError} `vaultbox_full` when a message does not fit; those before
 * it are stored.
 */
export async function importMessages(
  app: IntakeApp,
  vaultbox: { readonly id: string; readonly alias: string },
  source: AsyncIterable<SourceMessage>,
  options: { dryRun: boolean },
  watcher: ImportWatcher,
): Promise<ImportTally> {
  const tally = { ...NOTHING };
  const seen = new Set<string>();
  for await (const message of source) {
    tally.messages++;
    const outcome = await importOne(app, vaultbox, message, {
      ...options,
      seen,
    });
    if (outcome.kind === "leftOut") watcher.leftOut(message, outcome.why);
    tally[outcome.kind]++;
    if (outcome.kind === "stored") {
      tally.bytes += outcome.octets;
      if (message.hasLabels) tally.labelled++;
    }
    watcher.looked(tally, message.folder);
  }
  return tally;
}

const NOTHING = {
  messages: 0,
  stored: 0,
  already: 0,
  removed: 0,
  leftOut: 0,
  labelled: 0,
  bytes: 0,
};

type Outcome =
  | { readonly kind: "stored"; readonly octets: number }
  | { readonly kind: "already" | "removed" }
  | { readonly kind: "leftOut"; readonly why: string };

async function importOne(
  app: IntakeApp,
  vaultbox: { readonly id: string; readonly alias: string },
  source: SourceMessage,
  { dryRun, seen }: { dryRun: boolean; seen: Set<string> },
): Promise<Outcome> {
  const { folder, origin } = source;
  const from = (digest?: Uint8Array): string =>
    originId(
      app.idKey,
      ["import", vaultbox.id, folder, ...origin ?? []],
      digest,
    );
  // Of a dry run, nothing is there afterwards.
  const isThere = async (id: string): Promise<boolean> => {
    if (await findMessageFile(app.sql, id) !== undefined) return true;
    if (!dryRun) return false;
    if (seen.has(id)) return true;
    seen.add(id);
    return false;
  };
  if (origin !== undefined && await isThere(from())) return { kind: "already" };
  if (origin !== undefined && dryRun) return { kind: "stored", octets: 0 };
  try {
    await using message = await receive(app, source.chunks(), {
      maxOctets: maxOctets(app),
    });
    const facts = source.facts(message.head);
    if (facts === undefined) return { kind: "removed" };
    const id = origin === undefined ? from(message.digest) : from();
    if (origin === undefined && await isThere(id)) return { kind: "already" };
    if (dryRun) return { kind: "stored", octets: message.octets };
    await putMessage(app, {
      id,
      vaultbox,
      message,
      placement: { folder, ...facts },
      isReplacement: false,
    });
    return { kind: "stored", octets: message.octets };
  } catch (error) {
    const why = whyLeftOut(error, "is larger than ENCIMAP_MAX_MESSAGE_BYTES");
    if (why === undefined) throw error;
    return { kind: "leftOut", why };
  }
}
