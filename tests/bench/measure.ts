/**
 * Times and verdicts.
 *
 * @module
 */

/** Smaller worlds, shorter runs and fewer rounds, for a quick look. */
export const SCALE: number = Number(Deno.env.get("BENCH_SCALE") ?? 1);

/** Something that is timed. */
export type Task = () => Promise<unknown>;

/**
 * Runs tasks in turn, again and again, so that what slows the machine down for a
 * while slows all of them down.
 *
 * @param tasks The tasks by name.
 * @param rounds How often each is timed, after two rounds that are not.
 * @returns Milliseconds of each task, in ascending order.
 */
export async function interleaved<K extends string>(
  tasks: Readonly<Record<K, Task>>,
  rounds: number,
): Promise<Record<K, number[]>> {
  const names = Object.keys(tasks) as K[];
  const times = Object.fromEntries(
    names.map((name) => [name, []]),
  ) as unknown as Record<K, number[]>;
  for (let round = -2; round < rounds; round++) {
    for (const name of names) {
      const begin = performance.now();
      await tasks[name]();
      const ms = performance.now() - begin;
      if (round >= 0) times[name].push(ms);
    }
  }
  for (const name of names) times[name].sort((a, b) => a - b);
  return times;
}

/** The middle of sorted numbers. */
export function median(sorted: readonly number[]): number {
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[middle]!
    : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** Writes a line. */
export function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(`${line}\n`));
}

/** Writes a number beside its limit, and whether it is within. */
export function verdict(
  name: string,
  value: number,
  limit: number,
  unit: string,
): void {
  const word = value <= limit ? "OK" : "over";
  print(
    `${name.padEnd(46)} ${
      value.toFixed(2).padStart(8)
    }${unit}  (limit ${limit}${unit}) ${word}`,
  );
}

/** Writes a number. */
export function report(name: string, value: number, unit: string): void {
  print(`${name.padEnd(46)} ${value.toFixed(2).padStart(8)}${unit}`);
}
