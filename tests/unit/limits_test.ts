import assert from "node:assert/strict";
import { cpuTime } from "../helpers/cpu_time.ts";
import type { AppError } from "../../src/errors.ts";
import {
  checkHeaders,
  checkPath,
  parseSearch,
  readBody,
} from "../../src/http/limits.ts";
import { RateLimit } from "../../src/http/rate_limit.ts";
import { parseBody } from "../../src/http/strict_json.ts";

const encoder = new TextEncoder();

function parse(text: string): unknown {
  return parseBody(encoder.encode(text));
}

function code(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return (error as AppError).code;
  }
  return "ok";
}

const refusedBodies: [string, string, RegExp][] = [
  ["a name twice", '{"a":1,"a":2}', /^a is given twice/],
  ["a name twice, once escaped", '{"a":1,"\\u0061":2}', /^a is given twice/],
  ["a name twice, further in", '{"x":[{"b":1,"b":1}]}', /^b is given twice/],
  ["a name twice before spaces", '{"a" \r\n\t :1,"a"  :2}', /^a is given/],
  ["nine levels", `{"a":${"[".repeat(8)}${"]".repeat(8)}}`, /8 levels/],
  [
    "thousands of levels",
    `{"a":${"[".repeat(30_000)}${"]".repeat(30_000)}}`,
    /8 levels/,
  ],
  ["U+0000 in a value", '{"b":{"a":[1]},"a":"x\\u0000"}', /^a must .*U\+0000/],
  ["U+0000 in a name", '{"\\u0000":1}', /U\+0000/],
  ["U+0000 in a list", '{"a":[{"b":1},["\\u0000"]]}', /^a .*U\+0000/],
  ["a high surrogate alone", '{"a":"\\ud800"}', /surrogate/],
  ["a low surrogate alone", '{"a":"\\udc00x"}', /surrogate/],
  ["half a pair in a name", '{"\\udc00":1}', /surrogate/],
  ["a list", "[]", /JSON object/],
  ["null", "null", /JSON object/],
  ["text", '"{}"', /JSON object/],
  ["nothing but a space", " ", /not JSON/],
  ["a raw control character", '{"a":"\u0001"}', /not JSON/],
  ["a comment", "{} //", /not JSON/],
];
for (const [name, text, message] of refusedBodies) {
  Deno.test(`a body is refused: ${name}`, () => {
    assert.throws(() => parse(text), { code: "invalid_request", message });
  });
}

Deno.test("a body that is not UTF-8 is refused", () => {
  const octets = new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]);
  assert.throws(() => parseBody(octets), /not UTF-8/);
});

for (
  const text of [
    "{}",
    ' {"a":{"a":1},"b":{"a":1}} ',
    '{"a":["a","a",":"]}',
    '{"a":"\\"b\\":1,\\"b\\":2","b":"{[\\\\"}',
    '{"a":"\\ud83d\\ude00 \u{1f600}"}',
    `{"a":${"[".repeat(7)}${"]".repeat(7)}}`,
    '{"a\\"":1,"a":2,"a\\\\":3}',
    '{"A":1,"a":2}',
  ]
) {
  Deno.test(`a body passes as JSON.parse() reads it: ${text}`, () => {
    assert.deepEqual(parse(text), JSON.parse(text));
  });
}

Deno.test("no body is an empty object", () => {
  assert.deepEqual(parse(""), {});
});

Deno.test("a body of 64 KiB of quotes and backslashes is checked in no time", () => {
  const text = `{"a":"${'\\\\\\"'.repeat(16_000)}"}`;
  const ms = cpuTime(() => parse(text));
  assert.ok(ms < 500, `${ms} ms`);
});

for (
  const [search, expected] of [
    ["", {}],
    ["?", {}],
    ["?a=1&b=%20+&c&=&", { a: "1", b: "  ", c: "", "": "" }],
    ["?a=b=c", { a: "b=c" }],
    ["?%61=1", { a: "1" }],
    ["?__proto__=1", JSON.parse('{"__proto__":"1"}')],
  ] as const
) {
  Deno.test(`query ${search}`, () => {
    assert.deepEqual(parseSearch(search), expected);
  });
}

for (
  const search of [
    "?a=1&a=2",
    "?a&a",
    "?a=1&%61=1",
    "?a=%",
    "?a=%zz",
    "?a=%ff",
    "?%c3=1",
    "?a=%00",
    "?a=%ed%a0%80",
  ]
) {
  Deno.test(`query ${search} is refused`, () => {
    assert.equal(code(() => parseSearch(search)), "invalid_request");
  });
}

