/**
 * `doctor mend`: what root alone may mend, a part of `encimap doctor --fix`.
 *
 * It asks neither the database nor anything else that another user may write, so
 * nobody can make it do something for him.
 *
 * @module
 */

import { constants } from "node:fs";
import { lstat, open, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { exec } from "../system/exec.ts";
import { isThere } from "../system/files.ts";
import { readNumbers, readOwnership } from "../system/ownership.ts";
import { isUnfinished } from "./unfinished.ts";
import { EXIT, type Io, loadConfig } from "./command.ts";
import { NEEDED_UNITS, unitStates, wordOf } from "./doctor/units.ts";
import { parse } from "./operator.ts";
import { placesHere, wrongPlaces } from "./places.ts";

/** What must not start while a rotation of the master key is not finished. */
const KEY_USERS = /^encimap-(api|submission|maintenance)\./;

/** Services that are handed a socket. */
const SERVICES: Readonly<Record<string, string>> = {
  "encimap-intake.socket": "encimap-intake.service",
  "encimap-lmtp.socket": "encimap-intake.service",
  "encimap-submission.socket": "encimap-submission.service",
};

/** Bits of a mode with which others than the owner may write. */
const OTHERS_WRITE = 0o022;

/** `doctor mend`. */
export async function runMend(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values } = parse(args, { "dry-run": { type: "boolean" } }, 0);
  const dryRun = values["dry-run"] === true;
  const config = loadConfig(io);
  const places = placesHere(config, io.env["ENCIMAP_CONFIG_FILE"]);
  const ownershipOf = await readOwnership();
  const numbers = await readNumbers();
  let isFailed = false;
  const attempt = async (
    what: string,
    task: () => Promise<void>,
  ): Promise<void> => {
    io.print(`${dryRun ? "would " : ""}${what}`);
    if (dryRun) return;
    try {
      await task();
    } catch (error) {
      isFailed = true;
      io.print(`  failed: ${(error as Error).message}`);
    }
  };
  for (const place of places) {
    if ((await wrongPlaces([place], ownershipOf)).length === 0) continue;
    const { path, is: [is] } = place;
    const [, user, group, mode] = /^(.*):(.*) (\d+)$/.exec(is)!;
    if (!await isMendable(path)) continue;
    await attempt(
      `chown ${user}:${group} and chmod ${mode} ${path}`,
      () =>
        own(path, {
          uid: numbers.users.get(user!)!,
          gid: numbers.groups.get(group!)!,
          mode: parseInt(mode!, 8),
        }),
    );
  }
  if (await isThere("/run/systemd/system")) {
    const isRotating = await isUnfinished(config.masterKeyFile);
    const isHeld = (name: string): boolean =>
      isRotating && KEY_USERS.test(name);
    const states = await unitStates(exec, NEEDED_UNITS);
    for (const [name, state] of states) {
      // What an administrator has disabled or masked stays so.
      if (state.load !== "loaded" || !state.isEnabled) continue;
      if (["active", "activating", "reloading"].includes(state.active)) {
        continue;
      }
      if (isHeld(name)) continue;
      await attempt(`start ${name}, which is ${wordOf(state)}`, async () => {
        await systemctl("reset-failed", name).catch(() => {});
        const service = SERVICES[name];
        // A socket that has given up does not start while its service runs.
        if (service !== undefined) await systemctl("stop", service);
        await systemctl("start", name);
        if (service !== undefined && !isHeld(service)) {
          await systemctl("start", service);
        }
      });
    }
  }
  return isFailed ? EXIT.failed : EXIT.ok;
}

/**
 * Whether nobody but root can put something else in the place of a file while it
 * is being mended. Links, sockets and what is not there are for install.sh.
 */
async function isMendable(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  if (found === undefined || !(found.isFile() || found.isDirectory())) {
    return false;
  }
  for (let folder = dirname(path);; folder = dirname(folder)) {
    const { uid, mode } = await stat(folder);
    if (uid !== 0 || (mode & OTHERS_WRITE) !== 0) return false;
    if (folder === "/") return true;
  }
}

/** The file itself, and nothing that has come in its place. */
async function own(
  path: string,
  to: { uid: number; gid: number; mode: number },
): Promise<void> {
  const { O_RDONLY, O_NOFOLLOW } = constants;
  const file = await open(path, O_RDONLY | O_NOFOLLOW);
  try {
    await file.chown(to.uid, to.gid);
    await file.chmod(to.mode);
  } finally {
    await file.close();
  }
}

async function systemctl(verb: string, unit: string): Promise<void> {
  const { code, stderr } = await exec(["/usr/bin/systemctl", verb, unit]);
  if (code !== 0) throw new Error(stderr.trim());
}
