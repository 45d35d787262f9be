/**
 * Our units, as systemd has them.
 *
 * @module
 */

import type { Exec } from "../../system/exec.ts";
import type { Check } from "./check.ts";
import type { Doctor } from "./doctor.ts";
import { TEMPLATES } from "../../appliance/templates.ts";

/** What systemd says of a unit. */
export interface UnitState {
  /** As `active`, `inactive`, `failed`, `activating`. */
  readonly active: string;
  /** As `loaded`, `masked`, `not-found`. */
  readonly load: string;
  /** Whether it is started with the machine. */
  readonly isEnabled: boolean;
  /** Why it ended, as `success`, `exit-code`. */
  readonly result: string;
  /** Since when it is as it is; undefined if never. */
  readonly since: Date | undefined;
}

/** Ours, as install.sh knows them; templates of several are left out. */
const OURS = Object.entries(TEMPLATES).flatMap(([path, text]) => {
  const name = /^systemd\/(encimap-[a-z-]+\.(?:service|socket|timer))\.tmpl$/
    .exec(path)?.[1];
  return name === undefined ? [] : [{ name, text }];
});

/** Ours that run all the time. */
const DAEMONS = OURS.filter(({ name, text }) =>
  name.endsWith(".service") && /^Type=exec$/m.test(text)
).map(({ name }) => name);

/** Ours that do something and end. */
const JOBS = [
  ...OURS.filter(({ name, text }) =>
    name.endsWith(".service") && /^Type=oneshot$/m.test(text)
  ).map(({ name }) => name),
  "encimap-maintenance@clean-up.service",
  "encimap-maintenance@report.service",
  // The check itself: that it found something the last time is no finding. Of the
  // certificate for TLS, another check says why there is no new one.
].filter((name) => !/^encimap-(check|tls)\.service$/.test(name));

const LISTENERS = OURS.map(({ name }) => name)
  .filter((name) => /\.(socket|timer)$/.test(name));

/** All that are looked at. */
export const WATCHED_UNITS: readonly string[] = [
  ...DAEMONS,
  ...LISTENERS,
  ...JOBS,
];

/** PostgreSQL's, the second with the processes: one for each cluster. */
export const POSTGRESQL: readonly string[] = [
  "postgresql.service",
  "postgresql@*.service",
];

/** Postfix's; Debian 12 has the processes in the second one. */
export const POSTFIX: readonly string[] = [
  "postfix.service",
  "postfix@*.service",
];

/** All without which there is no mail, in the order of their start. */
export const NEEDED_UNITS: readonly string[] = [
  ...POSTGRESQL,
  ...LISTENERS,
  ...DAEMONS,
  "dovecot.service",
  ...POSTFIX,
];

/**
 * Asks systemd.
 *
 * @param exec Runs systemctl.
 * @param names Names of units; `a@*.service` stands for the instances that
 * `a.service` starts.
 * @returns What it says of each, by its name.
 * @throws {Error} If it does not answer.
 */
export async function unitStates(
  exec: Exec,
  names: readonly string[],
): Promise<Map<string, UnitState>> {
  const all = await Promise.all(names.map(async (name) => {
    if (!name.includes("@*.")) return [name];
    const wants = await show(exec, ["--property=Wants", "--value"], [
      name.replace("@*", ""),
    ]);
    const [prefix] = name.split("*");
    return wants.split(/\s+/).filter((each) => each.startsWith(prefix!));
  }));
  const stdout = await show(exec, [
    "--timestamp=unix",
    "--property=Id,ActiveState,LoadState,UnitFileState,Result,StateChangeTimestamp",
  ], all.flat());
  const states = new Map<string, UnitState>();
  for (const block of stdout.split("\n\n")) {
    const value = (name: string): string =>
      new RegExp(`^${name}=(.*)$`, "m").exec(block)?.[1] ?? "";
    const seconds = /^@(\d+)$/.exec(value("StateChangeTimestamp"))?.[1];
    states.set(value("Id"), {
      active: value("ActiveState"),
      load: value("LoadState"),
      // Instances are enabled until the next start of the machine, by a generator.
      isEnabled: /^enabled(-runtime)?$/.test(value("UnitFileState")),
      result: value("Result"),
      since: seconds === undefined
        ? undefined
        : new Date(Number(seconds) * 1000),
    });
  }
  return states;
}

async function show(
  exec: Exec,
  options: readonly string[],
  names: readonly string[],
): Promise<string> {
  const { code, stdout, stderr } = await exec([
    "/usr/bin/systemctl",
    "show",
    ...options,
    ...names,
  ]);
  if (code !== 0) throw new Error(`systemctl: ${stderr.trim()}`);
  return stdout;
}

/**
 * Names what is wrong with sockets, timers and jobs; daemons have checks of their
 * own.
 *
 * @param states What systemd says.
 * @returns One phrase for each.
 */
export function jobProblems(states: ReadonlyMap<string, UnitState>): string[] {
  const problems: string[] = [];
  for (const name of LISTENERS) {
    const state = states.get(name);
    if (state === undefined || state.load === "not-found") {
      problems.push(`${name} is not installed`);
    } else if (state.active !== "active") {
      problems.push(`${name} is ${wordOf(state)}`);
    }
  }
  for (const name of JOBS) {
    const state = states.get(name);
    if (state?.active === "failed") {
      problems.push(`${name} has failed (${state.result})`);
    }
  }
  return problems;
}

/**
 * Adds to the failure of a check what systemd says of the units behind it.
 *
 * @param doctor Uses `exec` and `hasSystemd`.
 * @param units Names of the units.
 * @param run The check.
 * @returns The check with that.
 */
export function explained(
  { exec, hasSystemd }: Pick<Doctor, "exec" | "hasSystemd">,
  units: readonly string[],
  run: Check["run"],
): Check["run"] {
  if (!hasSystemd) return run;
  return async (signal) => {
    try {
      return await run(signal);
    } catch (error) {
      const states = await unitStates(exec, units).catch(() => new Map());
      for (const [name, state] of states) {
        if (state.active === "active") continue;
        const word = wordOf(state);
        // What an administrator has disabled is not for it.
        const more = word === "inactive" && state.isEnabled
          ? ' ("encimap doctor --fix" starts it)'
          : "";
        throw new Error(`${name} is ${word}${more}`, { cause: error });
      }
      throw error;
    }
  };
}

/**
 * Says whether a unit was started before something.
 *
 * @param since When it was started, as systemd says: in whole seconds, cut.
 * @param changed When that happened.
 * @returns Whether it surely was.
 */
export function startedBefore(since: Date, changed: Date): boolean {
  return since.getTime() + 1000 <= changed.getTime();
}

/**
 * Says in a word how a unit is.
 *
 * @param state What systemd says.
 * @returns As `masked` or `failed`.
 */
export function wordOf(state: UnitState): string {
  return state.load === "loaded" ? state.active : state.load;
}
