/**
 * Reads the mail of a trial as its owner does: from the Maildir, with OpenSSL.
 *
 * @module
 */

import type { TestWorld } from "./app.ts";
import { SERVICE } from "./app.ts";
import { vaultboxPfx } from "../../src/vaultbox/bundle.ts";
import { decrypt, latin1 } from "./mail.ts";

/** The newest mail of a vaultbox. */
export interface TrialMail {
  /** As it is stored. */
  readonly stored: string;
  /** What OpenSSL makes of it. */
  readonly inner: string;
  /** The code in it. */
  readonly code: string;
}

/**
 * Reads the newest mail of a vaultbox.
 *
 * @param world The world.
 * @param vaultboxId UUID.
 * @returns The mail.
 */
export async function readTrialMail(
  world: TestWorld,
  vaultboxId: string,
): Promise<TrialMail> {
  const directory = `${world.directory}/mail/${vaultboxId}/Maildir/new`;
  const [row] = await world.app.sql<{ file: string }[]>`
    select storage ->> 'file' as file from messages
    where vaultbox_id = ${vaultboxId} order by received_at desc limit 1
  `;
  const stored = await Deno.readFile(`${directory}/${row!.file}`);
  const password = "correct horse battery";
  const request = { vaultboxId, password };
  const p12 = await vaultboxPfx(world.app, SERVICE, request, "modern");
  const inner = latin1(await decrypt(stored, p12, password));
  const [, code] = /^ {2}((?:[a-z0-9]{4}-){2}[a-z0-9]{4})\r$/m.exec(inner)!;
  return { stored: latin1(stored), inner, code: code! };
}
