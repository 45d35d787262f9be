import assert from "node:assert/strict";
import {
  bundlePassword,
  newBundlePassword,
} from "../../../src/vaultbox/bundle_password.ts";

const ADDRESS = "mittens@pets.example";

for (
  const password of [
    // The guide's own.
    "bundle-password",
    "generated-secure-password",
    "correct horse",
    `"quotes" 'n' \\ and $(more)`,
    "  spaces at both ends  ",
    "Schlüssel-für-Tür",
    "пароль-от-ящика",
    "密码是这个盒子的钥匙对吗",
    "abcdefghijklmnop and then some",
    "mittens@pets.example likes fish",
    "~#xyq5".repeat(21),
  ]
) {
  Deno.test(`bundlePassword() takes ${password}`, () => {
    assert.equal(bundlePassword(password, ADDRESS), password);
  });
}

Deno.test("bundlePassword() gives Unicode's form C", () => {
  const typed = "Schlu\u0308ssel-fu\u0308r-Tu\u0308r";
  assert.equal(bundlePassword(typed, ADDRESS), "Schlüssel-für-Tür");
});

const REFUSED: Readonly<Record<string, readonly [string, RegExp]>> = {
  "no character": ["", /12 to 128/],
  "11 characters": ["h4f9-x2k7-p", /12 to 128/],
  "11 characters that are typed as 13": [
    "h4fu\u0308-x2ku\u0308-p",
    /12 to 128/,
  ],
  "129 characters": [`${"~#xyq5".repeat(21)}abc`, /12 to 128/],
  "a line end": ["correct horse\n", /control/],
  "a NUL": ["correct\u0000horse", /control/],
  "a DEL": ["correct horse\u007f", /control/],
  "a soft hyphen": ["correct\u00adhorse", /invisible/],
  "a space that does not break": ["correct\u00a0horse", /invisible/],
  "half a surrogate pair": ["correct horse \ud83d", /unknown/],
  "an emoji": ["correct horse 🐈", /emoji/],
  "one character again and again": ["a".repeat(20), /guess/],
  "two characters in turn": ["ab".repeat(10), /guess/],
  "spaces": [" ".repeat(20), /guess/],
  "digits in order": ["123456789012", /guess/],
  "digits in reverse": ["9876543210987654", /guess/],
  "the alphabet": ["abcdefghijklmnop", /guess/],
  "a row of the keyboard": ["qwertyuiop123", /guess/],
  "rows of a German keyboard": ["qwertzasdfghyxcvbnm", /guess/],
  "the first word that guessers try": ["Password1234", /guess/],
  "it twice": ["passwordPASSWORD", /guess/],
  "the address": ["Mittens@Pets.Example", /guess/],
  "local part and year": ["mittens-2026", /guess/],
  "the domain": ["pets.example!", /guess/],
};

for (const [what, [password, message]] of Object.entries(REFUSED)) {
  Deno.test(`bundlePassword() throws invalid_request on ${what}`, () => {
    assert.throws(() => bundlePassword(password, ADDRESS), (error: Error) => {
      assert.equal(error.name, "AppError");
      assert.equal((error as Error & { code: string }).code, "invalid_request");
      assert.match(error.message, /^password /);
      assert.match(error.message, message);
      const { length } = password;
      assert.ok(length === 0 || !error.message.includes(password));
      return true;
    });
  });
}

Deno.test("newBundlePassword() makes 125 bits that are taken, each time others", () => {
  const passwords = Array.from({ length: 1000 }, newBundlePassword);
  assert.equal(new Set(passwords).size, 1000);
  for (const password of passwords) {
    assert.match(password, /^(?:[a-km-np-z2-9]{5}-){4}[a-km-np-z2-9]{5}$/);
    assert.equal(bundlePassword(password, ADDRESS), password);
  }
  // Each of the 32 letters stands at each place.
  for (let at = 0; at < 29; at++) {
    const { size } = new Set(passwords.map((each) => each[at]));
    assert.equal(size, at % 6 === 5 ? 1 : 32);
  }
});
