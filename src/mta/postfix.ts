/**
 * Postfix's maps, changed one entry at a time with postmap(1).
 *
 * The maps are lmdb: running daemons see a change at once. With hash they
 * compare the file's time in whole seconds and refuse new addresses for a while.
 *
 * @module
 */

import { access, constants } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { MapChanges, MapName, Maps, Mta } from "../app.ts";
import { AppError } from "../errors.ts";
import type { Exec } from "../system/exec.ts";

const POSTMAP = "/usr/sbin/postmap";

/**
 * Makes the adapter.
 *
 * @param transportMap Path of the map of routes; the others lie beside it.
 * @param exec Runs postmap.
 * @returns The adapter.
 */
export function postfixMta(transportMap: string, exec: Exec): Mta {
  const beside = (name: MapName): string => join(dirname(transportMap), name);
  const paths: Readonly<Record<MapName, string>> = {
    domains: beside("domains"),
    transport: transportMap,
    senders: beside("senders"),
    refusals: beside("refusals"),
  };
  return {
    isDoubtful: false,
    async change(changes: MapChanges) {
      const wasDoubtful = this.isDoubtful;
      this.isDoubtful = true;
      for (const [name, path] of Object.entries(paths)) {
        await changeMap(exec, path, changes[name as MapName] ?? new Map());
      }
      this.isDoubtful = wasDoubtful;
    },
    async read(): Promise<Maps> {
      const maps = {
        domains: await readMap(exec, paths.domains),
        transport: await readMap(exec, paths.transport),
        senders: await readMap(exec, paths.senders),
        refusals: await readMap(exec, paths.refusals),
      };
      this.isDoubtful = false;
      return maps;
    },
    async check() {
      try {
        for (const path of Object.values(paths)) {
          await access(`${path}.lmdb`, constants.R_OK | constants.W_OK);
        }
      } catch (cause) {
        throw new AppError("unavailable", "Mail routes cannot be changed", {
          cause,
        });
      }
    },
  };
}

async function changeMap(
  exec: Exec,
  path: string,
  changes: ReadonlyMap<string, string | undefined>,
): Promise<void> {
  const set = [...changes].filter(([, value]) => value !== undefined);
  const dropped = [...changes].filter(([, value]) => value === undefined);
  if (set.length > 0) {
    // -r: an entry that exists is replaced without a warning.
    await postmap(
      exec,
      ["-i", "-r", `lmdb:${path}`],
      set.map(([key, value]) => `${key} ${value}\n`).join(""),
    );
  }
  if (dropped.length > 0) {
    // Status 1 without a complaint: none of the keys was there.
    await postmap(
      exec,
      ["-d", "-", `lmdb:${path}`],
      dropped.map(([key]) => `${key}\n`).join(""),
    );
  }
}

async function readMap(
  exec: Exec,
  path: string,
): Promise<Map<string, string>> {
  // An empty change makes a map that is not there.
  await postmap(exec, ["-i", `lmdb:${path}`], "");
  const text = await postmap(exec, ["-s", `lmdb:${path}`]);
  const entries = text.split("\n").flatMap((line): [string, string][] => {
    const match = /^(\S+)\s+(.*)$/.exec(line);
    return match ? [[match[1]!, match[2]!]] : [];
  });
  return new Map(entries);
}

async function postmap(
  exec: Exec,
  args: readonly string[],
  stdin?: string,
): Promise<string> {
  const { code, stdout, stderr } = await exec([POSTMAP, ...args], stdin);
  if (code !== 0 && stderr !== "" || code > 1) {
    throw new AppError("unavailable", "Mail routes cannot be changed", {
      cause: new Error(`postmap ${args.join(" ")}: ${code}: ${stderr.trim()}`),
    });
  }
  return stdout;
}
