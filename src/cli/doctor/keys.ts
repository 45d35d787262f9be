/**
 * Checks of the secrets.
 *
 * @module
 */

import { lstat } from "node:fs/promises";
import { readKeyFile } from "../../open.ts";
import { checkKeys } from "../../vaultbox/key_check.ts";
import { orphanedKeys } from "../../vaultbox/reconcile.ts";
import { type Check, refuse } from "./check.ts";
import type { Doctor } from "./doctor.ts";

/** Ids that a problem names, at most. */
const NAMED_MAX = 3;

/**
 * Lists the checks.
 *
 * @param doctor What they look at.
 * @returns The checks; the first is `master-key`.
 */
export function keyChecks({ app }: Doctor): Check[] {
  const { masterKeyFile, hmacKeyFile } = app.config;
  return [
    {
      name: "master-key",
      title: "the master key can be read",
      fix:
        'Take it from a backup and give it its owner (chown root:encimap, chmod 640): operations.md, "Loss of keys". Do not make a new one while keys are there that need it.',
      async run() {
        (await readKeyFile(masterKeyFile)).fill(0);
      },
    },
    {
      name: "keys",
      title: "the master key opens the private key of every certificate",
      fix:
        '"encimap keys check" names those that do not open. Take key files or master.key from a backup; if there is none, "encimap keys replace-lost" (operations.md, "Loss of keys").',
      needs: ["database", "master-key"],
      // Some hundred thousand take minutes.
      seconds: 300,
      async run() {
        const { good, unreadable, missing, unreadableDkim } = await checkKeys(
          app,
        );
        refuse(
          good === 0 && unreadable.length > 0,
          `it opens none of ${unreadable.length}: this is another master key`,
        );
        const lost = [
          ...unreadable.map(({ certificateId }) =>
            `${certificateId} does not open`
          ),
          ...missing.map(({ certificateId }) => `${certificateId} is missing`),
          ...unreadableDkim.map(({ domain }) =>
            `the DKIM key of ${domain} does not open`
          ),
        ];
        const more = lost.length > NAMED_MAX ? ", ..." : "";
        refuse(
          lost.length > 0,
          `${lost.length} lost: ${lost.slice(0, NAMED_MAX).join(", ")}${more}`,
        );
      },
    },
    {
      name: "leftover-keys",
      title: "every private key belongs to a certificate",
      fix:
        '"encimap reconcile --dry-run" names them. They are left by a deletion that was interrupted, or belong to a database that is older than they are: nothing removes them by itself.',
      needs: ["database"],
      async run() {
        const ids = await orphanedKeys(app);
        refuse(ids.length > 0, `${ids.length} do not, as ${ids[0]}`);
      },
    },
    {
      name: "rotation",
      title: "no rotation of a key was interrupted",
      fix: "Run it again: it goes on where it was.",
      async run() {
        for (
          const [path, command] of [
            [`${masterKeyFile}.former`, "keys rotate-master"],
            [`${hmacKeyFile}.former`, "keys rotate-hmac"],
          ] as const
        ) {
          const isThere = await lstat(path).then(() => true, () => false);
          refuse(isThere, `"encimap ${command}" did not end: ${path} is there`);
        }
      },
    },
  ];
}
