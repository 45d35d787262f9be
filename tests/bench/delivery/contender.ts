/**
 * What is measured side by side, and the figures of each.
 *
 * @module
 */

import { testPgHost } from "../../helpers/database.ts";
import { median } from "../measure.ts";
import { type Load, percentile, type Run, runLoad } from "./load.ts";
import { cpuSeconds, memory, resetPeak } from "../../helpers/processes.ts";

/** One way of storing mail. */
export interface Contender {
  /** What the table calls it. */
  readonly name: string;
  /** Certificates that each message is encrypted to; 0 if none. */
  readonly certificates: number;
  /** Clients, message, mailboxes. */
  readonly load: Load;
  /** Process whose CPU time and memory count; undefined for references. */
  readonly pid?: number;
  /** Removes what was stored, where it would fill the disk; not timed. */
  readonly after?: () => Promise<void>;
}

/** A contender's figures: medians of its runs. */
export interface Figures {
  /** Contender. */
  readonly name: string;
  /** Certificates. */
  readonly certificates: number;
  /** Messages in a second. */
  readonly messagesPerSecond: number;
  /** Megabytes (10^6 octets) of received mail in a second. */
  readonly megabytesPerSecond: number;
  /** Milliseconds that a message takes, percentiles. */
  readonly p50: number;
  /** The same. */
  readonly p95: number;
  /** The same. */
  readonly p99: number;
  /** Temporary refusals in all runs. */
  readonly deferred: number;
  /** CPU milliseconds for a message: of the clients. */
  readonly clientCpu: number;
  /** Of the intake. */
  readonly intakeCpu?: number;
  /** Of PostgreSQL. */
  readonly postgresCpu?: number;
  /** Resident memory of the intake in MiB. */
  readonly memory?: {
    readonly before: number;
    readonly peak: number;
    readonly after: number;
  };
}

type Measured = Run & Pick<Figures, "intakeCpu" | "postgresCpu" | "memory">;

/**
 * Runs contenders in turn, again and again, so that what slows the machine down
 * for a while slows all of them down.
 *
 * @param contenders What is compared.
 * @param rounds How often each runs.
 * @param octets Size of a message, for the megabytes.
 * @returns Their figures in the same order.
 */
export async function compare(
  contenders: readonly Contender[],
  rounds: number,
  octets: number,
): Promise<Figures[]> {
  const runs = contenders.map((): Measured[] => []);
  for (let round = 0; round < rounds; round++) {
    for (const [i, contender] of contenders.entries()) {
      runs[i]!.push(await measure(contender));
      await contender.after?.();
      await settle();
    }
  }
  return contenders.map(({ name, certificates }, i) => ({
    name,
    certificates,
    ...figures(runs[i]!, octets),
  }));
}

/** Writes to the disk what waits in memory, so that no run pays for another. */
async function settle(): Promise<void> {
  await new Deno.Command("sync").output();
}

async function measure({ load, pid }: Contender): Promise<Measured> {
  if (pid === undefined) return await runLoad(load);
  const postgres = await postmaster();
  await resetPeak(pid);
  const before = await memory(pid);
  const [intakeBegin, postgresBegin] = [
    await cpuSeconds(pid),
    await cpuSeconds(postgres),
  ];
  const run = await runLoad(load);
  const after = await memory(pid);
  const each = (seconds: number): number => seconds * 1000 / run.messages;
  return {
    ...run,
    intakeCpu: each(await cpuSeconds(pid) - intakeBegin),
    postgresCpu: each(await cpuSeconds(postgres) - postgresBegin),
    memory: { before: before.now, peak: after.peak, after: after.now },
  };
}

async function postmaster(): Promise<number> {
  const text = await Deno.readTextFile(`${testPgHost()}/data/postmaster.pid`);
  return Number(text.split("\n")[0]);
}

function figures(
  runs: readonly Measured[],
  octets: number,
): Omit<Figures, "name" | "certificates"> {
  const middle = (value: (run: Measured) => number): number =>
    median(runs.map(value).sort((a, b) => a - b));
  const messagesPerSecond = middle((run) => run.messages / run.seconds);
  const times = {
    messagesPerSecond,
    megabytesPerSecond: messagesPerSecond * octets / 1e6,
    p50: middle((run) => percentile(run.latencies, 50)),
    p95: middle((run) => percentile(run.latencies, 95)),
    p99: middle((run) => percentile(run.latencies, 99)),
    deferred: runs.reduce((sum, run) => sum + run.deferred, 0),
    clientCpu: middle((run) => run.clientCpu * 1000 / run.messages),
  };
  if (runs[0]!.memory === undefined) return times;
  return {
    ...times,
    intakeCpu: middle((run) => run.intakeCpu!),
    postgresCpu: middle((run) => run.postgresCpu!),
    memory: {
      before: middle((run) => run.memory!.before),
      peak: Math.max(...runs.map((run) => run.memory!.peak)),
      after: middle((run) => run.memory!.after),
    },
  };
}
