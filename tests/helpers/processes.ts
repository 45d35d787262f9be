/**
 * What processes take: CPU time and memory, from proc(5).
 *
 * @module
 */

/** Clock ticks of a second in /proc; the same on every Linux of today. */
const TICKS = 100;

/**
 * Lists a process and those that came of it.
 *
 * @param pid The first.
 * @returns Process ids.
 */
export async function family(pid: number): Promise<number[]> {
  const pids = [pid];
  for (let i = 0; i < pids.length; i++) {
    const path = `/proc/${pids[i]}/task/${pids[i]}/children`;
    const text = await Deno.readTextFile(path).catch(() => "");
    pids.push(...text.split(" ").filter(Boolean).map(Number));
  }
  return pids;
}

/**
 * CPU time of a process and those that came of it, the ended ones included.
 *
 * @param pid The first.
 * @returns Seconds in user and system mode.
 */
export async function cpuSeconds(pid: number): Promise<number> {
  let ticks = 0;
  for (const each of await family(pid)) {
    const stat = await Deno.readTextFile(`/proc/${each}/stat`).catch(() => "");
    // The name of the program, in parentheses, may have spaces.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    for (const field of fields.slice(11, 15)) ticks += Number(field);
  }
  return ticks / TICKS;
}

/** Resident memory in MiB: now, and the most since {@linkcode resetPeak}. */
export interface Memory {
  /** Now. */
  readonly now: number;
  /** The most. */
  readonly peak: number;
}

/**
 * Resident memory of a process and those that came of it.
 *
 * @param pid The first.
 * @returns The sums.
 */
export async function memory(pid: number): Promise<Memory> {
  let [now, peak] = [0, 0];
  for (const each of await family(pid)) {
    const status = await Deno.readTextFile(`/proc/${each}/status`)
      .catch(() => "");
    now += Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1] ?? 0);
    peak += Number(/^VmHWM:\s*(\d+)/m.exec(status)?.[1] ?? 0);
  }
  return { now: now / 1024, peak: peak / 1024 };
}

/** Begins the peak anew; proc(5), clear_refs. */
export async function resetPeak(pid: number): Promise<void> {
  for (const each of await family(pid)) {
    await Deno.writeTextFile(`/proc/${each}/clear_refs`, "5").catch(() => {});
  }
}
