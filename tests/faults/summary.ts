/**
 * The end of a scenario: count, hunt, print a line, judge.
 *
 * @module
 */

import assert from "node:assert/strict";
import { hunt } from "./hunt.ts";
import type { Census } from "./census.ts";
import type { Canaries } from "./mail.ts";

/** Rounds of a scenario by the variable FAULT_ROUNDS, or as many as CI has time for. */
export function roundsOf(usual: number): number {
  const wanted = Number(Deno.env.get("FAULT_ROUNDS") ?? usual);
  return Number.isInteger(wanted) && wanted > 0 ? wanted : usual;
}

/** A world as it is counted. */
export interface Counted {
  /** Counts what was stored. */
  readonly census: Pick<Census, "count">;
  /** Words that no disk may have. */
  readonly canaries: Canaries;
  /** Folder of everything that the intake can write; the hunt goes there. */
  readonly state: string;
}

/** What became of a scenario, over all its rounds and worlds. */
export class Summary {
  readonly #name: string;
  #rounds = 0;
  /** Mails in each world. */
  readonly #accepted = new Map<Counted, number>();
  readonly #faults: string[] = [];
  readonly #counts = {
    lost: 0,
    doubled: 0,
    misplaced: 0,
    exposed: 0,
    wrong: 0,
  };

  /**
   * Begins a scenario.
   *
   * @param name Its name in the table of docs/reliability.md.
   */
  constructor(name: string) {
    this.#name = name;
  }

  /**
   * Ends a round: nothing may be under way.
   *
   * @param faults The world.
   * @param options `places`: where else to look for plaintext; `bounces`: what
   * may have been refused for good; `rounds`: how many it was; `before`: mails
   * of the world that are of other scenarios.
   */
  async round(
    faults: Counted,
    options: {
      places?: readonly string[];
      bounces?: ReadonlySet<string>;
      rounds?: number;
      before?: number;
    } = {},
  ): Promise<void> {
    this.#rounds += options.rounds ?? 1;
    const count = await faults.census.count(options);
    const exposed = await hunt(faults.canaries, [
      faults.state,
      ...options.places ?? [],
    ]);
    this.#accepted.set(faults, count.accepted - (options.before ?? 0));
    const found = { ...count, exposed };
    for (const name of keysOf(this.#counts)) {
      this.#counts[name] += found[name].length;
      for (const each of found[name]) this.#faults.push(`${name}: ${each}`);
    }
  }

  /**
   * Prints the line of the table and judges it.
   *
   * @param note What else is worth knowing.
   */
  end(note = ""): void {
    const accepted = [...this.#accepted.values()].reduce((a, b) => a + b, 0);
    const { lost, doubled, misplaced, exposed } = this.#counts;
    const cells = [
      this.#name,
      ...[this.#rounds, accepted, lost, doubled, misplaced, exposed],
    ];
    const line = `fault table | ${cells.join(" | ")} |${note && ` ${note}`}\n`;
    Deno.stdout.writeSync(new TextEncoder().encode(line));
    assert.deepEqual(this.#faults, []);
    assert.ok(accepted > 0, "nothing was sent");
  }
}

function keysOf<T extends object>(value: T): (keyof T)[] {
  return Object.keys(value) as (keyof T)[];
}
