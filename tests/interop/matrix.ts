/**
 * Prints which engine opens which form of message, as it is seen here:
 * `deno task interop`. smime_matrix_test.ts checks the same.
 *
 * @module
 */

import { isMissing } from "../helpers/openssl.ts";
import { ENGINES } from "./oracles/engines.ts";
import {
  COMBINATIONS,
  examine,
  limitOf,
  makeRecipients,
} from "./oracles/matrix.ts";

async function main(): Promise<void> {
  const engines = ENGINES.filter(({ needs }) => !isMissing(...needs));
  const recipients = await makeRecipients();
  const columns = await Promise.all(engines.map(async (engine) => {
    await using session = await engine.start();
    const cells: string[] = [];
    for (const combination of COMBINATIONS) {
      const limit = limitOf(engine.name, combination);
      const problem = await examine(session, recipients, combination, limit);
      const isKnown = problem !== undefined && limit?.error.test(problem);
      cells.push(
        problem === undefined
          ? "yes"
          : `no: ${isKnown ? limit!.reason : problem.replace(/\s+/g, " ")}`,
      );
    }
    return cells;
  }));
  const reasons = [...new Set(columns.flat())].filter((cell) => cell !== "yes");
  const rows = COMBINATIONS.map(({ cipher, way, recipients }, i) => [
    cipher,
    way,
    `${recipients}`,
    ...columns.map((cells) => {
      const cell = cells[i]!;
      return cell === "yes" ? cell : `no (${reasons.indexOf(cell) + 1})`;
    }),
  ]);
  const names = engines.map(({ name }) => name);
  const head = ["content", "key", "recipients", ...names];
  const widths = head.map((_, i) =>
    Math.max(...[head, ...rows].map((row) => row[i]!.length))
  );
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  const rule = line(widths.map((width) => "-".repeat(width)));
  const versions = await Promise.all(
    engines.map(async (engine) => `${engine.name}: ${await engine.version()}`),
  );
  const text = [
    ...[line(head), rule, ...rows.map(line), ""],
    ...reasons.map((cell, i) => `(${i + 1}) ${cell.replace("no: ", "")}`),
    ...["", ...versions, ""],
  ].join("\n");
  await Deno.stdout.write(new TextEncoder().encode(text));
}

if (import.meta.main) void main();
