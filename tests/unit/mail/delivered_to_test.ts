import assert from "node:assert/strict";
import { wasDeliveredTo } from "../../../src/mail/delivered_to.ts";
import { octets } from "./octets.ts";

const ADDRESS = "cat@pets.example";

const MAILS: [name: string, header: string, loops: boolean][] = [
  ["no such field", "From: a@b", false],
  ["its own address", "Delivered-To: cat@pets.example", true],
  ["the address in other case", "DELIVERED-TO: Cat@PETS.Example", true],
  ["spaces around it", "Delivered-To :\t cat@pets.example \t", true],
  ["a folded field", "Delivered-To:\r\n cat@pets.example", true],
  [
    "an address of another before it",
    "Delivered-To: dog@pets.example\r\nX: y\r\nDelivered-To: cat@pets.example",
    true,
  ],
  ["another address", "Delivered-To: dog@pets.example", false],
  ["a longer address", "Delivered-To: tomcat@pets.example", false],
  ["the address and more", "Delivered-To: cat@pets.example, dog@x.y", false],
  ["another field", "X-Delivered-To: cat@pets.example", false],
];

for (const [name, header, loops] of MAILS) {
  Deno.test(`wasDeliveredTo() says ${loops} for ${name}`, () => {
    const mail = octets(`${header}\r\n\r\ntext\r\n`);
    assert.equal(wasDeliveredTo(mail, ADDRESS), loops);
  });
}

Deno.test("wasDeliveredTo() does not look into the body", () => {
  const mail = octets("A: b\r\n\r\nDelivered-To: cat@pets.example\r\n");
  assert.equal(wasDeliveredTo(mail, ADDRESS), false);
});

Deno.test("wasDeliveredTo() reads UTF-8, and folds case as Postfix does", () => {
  const mail = new TextEncoder().encode(
    "Delivered-To: Ka\u017fe-Gr\u00dc\u00dfe@pets.example\r\n\r\n",
  );
  assert.equal(wasDeliveredTo(mail, "kase-gr\u00fcsse@pets.example"), true);
});
