import assert from "node:assert/strict";
import {
  type KnownVaultbox,
  RecipientMemory,
} from "../../../src/vaultbox/recipients.ts";

const SINCE = new Date("2026-01-01T00:00:00Z");
const POLICY = {
  contentCipher: null,
  keyTransport: null,
  headerProtection: null,
};

function vaultbox(id: string, version = 1): KnownVaultbox {
  return { id, version, isFull: false, recipients: [], policy: POLICY };
}

function wanted(route: string, acceptedAt?: Date, alias = "cat") {
  return { route, domain: "pets.example", alias, acceptedAt };
}

Deno.test("RecipientMemory gives a vaultbox for its route, its address and mail that is not older", () => {
  const memory = new RecipientMemory(10);
  const cat = vaultbox("a");
  memory.keep(wanted("a"), cat, SINCE);
  assert.equal(memory.find(wanted("a")), cat);
  assert.equal(memory.find(wanted("a", SINCE)), cat);
  const older = new Date(SINCE.getTime() - 1);
  assert.equal(memory.find(wanted("a", older)), undefined);
  assert.equal(memory.find(wanted("a", undefined, "fox")), undefined);
  assert.equal(memory.find(wanted("b")), undefined);
  assert.equal(memory.find(wanted("unrouted")), undefined);
});

Deno.test("RecipientMemory keeps several addresses of a vaultbox, and those of one version only", () => {
  const memory = new RecipientMemory(10);
  memory.keep(wanted("a"), vaultbox("a"), SINCE);
  memory.keep(wanted("a", undefined, "kitty"), vaultbox("a"), SINCE);
  assert.ok(memory.find(wanted("a")));
  memory.keep(wanted("a", undefined, "kitty"), vaultbox("a", 2), SINCE);
  assert.equal(memory.find(wanted("a")), undefined);
  assert.equal(memory.find(wanted("a", undefined, "kitty"))?.version, 2);
});

Deno.test("RecipientMemory keeps so many vaultboxes, those that were used last", () => {
  const memory = new RecipientMemory(2);
  memory.keep(wanted("a"), vaultbox("a"), SINCE);
  memory.keep(wanted("b"), vaultbox("b"), SINCE);
  memory.find(wanted("a"));
  memory.keep(wanted("c"), vaultbox("c"), SINCE);
  assert.equal(memory.find(wanted("b")), undefined);
  assert.ok(memory.find(wanted("a")));
  assert.ok(memory.find(wanted("c")));
});

Deno.test("RecipientMemory bounds the addresses of a vaultbox", () => {
  const memory = new RecipientMemory(1);
  for (let i = 0; i < 1000; i++) {
    memory.keep(wanted("a", undefined, `a${i}`), vaultbox("a"), SINCE);
  }
  const kept = Array.from(
    { length: 1000 },
    (_, i) => memory.find(wanted("a", undefined, `a${i}`)),
  );
  assert.ok(kept.filter((each) => each !== undefined).length <= 100);
  assert.ok(kept.at(-1));
});

Deno.test("RecipientMemory forgets one, and all", () => {
  const memory = new RecipientMemory(10);
  for (const id of ["a", "b", "c"]) {
    memory.keep(wanted(id), vaultbox(id), SINCE);
  }
  memory.forget("a");
  assert.equal(memory.find(wanted("a")), undefined);
  assert.ok(memory.find(wanted("b")));
  memory.clear();
  assert.equal(memory.find(wanted("c")), undefined);
});
