/**
 * Counting: every mail that Postfix was told is stored is there once, whole, in
 * its own Maildir, and nowhere else.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Pool } from "../../src/db/connect.ts";
import { contentOf } from "../helpers/mail.ts";
import type { Mail } from "./mail.ts";
import { keyOf } from "./sender.ts";
import type { Box } from "./world.ts";

/** What was sent, each mail by recipient and number ({@linkcode keyOf}). */
export interface Sent {
  /** What was given to the appliance. */
  readonly offered: ReadonlyMap<string, Mail>;
  /** What must be there. */
  readonly stored: ReadonlySet<string>;
  /** What was refused for good. */
  readonly bounced: ReadonlySet<string>;
  /** What may be there, or not: the connection was lost before the answer. */
  readonly unsure?: ReadonlySet<string>;
}

/** What was counted. */
export interface Count {
  /** Mails that Postfix had accepted. */
  readonly accepted: number;
  /** Of those, what was neither stored nor refused for good on purpose. */
  readonly lost: string[];
  /** Mails with more than one file. */
  readonly doubled: string[];
  /** Mails in a Maildir that is not theirs, and files that nobody knows. */
  readonly misplaced: string[];
  /** Whatever else does not agree: rows, counters, names. */
  readonly wrong: string[];
}

/** Decryptions at a time. */
const PARALLEL = 3;

/** Counts the mail of a world again and again. */
export class Census {
  readonly #sql: Pool;
  readonly #base: string;
  readonly #boxes: readonly Box[];
  readonly #queue: Sent;
  /** Files that were decrypted, by name: number of the mail. */
  readonly #known = new Map<string, string>();

  /**
   * Prepares it.
   *
   * @param sql The database, as its owner.
   * @param base MAILDIR_BASE_PATH.
   * @param boxes Vaultboxes and their keys.
   * @param queue What was sent.
   */
  constructor(
    sql: Pool,
    base: string,
    boxes: readonly Box[],
    queue: Sent,
  ) {
    this.#sql = sql;
    this.#base = base;
    this.#boxes = boxes;
    this.#queue = queue;
  }

  /**
   * Counts when nothing is under way.
   *
   * @param options `bounces`: what may have been refused for good, by recipient
   * and number.
   * @returns What was found.
   */
  async count(options: { bounces?: ReadonlySet<string> } = {}): Promise<Count> {
    const { offered, stored, bounced, unsure } = this.#queue;
    const files = new Map<string, string[]>();
    const misplaced: string[] = [];
    const wrong: string[] = [];
    for (const box of this.#boxes) {
      const there = await this.#filesOf(box);
      await this.#decrypt(box, there);
      for (const { name } of there) {
        const number = this.#known.get(name);
        const key = keyOf({ to: box.address, number: number ?? "" });
        if (number === undefined || !offered.has(key)) {
          misplaced.push(`${box.address}: ${name}`);
        }
        files.set(key, [...files.get(key) ?? [], name]);
      }
      await this.#compare(box, there, wrong);
    }
    const lost = [...offered.keys()].filter((key) =>
      stored.has(key) ? !files.has(key) : !unsure?.has(key) &&
        !(bounced.has(key) && options.bounces?.has(key))
    );
    for (const key of bounced) {
      if (files.has(key)) wrong.push(`stored and bounced: ${key}`);
    }
    const doubled = [...files].filter(([, names]) => names.length > 1)
      .map(([key]) => key);
    return { accepted: offered.size, lost, doubled, misplaced, wrong };
  }

  /** Staged files, with or without a row: what an interruption has left. */
  async staged(): Promise<{ withRow: string[]; withoutRow: string[] }> {
    const names: string[] = [];
    for (const { id } of this.#boxes) {
      names.push(...await namesIn(`${this.#base}/${id}/tmp`));
    }
    const rows = await this.#sql<{ file: string }[]>`
      select storage->>'file' as file from messages
      where storage->>'file' = any(${names})
    `;
    const withRow = rows.map(({ file }) => file);
    const withoutRow = names.filter((name) => !withRow.includes(name));
    return { withRow, withoutRow };
  }

  /** Messages that IMAP shows. */
  async shown(): Promise<number> {
    let count = 0;
    for (const box of this.#boxes) count += (await this.#filesOf(box)).length;
    return count;
  }

  async #filesOf(box: Box): Promise<{ name: string; path: string }[]> {
    const found = [];
    for (const folder of ["new", "cur"]) {
      const path = `${this.#base}/${box.id}/Maildir/${folder}`;
      for (const name of await namesIn(path)) {
        found.push({ name, path: `${path}/${name}` });
      }
    }
    return found;
  }

  /** Rows, files and counters of a vaultbox are the same. */
  async #compare(
    box: Box,
    there: readonly { name: string; path: string }[],
    wrong: string[],
  ): Promise<void> {
    const rows = await this.#sql<{ file: string; size: number }[]>`
      select storage->>'file' as file, size_bytes as size
      from messages where vaultbox_id = ${box.id}
    `;
    const names = new Set(there.map(({ name }) => name));
    for (const { file } of rows) {
      if (!names.delete(file)) wrong.push(`row without a file: ${file}`);
    }
    for (const name of names) wrong.push(`file without a row: ${name}`);
    const [counters] = await this.#sql`
      select message_count, used_messages, total_bytes, used_bytes
      from vaultboxes where id = ${box.id}
    `;
    if (counters === undefined) return;
    const bytes = rows.reduce((sum, { size }) => sum + size, 0);
    const is = JSON.stringify(Object.values(counters));
    const ought = JSON.stringify([rows.length, rows.length, bytes, bytes]);
    if (is !== ought) wrong.push(`counters ${is} and not ${ought}`);
  }

  /** Fills in the numbers of files that are new. */
  async #decrypt(
    box: Box,
    there: readonly { name: string; path: string }[],
  ): Promise<void> {
    const waiting = there.filter(({ name }) => !this.#known.has(name));
    const work = async (): Promise<void> => {
      for (let file; (file = waiting.pop()) !== undefined;) {
        const inner = await decryptWith(box.keys, file.path);
        const number = inner && this.#numberOf(box, inner);
        if (number) this.#known.set(file.name, number);
      }
    };
    await Promise.all(Array.from({ length: PARALLEL }, work));
  }

  /** The number of a mail that is whole. */
  #numberOf(box: Box, inner: string): string | undefined {
    const number = /^number (\S+)/m.exec(inner)?.[1];
    if (number === undefined) return undefined;
    const mail = this.#queue.offered.get(keyOf({ to: box.address, number }));
    if (mail === undefined) return undefined;
    const sent = Buffer.from(mail.octets).toString("latin1");
    const body = (text: string): string =>
      text.slice(text.indexOf("\r\n--edge"));
    return body(contentOf(inner)) === body(sent) ? number : undefined;
  }
}

async function decryptWith(
  keys: readonly string[],
  path: string,
): Promise<string | undefined> {
  for (const key of keys) {
    const { success, stdout } = await new Deno.Command("openssl", {
      args: [
        ...["cms", "-decrypt", "-binary", "-inform", "SMIME", "-in", path],
        ...["-inkey", key, "-recip", key],
      ],
      stderr: "null",
    }).output();
    if (success) return Buffer.from(stdout).toString("latin1");
  }
  return undefined;
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await Array.fromAsync(Deno.readDir(folder))).map((e) => e.name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}
