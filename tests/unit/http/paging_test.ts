import assert from "node:assert/strict";
import type { Order } from "../../../src/db/page.ts";
import { AppError } from "../../../src/errors.ts";
import { parseQuery } from "../../../src/http/fields.ts";
import {
  encodeCursor,
  PAGE_MAX,
  pageFields,
  pageOf,
} from "../../../src/http/paging.ts";

const CREATED: Order = {
  keys: [["created_at", "timestamptz"], ["id", "uuid"]],
  descending: false,
};
const ORDERS = {
  "created_at": CREATED,
  "-created_at": { ...CREATED, descending: true },
  address: {
    keys: [["domain", "text"], ["alias", "text"]],
    descending: false,
  },
  id: { keys: [["id", "bigint"]], descending: false },
} as const satisfies Record<string, Order>;

const TIME = "2024-02-29T12:00:00.123456Z";
const ID = "11111111-1111-4111-8111-111111111111";

function page(query: Record<string, string>): ReturnType<typeof pageOf> {
  return pageOf(ORDERS, parseQuery(pageFields(ORDERS), query));
}

function assertRefused(query: Record<string, string>, field: string): void {
  assert.throws(() => page(query), (error) => {
    assert(error instanceof AppError);
    assert.equal(error.code, "invalid_request");
    assert.deepEqual(error.details, { field });
    return true;
  });
}

Deno.test("pageOf() takes the first order and the greatest limit if nothing is said", () => {
  assert.deepEqual(page({}), {
    limit: PAGE_MAX,
    order: CREATED,
    after: undefined,
    sort: "created_at",
  });
});

for (
  const [sort, keys] of [
    ["created_at", [TIME, ID]],
    ["-created_at", [TIME, ID.toUpperCase()]],
    ["address", ["a.example", ""]],
    ["address", ["a.example", "x".repeat(320)]],
    ["id", ["999999999999999999"]],
  ] as const
) {
  Deno.test(`pageOf() reads what encodeCursor() wrote: ${sort} ${keys.join(" ").slice(0, 60)}`, () => {
    const cursor = encodeCursor(sort, keys);
    assert.match(cursor, /^[\w-]+$/);
    assert.deepEqual(page({ sort, cursor }).after, keys);
  });
}

/** A cursor of JSON that encodeCursor() would not write. */
function cursorOf(json: unknown): string {
  return new TextEncoder().encode(JSON.stringify(json))
    .toBase64({ alphabet: "base64url", omitPadding: true });
}

const WRONG: readonly (readonly [string, unknown])[] = [
  ["30 February", ["created_at", "2024-02-30T00:00:00.000000Z", ID]],
  ["29 February of no leap year", [
    "created_at",
    "2023-02-29T00:00:00.000000Z",
    ID,
  ]],
  ["month 99", ["created_at", "2025-99-01T00:00:00.000000Z", ID]],
  ["hour 24", ["created_at", "2025-01-01T24:00:00.000000Z", ID]],
  ["second 60", ["created_at", "2025-01-01T00:00:60.000000Z", ID]],
  ["the year 0, which PostgreSQL lacks", [
    "created_at",
    "0000-01-01T00:00:00.000000Z",
    ID,
  ]],
  ["another form of time", ["created_at", "2025-01-01T00:00:00Z", ID]],
  ["another time zone", ["created_at", "2025-01-01T00:00:00.000000+01", ID]],
  ["a time that is a word", ["created_at", "infinity", ID]],
  ["an id that is no UUID", ["created_at", TIME, "x"]],
  ["a key that is a number", ["created_at", TIME, 1]],
  ["a key that is null", ["created_at", TIME, null]],
  ["a key that is a list", ["created_at", TIME, [ID]]],
  ["a key too few", ["created_at", TIME]],
  ["a key too many", ["created_at", TIME, ID, ID]],
  ["another order of the same list", ["-created_at", TIME, ID]],
  ["an order of another list", ["id", "1"]],
  ["an order that is not there", ["constructor", TIME, ID]],
  ["no order", [TIME, ID]],
  ["nothing", []],
  ["an object", { "0": "created_at", "1": TIME, "2": ID }],
  ["null", null],
  ["text", "created_at"],
];
for (const [name, json] of WRONG) {
  Deno.test(`pageOf() refuses a cursor: ${name}`, () => {
    assertRefused({ cursor: cursorOf(json) }, "cursor");
  });
}

for (
  const [name, sort, keys] of [
    ["a number of 19 digits", "id", ["1234567890123456789"]],
    ["a negative number", "id", ["-1"]],
    ["a NUL", "address", ["a\0.example", "a"]],
    ["letters beyond ASCII", "address", ["ä.example", "a"]],
    ["321 characters", "address", ["a.example", "x".repeat(321)]],
  ] as const
) {
  Deno.test(`pageOf() refuses a cursor: ${name}`, () => {
    assertRefused({ sort, cursor: encodeCursor(sort, keys) }, "cursor");
  });
}

for (
  const [name, cursor] of [
    ["empty", ""],
    ["not base64url", "a+b/"],
    ["not base64", "a"],
    ["not JSON", "emFw"],
    ["not UTF-8", "_____w"],
    ["too long", "W".repeat(2001)],
  ] as const
) {
  Deno.test(`pageOf() refuses a cursor: ${name}`, () => {
    assertRefused({ cursor }, "cursor");
  });
}

for (
  const [query, field] of [
    [{ limit: "0" }, "limit"],
    [{ limit: "-1" }, "limit"],
    [{ limit: String(PAGE_MAX + 1) }, "limit"],
    [{ limit: "1.5" }, "limit"],
    [{ limit: "1e2" }, "limit"],
    [{ limit: "0x10" }, "limit"],
    [{ limit: " 1" }, "limit"],
    [{ limit: "" }, "limit"],
    [{ sort: "name" }, "sort"],
    [{ sort: "constructor" }, "sort"],
    [{ sort: "" }, "sort"],
    [{ offset: "1" }, "offset"],
  ] as [Record<string, string>, string][]
) {
  Deno.test(`pageOf() refuses ${JSON.stringify(query)}`, () => {
    assertRefused(query, field);
  });
}
