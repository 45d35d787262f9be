/**
 * Checks of the machine: disk, clock, files, units, versions.
 *
 * @module
 */

import { lstat, statfs } from "node:fs/promises";
import { findLastRun } from "../../db/maintenance.ts";
import { isThere } from "../../system/files.ts";
import { readOwnership } from "../../system/ownership.ts";
import { placesHere, wrongPlaces } from "../places.ts";
import { type Check, refuse, warn, Warning } from "./check.ts";
import type { Doctor } from "./doctor.ts";
import {
  jobProblems,
  startedBefore,
  unitStates,
  WATCHED_UNITS,
} from "./units.ts";

/** Milliseconds that clocks may differ. */
const SKEW_MS = 300_000;

/** Of a file system's files, the part that has to be free. */
const FREE_FILES = 0.01;

/** Where mail, database, queue, keys and logs are. */
const DISKS = ["/var/lib/postgresql", "/var/spool/postfix", "/var/log", "/"];

/** Versions of PostgreSQL, Postfix and Dovecot that are tested. */
const KNOWN = {
  postgresql: 15,
  postfix: /^3\.([7-9]|1\d)\./,
  dovecot: /^2\.[34]\./,
};

/** What install.sh puts in place for each version of Dovecot. */
const DOVECOT_FILE = (version: string): string =>
  `/etc/dovecot/conf.d/98-encimap-${version}.conf`;

/**
 * Lists the checks.
 *
 * @param doctor What they look at.
 * @returns The checks.
 */
export function machineChecks(doctor: Doctor): Check[] {
  const { app, io, exec, hasSystemd } = doctor;
  const { minFreeBytes, maildirBasePath, keysPath } = app.config;
  return [
    {
      name: "disk",
      title: "there is space on the disks",
      fix:
        'Free space, or lower ENCIMAP_MIN_FREE_BYTES; mail waits in Postfix\'s queue meanwhile. "df -h", "df -i" and "du -xsh /var/*" say where it went.',
      async run() {
        const low: string[] = [];
        for (const path of [maildirBasePath, keysPath, ...DISKS]) {
          const found = await statfs(path).catch(() => undefined);
          if (found === undefined) continue;
          const { bavail, bsize, files, ffree } = found;
          const bytes = bavail * bsize;
          const mebibytes = `${Math.floor(bytes / 1_048_576)} MiB`;
          refuse(bytes < minFreeBytes, `${path} has ${mebibytes} left`);
          refuse(
            files > 0 && ffree < files * FREE_FILES,
            `${path} has ${ffree} inodes left`,
          );
          if (bytes < 2 * minFreeBytes) {
            low.push(`${path} has ${mebibytes} left`);
          }
        }
        warn(low.length > 0, low.join("; "));
      },
    },
    {
      name: "clock",
      title: "the clock is right",
      fix:
        'Compare "date" with another clock; "timedatectl set-ntp true" keeps it right. If it was wrong and is right now, run "encimap maintenance --force" once.',
      needs: ["database"],
      async run() {
        const now = app.now();
        const last = await findLastRun(app.sql);
        const aheadMs = (last?.getTime() ?? 0) - now.getTime();
        refuse(
          aheadMs > SKEW_MS,
          `it says ${now.toISOString()}, and the last maintenance was at ${last?.toISOString()}`,
        );
        if (!hasSystemd) return;
        const { stdout } = await exec([
          "/usr/bin/timedatectl",
          "show",
          "--property=NTPSynchronized",
          "--value",
        ]);
        warn(stdout.trim() === "no", "nothing keeps it right (no NTP)");
      },
    },
    {
      name: "permissions",
      title: "files belong to whom they should, and secrets are closed",
      fix:
        'Run "encimap doctor --fix", or install.sh again; set what they leave with chown and chmod. A secret that others could read is to be made anew (docs/operations.md).',
      async run() {
        const places = placesHere(app.config, io.env["ENCIMAP_CONFIG_FILE"]);
        const wrong = await wrongPlaces(places, await readOwnership());
        refuse(wrong.length > 0, wrong.join("; "));
      },
    },
    ...hasSystemd ? [unitCheck(doctor)] : [],
    {
      name: "versions",
      title: "PostgreSQL, Postfix and Dovecot are versions that are tested",
      fix:
        'After an upgrade of Debian run install.sh of a version that knows it (docs/operations.md, "Upgrade").',
      needs: ["database"],
      async run() {
        const [{ number }] = await app.sql<[{ number: number }]>`
          select current_setting('server_version_num')::integer as number
        `;
        const major = Math.floor(number / 10_000);
        refuse(major < KNOWN.postgresql, `PostgreSQL is ${major}`);
        const postfix = await said(
          doctor,
          "/usr/sbin/postconf",
          "-dh",
          "mail_version",
        );
        if (!KNOWN.postfix.test(`${postfix}.`)) {
          throw new Warning(`Postfix is ${postfix}`);
        }
        const dovecot = await said(doctor, "/usr/sbin/dovecot", "--version");
        if (!KNOWN.dovecot.test(dovecot)) {
          throw new Warning(`Dovecot is ${dovecot}`);
        }
        const version = dovecot.slice(0, 3);
        const others = ["2.3", "2.4"].filter((each) => each !== version);
        for (const other of others) {
          refuse(
            await isThere(DOVECOT_FILE(other)),
            `Dovecot is ${version} and has the settings of ${other}`,
          );
        }
      },
    },
  ];
}

function unitCheck({ exec }: Doctor): Check {
  return {
    name: "units",
    title: "sockets and timers are active, and no job has failed",
    fix:
      '"systemctl status UNIT" and "journalctl -u UNIT" say why; "encimap doctor --fix" starts what is down. A job that has failed runs again with "systemctl start UNIT".',
    async run() {
      const states = await unitStates(exec, WATCHED_UNITS);
      const problems = jobProblems(states);
      const changed = await lstat("/usr/local/lib/encimap/current")
        .catch(() => undefined);
      const since = states.get("encimap-api.service")?.since;
      if (
        changed !== undefined && since !== undefined &&
        startedBefore(since, changed.mtime)
      ) {
        problems.push(
          "encimap-api.service runs an older program: systemctl restart encimap-api encimap-intake encimap-submission",
        );
      }
      refuse(problems.length > 0, problems.join("; "));
    },
  };
}

async function said(
  { exec }: Doctor,
  ...argv: [string, ...string[]]
): Promise<string> {
  const { code, stdout, stderr } = await exec(argv);
  refuse(code !== 0, `${argv[0]} ends with ${code}: ${stderr.trim()}`);
  return stdout.trim().split(" ")[0]!;
}
