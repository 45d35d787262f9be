/**
 * `deno task bench [PART...] [--json FILE]`: what
 * docs/design.md and docs/performance.md say of speed, measured. Without a part
 * it is all of them. It never fails for a number.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { benchApi } from "./api.ts";
import { benchDashboard } from "./dashboard.ts";
import { benchDelivery } from "./delivery/delivery.ts";
import { benchFlat } from "./delivery/flat.ts";
import { benchMemory } from "./delivery/memory.ts";
import { benchPostfix } from "./delivery/postfix.ts";
import { benchFolder } from "./folder.ts";
import { SCALE } from "./measure.ts";

/** The parts, by name; each returns what it has measured. */
const PARTS = {
  api: benchApi,
  dashboard: benchDashboard,
  delivery: benchDelivery,
  flat: benchFlat,
  memory: benchMemory,
  postfix: benchPostfix,
} as const;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { json: { type: "string" } },
    allowPositionals: true,
  });
  const wanted = positionals.length > 0 ? positionals : Object.keys(PARTS);
  const unknown = wanted.find((name) => !(name in PARTS));
  if (unknown !== undefined) {
    throw new RangeError(`There is no part ${unknown} of the bench`);
  }
  await using _folder = await benchFolder();
  const results: Record<string, unknown> = {
    at: new Date().toISOString(),
    scale: SCALE,
    cores: navigator.hardwareConcurrency,
  };
  for (const [name, part] of Object.entries(PARTS)) {
    if (!wanted.includes(name)) continue;
    results[name] = await part() ?? null;
    // After each part: a later one may be ended by impatience.
    if (values.json === undefined) continue;
    await Deno.writeTextFile(values.json, JSON.stringify(results, null, 2));
  }
}

if (import.meta.main) main();
