/**
 * Tables that say what works with what.
 *
 * @module
 */

/** What works. */
export const YES = "yes";

/** One row. */
export interface Row {
  /** What was tried, by column. */
  readonly tried: readonly string[];
  /** {@linkcode YES} or the reason why not, for each program. */
  readonly cells: readonly string[];
}

/**
 * Writes a table, with numbers in place of reasons, and the reasons below it.
 *
 * @param head Names of all columns.
 * @param rows Its rows.
 * @returns Lines of text.
 */
export function table(
  head: readonly string[],
  rows: readonly Row[],
): string[] {
  const reasons = [...new Set(rows.flatMap(({ cells }) => cells))]
    .filter((cell) => cell !== YES);
  const texts = rows.map(({ tried, cells }) => [
    ...tried,
    ...cells.map((cell) =>
      cell === YES ? cell : `no (${reasons.indexOf(cell) + 1})`
    ),
  ]);
  const widths = head.map((_, i) =>
    Math.max(...[head, ...texts].map((row) => row[i]!.length))
  );
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  return [
    line(head),
    line(widths.map((width) => "-".repeat(width))),
    ...texts.map(line),
    "",
    ...reasons.map((reason, i) => `(${i + 1}) ${reason}`),
    "",
  ];
}
