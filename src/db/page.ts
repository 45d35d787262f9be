/**
 * Pages of lists by keyset: the cost of a page does not grow with its place.
 *
 * @module
 */

import type { PendingQuery, Row } from "postgres";
import type { Db } from "./connect.ts";

/** Type of a column that a list is ordered by. */
export type KeyType = "timestamptz" | "uuid" | "text" | "bigint";

/** An order of a list; its columns together are unique. */
export interface Order {
  /** Columns, the most important first, with their types. */
  readonly keys: readonly (readonly [column: string, type: KeyType])[];
  /** Whether the greatest comes first. */
  readonly descending: boolean;
}

/** Orders of a list that begins with the newest, unless it is asked otherwise. */
export const NEWEST_FIRST: Readonly<
  Record<"created_at" | "-created_at", Order>
> = {
  "-created_at": {
    keys: [["created_at", "timestamptz"], ["id", "uuid"]],
    descending: true,
  },
  "created_at": {
    keys: [["created_at", "timestamptz"], ["id", "uuid"]],
    descending: false,
  },
};

/** Which part of a list is wanted. */
export interface Page {
  /** Rows at most. */
  readonly limit: number;
  /** Order of the list. */
  readonly order: Order;
  /** Keys of the row after which it begins; the beginning if left out. */
  readonly after?: readonly string[] | undefined;
}

/** A page. */
export interface Rows<T> {
  /** Its rows. */
  readonly rows: readonly T[];
  /** Keys of the last row, if there is more. */
  readonly next: readonly string[] | undefined;
}

/** A part of a query. */
export type Fragment = PendingQuery<Row[]>;

/**
 * Fetches a page.
 *
 * @param db Pool or transaction.
 * @param page Which part.
 * @param parts `columns` and `from` of the query; `where` begins with `and`.
 * @returns The page.
 */
export async function fetchPage<T extends object>(
  db: Db,
  page: Page,
  parts: { columns: Fragment; from: Fragment; where: Fragment },
): Promise<Rows<T>> {
  const { order: { keys, descending }, after, limit } = page;
  const columns = joined(db, keys.map(([column]) => db`${db(column)}`));
  const begin = after === undefined
    ? db``
    : db`and (${columns}) ${descending ? db`<` : db`>`} (${
      joined(db, keys.map(([, type], i) => cast(db, after[i]!, type)))
    })`;
  const direction = descending ? db`desc` : db`asc`;
  const rows = await db<(T & { position: string[] })[]>`
    select ${parts.columns}, json_build_array(${
    joined(db, keys.map(([column, type]) => asText(db, column, type)))
  }) as position
    from ${parts.from}
    where true ${parts.where} ${begin}
    order by ${
    joined(db, keys.map(([column]) => db`${db(column)} ${direction}`))
  }
    limit ${limit + 1}
  `;
  const shown = rows.slice(0, limit);
  return {
    rows: shown,
    next: rows.length > limit ? shown.at(-1)?.position : undefined,
  };
}

function joined(db: Db, fragments: readonly Fragment[]): Fragment {
  return fragments.reduce((all, each) => db`${all}, ${each}`);
}

function cast(db: Db, value: string, type: KeyType): Fragment {
  switch (type) {
    case "timestamptz":
      return db`${value}::text::timestamptz`;
    case "uuid":
      return db`${value}::uuid`;
    case "text":
      return db`${value}::text`;
    case "bigint":
      return db`${value}::text::bigint`;
  }
}

function asText(db: Db, column: string, type: KeyType): Fragment {
  return type === "timestamptz"
    ? db`to_char(${
      db(column)
    } at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
    : db`${db(column)}::text`;
}
