import assert from "node:assert/strict";
import { Patience } from "../../../src/system/patience.ts";

Deno.test("a slow sender has to go where others wait, however it divides its time", () => {
  let isCrowded = false;
  const patience = new Patience(() => isCrowded);
  for (let i = 0; i < 40; i++) patience.waited(100, 1);
  assert.equal(patience.isOver(), false);
  isCrowded = true;
  assert.equal(patience.isOver(), true);
});

Deno.test("a sender of a large message has the time that its octets take", () => {
  const patience = new Patience(() => true);
  patience.waited(20_000, 25_000_000);
  assert.equal(patience.isOver(), false);
  assert.equal(patience.isOver(10_000), true);
});
