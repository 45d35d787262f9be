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
  // LMTP has no route.
  assert.equal(memory.find(wanted("unrouted")), cat);
  assert.equal(memory.find(wanted("unrouted", older)), undefined);
});

Deno.test("RecipientMemory keeps so many addresses, those that were used last", () => {
  const memory = new RecipientMemory(2);
  memory.keep(wanted("a"), vaultbox("a"), SINCE);
  memory.keep(wanted("b", undefined, "dog"), vaultbox("b"), SINCE);
  memory.find(wanted("a"));
  memory.keep(wanted("a", undefined, "kitty"), vaultbox("a"), SINCE);
  assert.equal(memory.find(wanted("b", undefined, "dog")), undefined);
  assert.ok(memory.find(wanted("a")));
  assert.ok(memory.find(wanted("a", undefined, "kitty")));
});

Deno.test("RecipientMemory forgets all addresses of a vaultbox, and all vaultboxes", () => {
  const memory = new RecipientMemory(10);
  memory.keep(wanted("a"), vaultbox("a"), SINCE);
  memory.keep(wanted("a", undefined, "kitty"), vaultbox("a"), SINCE);
  memory.keep(wanted("b", undefined, "dog"), vaultbox("b"), SINCE);
  memory.forget("a");
  assert.equal(memory.find(wanted("a")), undefined);
  assert.equal(memory.find(wanted("a", undefined, "kitty")), undefined);
  assert.ok(memory.find(wanted("b", undefined, "dog")));
  memory.clear();
  assert.equal(memory.find(wanted("b", undefined, "dog")), undefined);
});
