/**
 * `doctor`: checks the appliance and says how to mend what is wrong.
 *
 * @module
 */

import type { Config } from "../config.ts";
import { createLog, reason } from "../log.ts";
import { openDoctor } from "../open.ts";
import { exec } from "../system/exec.ts";
import { isThere } from "../system/files.ts";
import { VERSION } from "../version.ts";
import { EXIT, type Io, loadConfig, UsageError } from "./command.ts";
import { type Outcome, runChecks } from "./doctor/check.ts";
import { allChecks } from "./doctor/doctor.ts";
import { keepReport, worstOf } from "./doctor/report.ts";
import { parse } from "./operator.ts";

/** Exit statuses besides 0, as monitoring knows them. */
const STATUS = { warning: 1, failed: 2 } as const;

/** What `install.sh --web` puts in place. */
const NGINX_FILE = "/etc/nginx/conf.d/encimap.conf";

/** Where systemd runs the machine. */
const SYSTEMD_FOLDER = "/run/systemd/system";

/** Characters of the longest name of a check. */
const NAME_WIDTH = 17;

const WORDS: Readonly<Record<Outcome["status"], string>> = {
  ok: "ok  ",
  warning: "WARN",
  failed: "FAIL",
  skipped: "skip",
};

/**
 * Runs `doctor`.
 *
 * @param args `--json`, `--strict`, `--fix` and `--dry-run`.
 * @param io The process.
 * @returns 0 if nothing has failed; 1 with `--strict` if there are warnings; 2 if
 * something has failed, or nothing can be checked.
 */
export async function runDoctor(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values } = parse(args, {
    json: { type: "boolean" },
    strict: { type: "boolean" },
    fix: { type: "boolean" },
    "dry-run": { type: "boolean" },
  }, 0);
  const dryRun = values["dry-run"] === true;
  if (dryRun && values["fix"] !== true) {
    throw new UsageError("--dry-run goes with --fix");
  }
  const mends = values["fix"] === true && !dryRun;
  const isJson = values["json"] === true;
  const config = loadConfig(io);
  const options = {
    mends,
    dryRun,
    isJson,
    isStrict: values["strict"] === true,
  };
  try {
    return await look(config, io, options);
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) throw error;
    io.warn(`encimap doctor: ${reason(error)}`);
    return STATUS.failed;
  }
}

/** Looks at everything. */
async function look(
  config: Config,
  io: Io,
  { mends, dryRun, isJson, isStrict }: Readonly<
    Record<"mends" | "dryRun" | "isJson" | "isStrict", boolean>
  >,
): Promise<number> {
  const outcomes: Outcome[] = [];
  let at: Date;
  {
    const level = config.logLevel === "info" ? "warn" : config.logLevel;
    await using app = await openDoctor(config, createLog(io.warn, level));
    const checks = allChecks({
      app,
      io,
      exec,
      hasSystemd: await isThere(SYSTEMD_FOLDER),
      // A web server of another kind, or on another machine, is not ours to look at.
      hasNginx: await isThere(NGINX_FILE),
    });
    const mendable = new Set(
      checks.filter(({ mend }) => mend !== undefined).map(({ name }) => name),
    );
    for await (const outcome of runChecks(checks, { mends })) {
      outcomes.push(outcome);
      io.progress?.("");
      if (isJson) continue;
      for (const line of linesOf(outcome)) io.print(line);
      if (dryRun && outcome.fix !== undefined && mendable.has(outcome.name)) {
        io.print("      --fix would do it");
      }
    }
    at = new Date();
    await keepReport(app.sql, outcomes, { at, warn: io.warn });
  }
  const count = (status: Outcome["status"]): number =>
    outcomes.filter((outcome) => outcome.status === status).length;
  const [failed, warnings] = [count("failed"), count("warning")];
  if (isJson) io.print(jsonOf(outcomes, config.hostname, at));
  else if (failed > 0) io.print(`${failed} check(s) failed, ${warnings} warn`);
  else if (warnings > 0) io.print(`Nothing failed, ${warnings} check(s) warn`);
  else io.print("All is well");
  if (failed > 0) return STATUS.failed;
  return warnings > 0 && isStrict ? STATUS.warning : EXIT.ok;
}

function linesOf(outcome: Outcome): string[] {
  const { name, status, title, fix, mended } = outcome;
  const said = outcome.problem ?? outcome.note;
  const head = `${WORDS[status]}  ${name.padEnd(NAME_WIDTH)} ${title}`;
  return [
    ...mended === undefined
      ? []
      : [`mend  ${name.padEnd(NAME_WIDTH)} ${mended}`],
    said === undefined ? head : `${head}: ${said}`,
    ...fix === undefined ? [] : [`      ${fix}`],
  ];
}

/** The form is described in docs/operations.md; names stay. */
function jsonOf(
  outcomes: readonly Outcome[],
  hostname: string,
  at: Date,
): string {
  return JSON.stringify({
    status: worstOf(outcomes),
    hostname,
    version: VERSION,
    at: at.toISOString(),
    checks: outcomes.map((outcome) => ({
      name: outcome.name,
      status: outcome.status,
      title: outcome.title,
      note: outcome.note ?? null,
      problem: outcome.problem ?? null,
      fix: outcome.fix ?? null,
      mended: outcome.mended ?? null,
      milliseconds: outcome.milliseconds,
    })),
  });
}
