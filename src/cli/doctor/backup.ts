/**
 * Checks of the backups.
 *
 * @module
 */

import { lstat, readFile } from "node:fs/promises";
import { DEFAULT_APPLIANCE } from "../../appliance/render.ts";
import { type Check, refuse, warn, Warning } from "./check.ts";
import type { Doctor } from "./doctor.ts";

/** Hours after which a backup is spoken of: two nights were missed. */
const LATE_HOURS = 50;

/** Hours after which something is wrong. */
const OLD_HOURS = 168;

const HOUR_MS = 3_600_000;

/**
 * Lists the checks.
 *
 * @param doctor What they look at.
 * @param folders Where settings and state of backups are.
 * @returns The checks.
 */
export function backupChecks(
  { app }: Doctor,
  folders: { secretsPath: string; statePath: string } = DEFAULT_APPLIANCE,
): Check[] {
  const { secretsPath, statePath } = folders;
  return [{
    name: "backup",
    title: "there is a backup, and it is new",
    fix:
      'None yet: "encimap backup init REPOSITORY" (operations.md, "Backup"). Too old: "journalctl -u encimap-backup" says why; then "encimap backup".',
    async run() {
      const settings = await timeOf(`${secretsPath}/backup.env`);
      if (settings === undefined) throw new Warning("there is no repository");
      const now = app.now().getTime();
      const text = await readFile(`${statePath}/backup.last`, "utf8")
        .catch(() => undefined);
      const isKeyless =
        await timeOf(`${secretsPath}/backup.password`) === undefined;
      const without = isKeyless ? ", and backup.password is not there" : "";
      if (text === undefined) {
        const problem = `none was made yet${without}`;
        refuse(now - settings.getTime() > OLD_HOURS * HOUR_MS, problem);
        throw new Warning(problem);
      }
      const last = new Date(text.trim());
      const hours = Math.floor((now - last.getTime()) / HOUR_MS);
      refuse(Number.isNaN(hours), `${statePath}/backup.last has no time in it`);
      const age = `the last one is ${hours} hours old${without}`;
      refuse(hours > OLD_HOURS, age);
      warn(hours > LATE_HOURS, age);
      return age;
    },
  }];
}

async function timeOf(path: string): Promise<Date | undefined> {
  return await lstat(path).then(({ mtime }) => mtime, () => undefined);
}
