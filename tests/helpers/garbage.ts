/**
 * Garbage near what an API expects, from a seed.
 *
 * @module
 */

import type { Schema } from "../../src/http/fields.ts";
import type { Input, Operation } from "./api.ts";
import { pathOf } from "./api.ts";
import { resolve } from "./operations.ts";

/** A source of numbers that a seed repeats. */
export interface Random {
  /** An integer from 0 to `below` - 1. */
  below(below: number): number;
  /** One of some values. */
  of<T>(values: readonly T[]): T;
}

/** mulberry32: https://github.com/bryc/code/blob/master/jshash/PRNGs.md */
export function randomOf(seed: number): Random {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const below = (limit: number): number => Math.floor(next() * limit);
  return { below, of: (values) => values[below(values.length)]! };
}

/** Text that breaks things. Names no table, path or secret of ours. */
const TEXTS: readonly string[] = [
  "",
  " ",
  "\u0000",
  "a\u0000b",
  "\r\n",
  "x\r\nX-Injected: 1",
  "\u001b[31m",
  "\u007f\u0085",
  "\ud800",
  "a\udfffb",
  "😀".repeat(70),
  "\u202eabc\u202c",
  "\u200b\ufeff",
  "ﬁ",
  "İ",
  "ß",
  "сat",
  "xn--",
  "xn--a",
  "xn--80ak6aa92e.example",
  "'; drop table cats; --",
  "' or '1'='1",
  '"; select pg_sleep(9); --',
  "\\",
  "\\x00",
  "%",
  "%00",
  "%s%n",
  "{{7*7}}",
  "${7*7}",
  "$(sleep 9)",
  "`sleep 9`",
  "; sleep 9",
  "| cat",
  "../../../../etc/passwd",
  "..%2f..%2f",
  "/dev/null",
  "file:///etc/passwd",
  "-rf",
  "--help",
  "true",
  "null",
  "NaN",
  "0",
  "-1",
  "1e400",
  "9007199254740993",
  "99999999999999999999",
  "0x10",
  "00000000-0000-0000-0000-000000000000",
  "ffffffff-ffff-ffff-ffff-ffffffffffff",
  "{11111111-1111-4111-8111-111111111111}",
  "11111111111141118111111111111111",
  "2024-02-30T00:00:00Z",
  "9999-12-31T23:59:59.999999Z",
  "+099999-01-01T00:00:00Z",
  "a@b",
  "@",
  "a@b@c.example",
  '"a b"@c.example',
  "a+b@c.example",
  "a@[127.0.0.1]",
  "<a@c.example>",
  "*",
  "*.example",
  ".example",
  "example.",
  "constructor",
  "__proto__",
  "toString",
  "W10",
  "WyJjcmVhdGVkX2F0Il0",
  "bnVsbA",
  ...[63, 64, 65, 253, 254, 255, 256, 1000, 2001, 9000].map((length) =>
    "a".repeat(length)
  ),
  `${"a".repeat(63)}.`.repeat(3) + "example",
];

/** JSON that is of the wrong type or size more often than not. */
const VALUES: readonly string[] = [
  "null",
  "true",
  "false",
  "0",
  "-0",
  "-1",
  "1.5",
  "1e400",
  "-1e400",
  "1e-400",
  "2147483648",
  "4294967296",
  "9007199254740993",
  `1${"0".repeat(400)}`,
  "[]",
  "[[]]",
  "[null]",
  "{}",
  '{"__proto__":{"a":1}}',
  '{"constructor":{"prototype":1}}',
  '{"toString":1}',
  '{"length":1}',
  `[${"0,".repeat(2000)}0]`,
  `${"[".repeat(20_000)}${"]".repeat(20_000)}`,
  `${'{"a":'.repeat(5000)}1${"}".repeat(5000)}`,
  '"\\u0000"',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '["11111111-1111-4111-8111-111111111111"]',
];

/** Bodies that are no JSON object, or hardly one. */
const BODIES: readonly string[] = [
  "",
  " ",
  "null",
  "[]",
  '"text"',
  "1",
  "{",
  "}",
  '{"a"',
  '{"a":1,}',
  "{'a':1}",
  '{"a":1}{"b":2}',
  '{"a":NaN}',
  '{"a":01}',
  "\ufeff{}",
  '{"a":"\u0001"}',
  '{"__proto__":{"user_id":1}}',
  '{"constructor":1}',
  '{"hasOwnProperty":1,"toString":2,"valueOf":3}',
  '{"":1}',
  `{"${"k".repeat(60_000)}":1}`,
  `{${Array.from({ length: 4000 }, (_, i) => `"k${i}":${i}`).join(",")}}`,
  "[".repeat(60_000),
  `{"a":${"[".repeat(30_000)}${"]".repeat(30_000)}}`,
  "<?xml version='1.0'?><a/>",
  "a=1&b=2",
  "x".repeat(70_000),
];

/** Segments of a path, as they stand in the request line. */
const SEGMENTS: readonly string[] = [
  "%00",
  "%0d%0aX-Injected:%201",
  "%2e%2e",
  "%2e%2e%2f%2e%2e%2fetc%2fpasswd",
  "..%5c..",
  "%",
  "%zz",
  "%u0041",
  "%c0%af",
  "%ed%a0%80",
  "%ff%fe",
  "%25%30%30",
  "%F0%9F%98%80",
  "*",
  ":id",
  "{id}",
  "..;",
  "a;b=c",
  "a%3fb",
  "a%23b",
  "%20",
  "'%20or%201=1--",
  "__proto__",
  "constructor",
  "a".repeat(300),
  "a".repeat(7000),
];