for (const path of ["/%", "/%zz", "/%ff", "/a%00b", "/%ed%a0%80"]) {
  Deno.test(`path ${path} is refused`, () => {
    assert.equal(code(() => checkPath(path)), "invalid_request");
  });
}

Deno.test("16 KiB of header fields pass, and not one octet more", () => {
  const fits = 16_384 - "x: \r\n".length;
  assert.equal(
    code(() => checkHeaders(new Headers({ x: "y".repeat(fits) }))),
    "ok",
  );
  const headers = new Headers({ x: "y".repeat(fits + 1) });
  assert.equal(code(() => checkHeaders(headers)), "headers_too_large");
});

function post(body: BodyInit | null, headers: HeadersInit = {}): Request {
  return new Request("http://api/", { method: "POST", body, headers });
}

/** A body that comes in parts, and then says nothing more or ends. */
function parts(sizes: number[], ends = true): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const size of sizes) controller.enqueue(new Uint8Array(size));
      if (ends) controller.close();
    },
  });
}

Deno.test("a body without a length is read up to 64 KiB", async () => {
  const whole = await readBody(post(parts([65_000, 536])));
  assert.equal(whole.length, 65_536);
  await assert.rejects(readBody(post(parts([65_000, 537]))), {
    code: "message_too_large",
  });
});

Deno.test("a body that says it is too large is not read", async () => {
  const request = post(parts([1], false), { "content-length": "65537" });
  await assert.rejects(readBody(request), { code: "message_too_large" });
});

Deno.test("a body that does not end in time is given up", async () => {
  const request = post(parts([10], false));
  await assert.rejects(readBody(request, 10), { code: "request_timeout" });
});

Deno.test("a body that breaks off is refused", async () => {
  const broken = new ReadableStream({
    pull(controller) {
      controller.error(new Error("connection reset"));
    },
  });
  await assert.rejects(readBody(post(broken)), { code: "invalid_request" });
});

for (
  const [type, expected] of [
    ["application/json", "ok"],
    ["Application/JSON; charset=utf-8", "ok"],
    ["application/merge-patch+json", "ok"],
    ["text/plain;charset=UTF-8", "unsupported_media_type"],
    ["application/x-www-form-urlencoded", "unsupported_media_type"],
    ["multipart/form-data; boundary=x", "unsupported_media_type"],
    ["application/jsonp", "unsupported_media_type"],
    ["text/json", "unsupported_media_type"],
    ["application/json, text/plain", "unsupported_media_type"],
    ["", "unsupported_media_type"],
  ] as const
) {
  Deno.test(`a body of type ${JSON.stringify(type)}: ${expected}`, async () => {
    const request = post(encoder.encode("{}"), { "content-type": type });
    const result = await readBody(request).then(() => "ok", (e) => e.code);
    assert.equal(result, expected);
  });
}

Deno.test("a body without a type passes, and so does none with one", async () => {
  assert.equal((await readBody(post(encoder.encode("{}")))).length, 2);
  const none = post(null, { "content-type": "text/plain" });
  assert.equal((await readBody(none)).length, 0);
});

Deno.test("a compressed body is refused", async () => {
  const headers = { "content-encoding": "gzip" };
  await assert.rejects(readBody(post(encoder.encode("{}"), headers)), {
    code: "unsupported_media_type",
  });
});

Deno.test("a caller gets its requests of a minute at once, and then one at a time", () => {
  let now = 0;
  const limit = new RateLimit(60, () => now);
  for (let left = 59; left >= 0; left--) {
    const quota = limit.take("a");
    assert.deepEqual([quota.allowed, quota.remaining], [true, left]);
  }
  for (let count = 0; count < 3; count++) {
    const quota = limit.take("a");
    assert.deepEqual(quota, {
      allowed: false,
      limit: 60,
      remaining: 0,
      resetSeconds: 60,
      retrySeconds: 1,
    });
  }
  assert.equal(limit.take("b").allowed, true, "another caller has its own");
  now = 999;
  assert.equal(limit.take("a").allowed, false);
  now = 1000;
  assert.equal(limit.take("a").allowed, true);
  assert.equal(limit.take("a").allowed, false);
  now = 3_600_000;
  assert.equal(limit.take("a").remaining, 59, "no more than a minute's");
});

Deno.test("ten thousand callers are remembered, those that asked last", () => {
  const limit = new RateLimit(2, () => 0);
  limit.take("keen");
  for (let count = 0; count < 30_000; count++) {
    limit.take(`caller ${count}`);
    if (count % 5000 === 0) limit.take("keen");
  }
  assert.equal(limit.size, 10_000);
  assert.equal(limit.take("keen").allowed, false);
});
