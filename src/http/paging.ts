/**
 * `limit`, `sort` and `cursor` of lists.
 *
 * @module
 */

import type { KeyType, Order, Page } from "../db/page.ts";
import {
  described,
  type Field,
  integer,
  oneOf,
  optional,
  text,
  wrong,
} from "./fields.ts";
import { UUID_REGEXP } from "./auth.ts";

/** Rows of one page, at most and if the request does not say. */
export const PAGE_MAX = 1000;

/** Orders of a list by the word that `sort` takes; the first is the default. */
export type Orders = Readonly<Record<string, Order>>;

/** The fields of every list. */
export interface PageFields extends Record<string, Field<unknown>> {
  /** Rows at most. */
  readonly limit: Field<number | undefined>;
  /** Order. */
  readonly sort: Field<string | undefined>;
  /** Where the page begins. */
  readonly cursor: Field<string | undefined>;
}

/**
 * Makes the fields of a list.
 *
 * @param orders Its orders.
 * @returns The fields.
 */
export function pageFields(orders: Orders): PageFields {
  const [first] = Object.keys(orders);
  return {
    limit: optional(
      described(
        integer(1, PAGE_MAX),
        `Rows of the page, at most; ${PAGE_MAX} if left out.`,
      ),
    ),
    sort: optional(
      described(
        oneOf(...Object.keys(orders)),
        `Order; \`${first}\` if left out.`,
      ),
    ),
    cursor: optional(
      described(
        text("must be the next_cursor of an earlier answer", /^[\w-]{1,2000}$/),
        "`next_cursor` of the page before.",
      ),
    ),
  };
}

/**
 * Makes the page that a request asks for.
 *
 * @param orders Orders of the list.
 * @param query Parsed fields of {@linkcode pageFields}.
 * @returns The page.
 * @throws {AppError} `invalid_request` if the cursor is of another list.
 */
export function pageOf(
  orders: Orders,
  query: {
    limit: number | undefined;
    sort: string | undefined;
    cursor: string | undefined;
  },
): Page & { sort: string } {
  const sort = query.sort ?? Object.keys(orders)[0]!;
  const order = orders[sort]!;
  const after = query.cursor === undefined
    ? undefined
    : decodeCursor(query.cursor, sort, order);
  return { limit: query.limit ?? PAGE_MAX, order, after, sort };
}

/**
 * Writes a place in a list as text.
 *
 * @param sort Word of the order.
 * @param keys Keys of the last row.
 * @returns base64url.
 */
export function encodeCursor(sort: string, keys: readonly string[]): string {
  return new TextEncoder().encode(JSON.stringify([sort, ...keys]))
    .toBase64({ alphabet: "base64url", omitPadding: true });
}

function decodeCursor(text: string, sort: string, order: Order): string[] {
  let decoded: unknown;
  try {
    decoded = JSON.parse(
      new TextDecoder().decode(
        Uint8Array.fromBase64(text, { alphabet: "base64url" }),
      ),
    );
  } catch {
    // Judged below like any other wrong text.
  }
  const [word, ...keys] = Array.isArray(decoded) ? decoded : [];
  const fits = word === sort && keys.length === order.keys.length &&
    order.keys.every(([, type], i) => isKey(keys[i], type));
  if (!fits) {
    throw wrong("cursor", "must be the next_cursor of an earlier answer");
  }
  return keys;
}

/** Whether PostgreSQL takes a text as a value of the type. */
function isKey(value: unknown, type: KeyType): boolean {
  if (typeof value !== "string") return false;
  switch (type) {
    case "timestamptz":
      return isTime(value);
    case "uuid":
      return UUID_REGEXP.test(value);
    case "bigint":
      return /^\d{1,18}$/.test(value);
    case "text":
      return /^[\x20-\x7e]{0,320}$/.test(value);
  }
}

/** 30 February is a day to Date.parse(). */
function isTime(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/.test(text)) return false;
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && time.getTime() > 0 &&
    time.toISOString().slice(0, 19) === text.slice(0, 19);
}