/** What a request carries. */
export interface Garbage {
  /** Method. */
  readonly method: string;
  /** Path and query below the prefix, as in the request line. */
  readonly target: string;
  /** Header fields besides those that every request has. */
  readonly headers: readonly (readonly [string, string])[];
  /** The body. */
  readonly body: Uint8Array<ArrayBuffer>;
}

/** What garbage is made from. */
export interface Ground {
  /** The operation. */
  readonly operation: Operation;
  /** A good request for it. */
  readonly input: Input;
  /** The description, to follow references. */
  readonly document: Readonly<Record<string, unknown>>;
}

/**
 * Spoils a good request in one to three places.
 *
 * @param random Where chance comes from.
 * @param ground The good request.
 * @returns The request.
 */
export function garbage(random: Random, ground: Ground): Garbage {
  const { operation, input } = ground;
  const request = {
    method: operation.method,
    target: pathOf(operation, input),
    headers: [] as [string, string][],
    body: encode(input.body === undefined ? "" : JSON.stringify(input.body)),
  };
  const spoil: (() => void)[] = [
    () => request.target = spoilQuery(random, ground, request.target),
    () => request.headers.push(spoilHeader(random)),
  ];
  if (operation.path.includes("{")) {
    const spoilSegment = (): void => {
      request.target = spoilPath(random, ground);
    };
    spoil.push(spoilSegment, spoilSegment);
  } else spoil.push(() => request.target = oddTarget(random, request.target));
  if (operation.body !== undefined) {
    const spoilField = (): void => {
      request.body = spoilBody(random, ground);
    };
    spoil.push(spoilField, spoilField, spoilField, spoilField);
  }
  for (let i = 0; i <= random.below(3); i++) random.of(spoil)();
  return request;
}

function encode(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

function spoilPath(random: Random, { operation, input }: Ground): string {
  const names = [...operation.path.matchAll(/\{(\w+)\}/g)].map(([, n]) => n!);
  const name = random.of(names);
  const segment = random.below(2) === 0
    ? random.of(SEGMENTS)
    : encodeURIComponent(random.of(TEXTS).toWellFormed());
  const mark = "\u0001";
  const params = { ...input.params, [name]: mark };
  return oddTarget(
    random,
    pathOf(operation, { params }).replace(encodeURIComponent(mark), segment),
  );
}

function oddTarget(random: Random, target: string): string {
  return random.of([
    target,
    target,
    target,
    `${target}/`,
    `/${target}`,
    `${target}/.`,
    `${target}/../..`,
    target.toUpperCase(),
    `${target}?`,
    `${target}#x`,
    `${target}/${"a/".repeat(1000)}`,
    `${target}%00`,
  ]);
}

function spoilQuery(
  random: Random,
  { operation }: Ground,
  target: string,
): string {
  const names = operation.parameters.filter((each) => each.in === "query")
    .map(({ name }) => name);
  const name = random.of([...names, ...names, "__proto__", "x", ""]);
  const value = random.below(4) === 0
    ? random.of(SEGMENTS)
    : encodeURIComponent(random.of(TEXTS).toWellFormed());
  const parts = random.of([
    `${name}=${value}`,
    `${name}=${value}`,
    `${name}=${value}&${name}=1`,
    `${name}[]=${value}`,
    `${name}`,
    `${name}==${value}`,
    `&&&${name}=${value}&`,
    `${name}=${value};${name}=1`,
  ]);
  return `${target}${target.includes("?") ? "&" : "?"}${parts}`;
}

function spoilHeader(random: Random): [string, string] {
  return random.of<[string, string]>([
    ["Content-Type", "text/plain"],
    ["Content-Type", "application/x-www-form-urlencoded"],
    ["Content-Type", "multipart/form-data"],
    ["Content-Type", "application/json; charset=utf-16"],
    ["Content-Type", ";;;"],
    ["Content-Encoding", "gzip"],
    ["Accept", "text/html"],
    ["Accept-Encoding", "gzip, br"],
    ["Range", "bytes=0-1"],
    ["If-None-Match", "*"],
    ["Idempotency-Key", "a".repeat(5000)],
    ["Idempotency-Key", "'; drop table cats; --"],
    ["Idempotency-Key", ""],
    ["X-HTTP-Method-Override", "DELETE"],
    ["X-Forwarded-For", "127.0.0.1"],
    ["X-Request-Id", "x".repeat(5000)],
    ["Cookie", "a=b"],
    ["Origin", "https://evil.example"],
    ["Expect", "100-continue"],
  ]);
}

function spoilBody(
  random: Random,
  { operation, input, document }: Ground,
): Uint8Array<ArrayBuffer> {
  const kind = random.below(8);
  if (kind === 0) return encode(random.of(BODIES));
  if (kind === 1) {
    return new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]);
  }
  const good = input.body as Record<string, unknown> ?? {};
  const parts = new Map(
    Object.entries(good).map(([name, value]) => [name, JSON.stringify(value)]),
  );
  const schema = resolve(document, operation.body!);
  const known = Object.keys(schema["properties"] as Schema ?? {});
  const name = random.of([
    ...known,
    ...known,
    ...known,
    "__proto__",
    "x\u0000",
  ]);
  const value = random.below(2) === 0
    ? random.of(VALUES)
    : JSON.stringify(random.of(TEXTS));
  // A list may hold the garbage deeper down.
  parts.set(name, random.below(4) === 0 ? `[${value},${value}]` : value);
  if (kind === 2) parts.delete(random.of([...parts.keys()]));
  const members = [...parts].map(([key, json]) =>
    `${JSON.stringify(key)}:${json}`
  );
  if (kind === 3) members.push(random.of(members));
  const text = `{${members.join(",")}}`;
  return encode(kind === 4 ? text.slice(0, random.below(text.length)) : text);
}
