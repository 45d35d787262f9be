/**
 * The table as text.
 *
 * @module
 */

import { print } from "../measure.ts";
import type { Figures } from "./contender.ts";

/** Messages in a second beside those of references. */
export interface Ratios {
  /** To the bare loop of durable writes. */
  readonly toBare: number;
  /** To `openssl cms -encrypt` for each message, to as many certificates. */
  readonly toOpenssl: number;
  /** To Dovecot's LMTP, which stores in clear. */
  readonly toDovecot: number;
}

const COLUMNS = [
  ["size", 7],
  ["clients", 7],
  ["what", 13],
  ["certs", 5],
  ["msg/s", 8],
  ["MB/s", 7],
  ["p50 ms", 8],
  ["p95 ms", 8],
  ["p99 ms", 8],
  ["deferred", 8],
  ["/bare", 6],
  ["/openssl", 8],
  ["/Dovecot", 8],
  ["CPU intake", 10],
  ["PostgreSQL", 10],
  ["client", 7],
  ["RSS before", 10],
  ["peak", 6],
  ["after", 6],
] as const;

function printCells(cells: readonly string[]): void {
  print(
    `| ${
      cells.map((cell, i) => {
        const width = COLUMNS[i]![1];
        return i === 2 ? cell.padEnd(width) : cell.padStart(width);
      }).join(" | ")
    } |`,
  );
}

/** Prints the head: CPU is milliseconds for a message, RSS is MiB. */
export function printTitle(): void {
  printCells(COLUMNS.map(([name]) => name));
  printCells(COLUMNS.map(([, width]) => "-".repeat(width)));
}

/** Prints a row. */
export function printRow(
  row: Figures & Ratios & { octets: number; clients: number },
): void {
  const number = (value: number | undefined, digits: number): string =>
    value === undefined ? "" : value.toFixed(digits);
  printCells([
    sizeOf(row.octets),
    String(row.clients),
    row.name,
    String(row.certificates),
    number(row.messagesPerSecond, 1),
    number(row.megabytesPerSecond, 1),
    number(row.p50, 1),
    number(row.p95, 1),
    number(row.p99, 1),
    String(row.deferred),
    number(row.toBare, 2),
    number(row.toOpenssl, 2),
    number(row.toDovecot, 2),
    number(row.intakeCpu, 2),
    number(row.postgresCpu, 2),
    number(row.clientCpu, 2),
    number(row.memory?.before, 0),
    number(row.memory?.peak, 0),
    number(row.memory?.after, 0),
  ]);
}

function sizeOf(octets: number): string {
  return octets < 2 ** 20 ? `${octets / 2 ** 10} KB` : `${octets / 2 ** 20} MB`;
}
