import assert from "node:assert/strict";
import { AppError } from "../../../src/errors.ts";
import {
  DOMAIN_REGEXP,
  LOCAL_PART_REGEXP,
  parseAddress,
  parseAlias,
  parseDomain,
  parseInternationalAddress,
} from "../../../src/mail/address.ts";

const LABEL_63 = "a".repeat(63);
const DOMAIN_253 = `${LABEL_63}.${LABEL_63}.${LABEL_63}.${"a".repeat(61)}`;

for (
  const [text, expected] of [
    ["cat", "cat"],
    ["Cat.Lady", "cat.lady"],
    ["a", "a"],
    ["0", "0"],
    ["_a-b_c", "_a-b_c"],
    ["a.-b", "a.-b"],
    ["a-", "a-"],
    ["a".repeat(64), "a".repeat(64)],
  ] as const
) {
  Deno.test(`parseAlias() accepts ${text}`, () => {
    assert.equal(parseAlias(text), expected);
    assert.match(expected, LOCAL_PART_REGEXP);
  });
}

for (
  const text of [
    "",
    ".",
    ".a",
    "a.",
    "a..b",
    "-a",
    "--",
    "a+b",
    "a".repeat(65),
    "a b",
    " a",
    "a\n",
    "a\r\nb",
    "\na",
    "a\0",
    "a\t",
    "a@b",
    '"a"',
    "a/b",
    "../a",
    "a\\b",
    "$(id)",
    "`id`",
    "a;b",
    "a|b",
    "a'b",
    "a%b",
    "a!b",
    "a*",
    "a=b",
    "a:b",
    "<a>",
    "ä",
    "а", // CYRILLIC SMALL LETTER A
    "\u212Aat", // KELVIN SIGN, which toLowerCase() turns into "k"
    "a\u017F", // LONG S
    "İ",
    "a\u2028",
    "a\u200b",
    "ａ",
  ]
) {
  Deno.test(`parseAlias() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => parseAlias(text),
      (error) =>
        error instanceof AppError && error.code === "invalid_request" &&
        error.message.startsWith("alias "),
    );
  });
}

for (
  const [text, expected] of [
    ["example.com", "example.com"],
    ["EXAMPLE.Com", "example.com"],
    ["a.b", "a.b"],
    ["1.example", "1.example"],
    ["a--b.c-d.example", "a--b.c-d.example"],
    ["xn--bcher-kva.example", "xn--bcher-kva.example"],
    ["example.xn--p1ai", "example.xn--p1ai"],
    ["bücher.example", "xn--bcher-kva.example"],
    ["BÜCHER.Example", "xn--bcher-kva.example"],
    ["пример.рф", "xn--e1afmkfd.xn--p1ai"],
    // Another domain, and kept as one: Cyrillic а.
    ["exаmple.com", "xn--exmple-4nf.com"],
    [DOMAIN_253, DOMAIN_253],
  ] as const
) {
  Deno.test(`parseDomain() accepts ${text}`, () => {
    assert.equal(parseDomain(text), expected);
    assert.match(expected, DOMAIN_REGEXP);
  });
}

for (
  const text of [
    "",
    ".",
    "example",
    "localhost",
    "example.com.",
    ".example.com",
    "a..b",
    "-a.example",
    "a-.example",
    "a.-example",
    "a_b.example",
    "a b.example",
    "example.com\n",
    "\nexample.com",
    "example.com\0",
    "example.com/..",
    "*.example.com",
    "example.com:25",
    "[192.0.2.1]",
    "192.0.2.1",
    "a.1",
    `${LABEL_63}a.example`,
    `a${DOMAIN_253}`,
    `${DOMAIN_253}a`,
    "$(id).example",
    "a".repeat(100_000),
  ]
) {
  Deno.test(`parseDomain() refuses ${JSON.stringify(text.slice(0, 300))}`, () => {
    assert.throws(
      () => parseDomain(text),
      (error) =>
        error instanceof AppError && error.code === "invalid_request" &&
        error.message.startsWith("domain "),
    );
  });
}

for (
  const text of [
    "example。com",
    "\u212A.example",
    "ｅxample.com",
    "ex\u00adample.com",
    "a\u200db.example",
    "bücher.exa mple",
    "bücher.example.",
    "bücher/.example",
    "xn--a.example",
    "xn--BCHER-kva!.example",
    `${"ü".repeat(64)}.example`,
  ]
) {
  Deno.test(`parseDomain() refuses ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => parseDomain(text),
      { code: "invalid_request", message: /^domain / },
    );
  });
}

Deno.test("parseAddress() gives both parts in lower case", () => {
  assert.deepEqual(parseAddress("Cat@Example.COM"), {
    alias: "cat",
    domain: "example.com",
  });
});

for (
  const [text, field] of [
    ["", "email"],
    ["cat", "email"],
    ["cat.example.com", "email"],
    [`${"a".repeat(64)}@${DOMAIN_253}`, "email"],
    [`${"a".repeat(40)}@${`${"ü".repeat(50)}.`.repeat(4)}example`, "email"],
    ["@example.com", "alias"],
    ["a@b@example.com", "alias"],
    ["<cat@example.com", "alias"],
    ["Cat <cat@example.com", "alias"],
    ["cat@", "domain"],
    ["cat@example.com\n", "domain"],
    ["cat@example.com>", "domain"],
    ["cat@ example.com", "domain"],
    ["cat@bücher", "domain"],
  ] as const
) {
  Deno.test(`parseAddress() refuses ${JSON.stringify(text.slice(0, 80))} and names ${field}`, () => {
    assert.throws(
      () => parseAddress(text),
      (error) =>
        error instanceof AppError && error.code === "invalid_request" &&
        error.message.startsWith(`${field} `) &&
        (text === "" || !error.message.includes(text)),
    );
  });
}

for (
  const [text, alias, domain] of [
    ["kaķis.猫@Kaķis.Example", "kaķis.猫", "xn--kais-h0a.example"],
    ["kak\u0327is@pets.example", "kaķis", "pets.example"],
    ["Ķ-1@pets.example", "Ķ-1", "pets.example"],
    ["Cat@Pets.Example", "cat", "pets.example"],
    [`${"猫".repeat(21)}@pets.example`, "猫".repeat(21), "pets.example"],
  ] as const
) {
  Deno.test(`parseInternationalAddress() takes ${text}`, () => {
    assert.deepEqual(parseInternationalAddress(text), { alias, domain });
  });
}

for (
  const text of [
    "kaķis",
    "@pets.example",
    "ķ@",
    "ķ ķ@pets.example",
    "ķ\u0000@pets.example",
    "ķ\u202e@pets.example",
    "\u0327ķ@pets.example",
    "ķ..ķ@pets.example",
    "-ķ@pets.example",
    "ķ@ķ@pets.example",
    "😀@pets.example",
    `${"猫".repeat(22)}@pets.example`,
    `ķ@${"a.".repeat(125)}example`,
  ]
) {
  Deno.test(`parseInternationalAddress() throws on ${JSON.stringify(text.slice(0, 40))}`, () => {
    assert.throws(
      () => parseInternationalAddress(text),
      (error) => error instanceof AppError && error.code === "invalid_request",
    );
  });
}
