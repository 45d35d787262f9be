import assert from "node:assert/strict";
import { decodedText } from "../../../src/mail/encoded_words.ts";

// Most of them from RFC 2047 §8.
for (
  const [text, expected] of [
    ["plain", "plain"],
    ["=?ISO-8859-1?Q?Keld_J=F8rn_Simonsen?=", "Keld Jørn Simonsen"],
    [
      "=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?= \t =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
      "If you can read this you understand the example.",
    ],
    ["(=?ISO-8859-1?Q?a?= b)", "(a b)"],
    ["=?utf-8*de?q?Gr=C3=BC=C3=9Fe?=", "Grüße"],
    ["Gr\xc3\xbc\xc3\x9fe", "Grüße"],
    ["Gr\xfc\xdfe", "Grüße"],
    ["=?no-such-charset?q?a?=", "=?no-such-charset?q?a?="],
    ["=?utf-8?b?!!?=", "=?utf-8?b?!!?="],
    ["=?utf-8?q?a=0D=0AB:_c=00?=", "a B: c"],
    ["a\t b\r\n c", "a b c"],
    ["", ""],
  ] as const
) {
  Deno.test(`decodedText() of ${JSON.stringify(text)} is ${JSON.stringify(expected)}`, () => {
    assert.equal(decodedText(text, 100), expected);
  });
}

Deno.test("decodedText() cuts off what is too long, between characters", () => {
  assert.equal(decodedText("=?utf-8?b?8J+YgPCfmIDwn5iA?=", 2), "😀😀");
});
