import assert from "node:assert/strict";
import { AppError, type ErrorCode } from "../../../src/errors.ts";
import {
  ADDRESS,
  ALIAS,
  described,
  DOMAIN,
  type Field,
  fieldsSchema,
  inPath,
  integer,
  listOf,
  NAME,
  nullable,
  oneOf,
  optional,
  parseFields,
  parseQuery,
  text,
  USER_ID,
  UUID,
  VAULTBOX_ID,
} from "../../../src/http/fields.ts";

const ID = "11111111-1111-4111-8111-111111111111";

function assertFails(
  action: () => unknown,
  field: string | undefined,
  code: ErrorCode = "invalid_request",
): void {
  assert.throws(action, (error) => {
    assert(error instanceof AppError, String(error));
    assert.equal(error.code, code);
    assert.deepEqual(
      error.details,
      field === undefined ? undefined : { field },
    );
    return true;
  });
}

const WORD = text("must be a word", /^[a-z]{1,9}$/);

const TAKEN: readonly (readonly [string, Field<unknown>, unknown, unknown])[] =
  [
    ["integer", integer(0, 9), 0, 0],
    ["integer", integer(0, 9), 9, 9],
    ["oneOf", oneOf("a", "b"), "b", "b"],
    ["text", WORD, "abc", "abc"],
    ["listOf", listOf(WORD, 2), ["a", "b"], ["a", "b"]],
    ["optional", optional(WORD), undefined, undefined],
    ["optional", optional(WORD), "a", "a"],
    ["nullable", nullable(WORD), null, null],
    ["nullable", nullable(WORD), "a", "a"],
    ["UUID", UUID, ID.toUpperCase(), ID],
    ["USER_ID", USER_ID, ID, ID],
    ["DOMAIN", DOMAIN, "Pets.Example", "pets.example"],
    ["ALIAS", ALIAS, "Cat", "cat"],
    ["ADDRESS", ADDRESS, "Cat@Pets.Example", {
      alias: "cat",
      domain: "pets.example",
    }],
    ["NAME", NAME, "  Cat 😀 ", "Cat 😀"],
    ["NAME", NAME, "😀".repeat(255), "😀".repeat(255)],
  ];
for (const [name, field, value, parsed] of TAKEN) {
  Deno.test(`${name} takes ${JSON.stringify(value)?.slice(0, 40)}`, () => {
    assert.deepEqual(field.parse(value, "f"), parsed);
  });
}

/** What no field takes. */
const NEVER: readonly unknown[] = [
  undefined,
  true,
  {},
  [],
  [ID, ID, ID],
  { toString: "a" },
  Number.NaN,
  Number.POSITIVE_INFINITY,
  "\0",
  "a\n",
];
const EVERY: Readonly<Record<string, Field<unknown>>> = {
  integer: integer(0, 9),
  oneOf: oneOf("a", "b"),
  text: WORD,
  listOf: listOf(WORD, 2),
  described: described(WORD, "A word."),
  nullable: nullable(WORD),
  UUID,
  USER_ID,
  DOMAIN,
  ALIAS,
  ADDRESS,
};
for (const [name, field] of Object.entries(EVERY)) {
  for (const value of NEVER) {
    Deno.test(`${name} refuses ${Deno.inspect(value)}`, () => {
      assertFails(() => field.parse(value, "f"), "f");
    });
  }
}

const REFUSED: readonly (readonly [string, Field<unknown>, unknown])[] = [
  ["integer", integer(0, 9), -1],
  ["integer", integer(0, 9), 10],
  ["integer", integer(0, 9), 1.5],
  ["integer", integer(0, 9), "1"],
  ["integer", integer(0, 9), null],
  ["oneOf", oneOf("a"), "A"],
  ["oneOf", oneOf("a"), "constructor"],
  ["text", WORD, 1],
  ["listOf", listOf(WORD, 2), ["a", "b", "c"]],
  ["listOf", listOf(WORD, 2), ["a", 1]],
  ["listOf", listOf(WORD, 2), "a"],
  ["listOf", listOf(WORD, 2), { length: 1, 0: "a" }],
  ["UUID", UUID, `${ID}0`],
  ["UUID", UUID, `{${ID}}`],
  ["UUID", UUID, ID.replaceAll("-", "")],
  ["USER_ID", USER_ID, "00000000-0000-0000-0000-000000000000"],
  ["NAME", NAME, " "],
  ["NAME", NAME, "x".repeat(256)],
  ["NAME", NAME, "a\u0000b"],
  ["NAME", NAME, "a\u0085b"],
  ["NAME", NAME, "a\ud800b"],
  ["NAME", NAME, 1],
];
for (const [name, field, value] of REFUSED) {
  Deno.test(`${name} refuses ${JSON.stringify(value).slice(0, 50)}`, () => {
    assertFails(() => field.parse(value, "f"), "f");
  });
}

Deno.test("parseFields() refuses a field that it does not know, cut short in the message", () => {
  assertFails(() => parseFields({}, { a: 1 }), "a");
  assertFails(() => parseFields({}, { ["k".repeat(99)]: 1 }), "k".repeat(64));
});

for (const name of ["__proto__", "constructor", "toString", ""]) {
  Deno.test(`parseFields() does not know ${JSON.stringify(name)}`, () => {
    const body = JSON.parse(`{${JSON.stringify(name)}: "a"}`);
    assertFails(() => parseFields({ word: optional(WORD) }, body), name);
  });
}

Deno.test("parseFields() takes nothing from an object's prototype", () => {
  const body = JSON.parse('{"__proto__": {"word": "a"}}');
  assertFails(() => parseFields({ word: WORD }, body), "__proto__");
  assertFails(
    () => parseFields({ constructor: WORD }, {}),
    "constructor",
  );
});

Deno.test("parseFields() names a missing field, and only if it is needed", () => {
  assertFails(() => parseFields({ word: WORD }, {}), "word");
  assertFails(() => parseFields({ word: nullable(WORD) }, {}), "word");
  assert.deepEqual(parseFields({ word: optional(WORD) }, {}), {
    word: undefined,
  });
});

Deno.test("parseQuery() reads numbers where a number is wanted, and text elsewhere", () => {
  const fields = { count: integer(-5, 10 ** 15), word: text("must be 1", /1/) };
  assert.deepEqual(parseQuery(fields, { count: "12", word: "1" }), {
    count: 12,
    word: "1",
  });
  assert.equal(parseQuery(fields, { count: "-5", word: "1" }).count, -5);
  for (
    const count of ["", "1.0", "1e1", "0x1", " 1", "+1", "١", "1".repeat(16)]
  ) {
    assertFails(() => parseQuery(fields, { count, word: "1" }), "count");
  }
  assertFails(() => parseQuery(fields, { toString: "1" } as never), "toString");
});

Deno.test("inPath() answers what does not fit as missing", () => {
  const field = inPath(WORD, "word");
  assert.equal(field.parse("a", "f"), "a");
  assertFails(() => field.parse("1", "f"), undefined, "not_found");
  assertFails(() => VAULTBOX_ID.parse("../x", "id"), undefined, "not_found");
});

Deno.test("fieldsSchema() requires what is not optional and takes nothing else", () => {
  const fields = { a: WORD, b: optional(described(WORD, "B.")) };
  assert.deepEqual(fieldsSchema(fields), {
    type: "object",
    properties: {
      a: { type: "string" },
      b: { type: "string", description: "B." },
    },
    required: ["a"],
    additionalProperties: false,
  });
  assert(!("required" in fieldsSchema({ b: optional(WORD) })));
});
