/**
 * Queries on what became of deliveries, by days.
 *
 * @module
 */

import type { Db } from "./connect.ts";

/** How many deliveries had one outcome. */
export interface DeliveryCount {
  /** `stored`, `repeated`, or the code of a failure. */
  readonly outcome: string;
  /** Attempts. */
  readonly deliveries: number;
  /** Octets as they came, of what was stored. */
  readonly bytes: number;
}

/**
 * Adds to the counts of a day.
 *
 * @param db Pool.
 * @param at A time of that day.
 * @param counts What is added; each outcome once.
 */
export async function addDeliveryCounts(
  db: Db,
  at: Date,
  counts: readonly DeliveryCount[],
): Promise<void> {
  const rows = counts.map((count) => ({
    day: at.toISOString().slice(0, 10),
    ...count,
  }));
  await db`
    insert into delivery_counts ${db(rows)}
    on conflict (day, outcome) do update set
      deliveries = delivery_counts.deliveries + excluded.deliveries,
      bytes = delivery_counts.bytes + excluded.bytes
  `;
}

/**
 * Adds up the counts of some days.
 *
 * @param db Pool.
 * @param since First day, by UTC.
 * @returns A sum for each outcome, the most frequent ones first.
 */
export async function sumDeliveryCounts(
  db: Db,
  since: Date,
): Promise<DeliveryCount[]> {
  return [
    ...await db<DeliveryCount[]>`
      select outcome, sum(deliveries)::bigint as deliveries,
        sum(bytes)::bigint as bytes
      from delivery_counts where day >= ${since.toISOString().slice(0, 10)}
      group by outcome order by 2 desc, 1
    `,
  ];
}
