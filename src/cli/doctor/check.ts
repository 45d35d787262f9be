/**
 * What a check of `encimap doctor` is, and how checks are run.
 *
 * @module
 */

import { setTimeout } from "node:timers/promises";
import { reason } from "../../log.ts";

/** One check. */
export interface Check {
  /** A word that stays the same: monitoring and operations.md know it by that. */
  readonly name: string;
  /** What must be so. */
  readonly title: string;
  /** How to mend it. */
  readonly fix: string;
  /** Names of checks without which it says nothing of its own; they come before. */
  readonly needs?: readonly string[];
  /** Seconds that it may take; {@linkcode SECONDS} if left out. */
  readonly seconds?: number;
  /**
   * Looks.
   *
   * @param signal Aborted when its time is over.
   * @returns What is worth a word although all is well, if there is such a thing.
   * @throws {Warning} If it is not so, and nothing is broken yet.
   * @throws {Error} If it is not so.
   */
  run(signal: AbortSignal): Promise<string | void>;
  /** Mends it, where that is safe; says what it did. */
  readonly mend?: () => Promise<string>;
}

/** Something that is to be looked at and breaks nothing yet. */
export class Warning extends Error {
  /** Name of the class. */
  override readonly name = "Warning";
}

/** What a check said. */
export interface Outcome {
  /** Name of the check. */
  readonly name: string;
  /** `skipped`: it needs another one that is not so. */
  readonly status: "ok" | "warning" | "failed" | "skipped";
  /** What must be so. */
  readonly title: string;
  /** What is worth a word although all is well, such as an age. */
  readonly note: string | undefined;
  /** What is not so; why it was skipped; undefined if all is well. */
  readonly problem: string | undefined;
  /** How to mend it; undefined if all is well, or if it was skipped. */
  readonly fix: string | undefined;
  /** What `--fix` did. */
  readonly mended: string | undefined;
  /** Milliseconds that it took. */
  readonly milliseconds: number;
}

/** Seconds that a check may take. */
const SECONDS = 15;

/** Milliseconds that a check has when its time is over, to remove what it made. */
const CLEARING_MS = 10_000;

/** Milliseconds in which, with `mends`, what has failed is looked at again. */
const PATIENCE_MS = 20_000;

/** Milliseconds between two looks. */
const PAUSE_MS = 1000;

/**
 * Runs checks one after the other. One that throws or hangs stops no other.
 *
 * @param checks The checks, in their order.
 * @param options `mends`: what is not so and can be mended is mended, and looked
 * at again.
 * @yields What each said, as soon as it is known.
 */
export async function* runChecks(
  checks: readonly Check[],
  { mends }: { readonly mends: boolean },
): AsyncGenerator<Outcome, void> {
  const bad = new Set<string>();
  const patient = performance.now() + PATIENCE_MS;
  for (const check of checks) {
    const begin = performance.now();
    const needed = check.needs?.find((name) => bad.has(name));
    let { status, note, problem } = needed === undefined
      ? await verdictOf(check)
      : {
        status: "skipped" as const,
        note: undefined,
        problem: `it needs "${needed}"`,
      };
    let mended: string | undefined;
    const isWrong = status === "failed" || status === "warning";
    if (mends && isWrong && check.mend !== undefined) {
      try {
        mended = await check.mend();
        ({ status, note, problem } = await verdictOf(check));
      } catch (error) {
        problem = `${problem}; it could not be mended: ${reason(error)}`;
      }
    }
    // What root has started just before may need a moment.
    while (
      mends && status === "failed" && check.mend === undefined &&
      performance.now() < patient
    ) {
      await setTimeout(PAUSE_MS);
      ({ status, note, problem } = await verdictOf(check));
    }
    if (status === "failed" || status === "skipped") bad.add(check.name);
    const { name, title, fix } = check;
    yield {
      name,
      status,
      title,
      note,
      problem,
      fix: status === "failed" || status === "warning" ? fix : undefined,
      mended,
      milliseconds: Math.round(performance.now() - begin),
    };
  }
}

async function verdictOf(
  check: Check,
): Promise<Pick<Outcome, "status" | "note" | "problem">> {
  const { seconds = SECONDS } = check;
  const over = new AbortController();
  let timer: ReturnType<typeof globalThis.setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = globalThis.setTimeout(() => {
      over.abort();
      // What ends by the signal says more, and leaves nothing behind.
      timer = globalThis.setTimeout(
        () => reject(new Error(`no answer within ${seconds} s`)),
        CLEARING_MS,
      );
    }, seconds * 1000);
  });
  try {
    const running = check.run(over.signal);
    running.catch(() => {});
    const note = await Promise.race([running, late]) ?? undefined;
    return { status: "ok", note, problem: undefined };
  } catch (error) {
    const status = error instanceof Warning ? "warning" : "failed";
    return { status, note: undefined, problem: reason(error) };
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Throws unless something is so.
 *
 * @param isWrong Whether it is not so.
 * @param problem What is not so.
 */
export function refuse(isWrong: boolean, problem: string): void {
  if (isWrong) throw new Error(problem);
}

/**
 * Throws a warning unless something is so.
 *
 * @param isOdd Whether it is not so.
 * @param problem What is not so.
 */
export function warn(isOdd: boolean, problem: string): void {
  if (isOdd) throw new Warning(problem);
}
