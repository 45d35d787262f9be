import assert from "node:assert/strict";
import { mailboxes } from "../../../src/mail/mailboxes.ts";

const CAT = "cat@pets.example";

Deno.test("the addresses of a From field are found in every usual form", () => {
  for (
    const text of [
      CAT,
      ` ${CAT} `,
      `<${CAT}>`,
      `Cat <${CAT}>`,
      `"Cat, the (first) <dog@x.example>" <${CAT}>`,
      `J. R. Cat <${CAT}> (at home)`,
      `(at \\) home) ${CAT}`,
      `=?utf-8?q?K=C3=A4tzchen?= <${CAT}>`,
      `K\xe4tzchen < ${CAT} >`,
      `"a \\" b" c <${CAT}>`,
    ]
  ) assert.deepEqual(mailboxes(text), [CAT], text);
  assert.deepEqual(mailboxes(`a <${CAT}>, Dog@x.example`), [
    CAT,
    "Dog@x.example",
  ]);
});

Deno.test("what a reader could take for another author is no list of addresses", () => {
  for (
    const text of [
      "",
      "Cat",
      "<>",
      `dog@x.example <${CAT}>`,
      `<dog@x.example> <${CAT}>`,
      `<${CAT}> dog@x.example`,
      `dog@x.example ${CAT}`,
      `"dog"@pets.example`,
      `"dog"${CAT}`,
      `<"dog"@pets.example>`,
      `cat(dog)@pets.example`,
      `Pets: ${CAT};`,
      `<@x.example:${CAT}>`,
      `<${CAT}`,
      `${CAT},`,
      `"Cat <${CAT}>`,
      `(Cat ${CAT}`,
      `Cat\x00 <${CAT}>`,
      `Cat\r <${CAT}>`,
      `cat@pets.example\x01`,
      `[Cat] <${CAT}>`,
      `cat@[192.0.2.1]`,
    ]
  ) assert.equal(mailboxes(text), undefined, text);
});
