import assert from "node:assert/strict";
import {
  compareByTime,
  maildirName,
  messageIdOf,
} from "../../src/storage/maildir_names.ts";

const ID = "0123abcd-0123-8123-8123-0123456789ab";
const OPTIONS = {
  messageId: ID,
  time: new Date(1_700_000_000_042),
  hostname: "mail.example.test",
  sizeBytes: 1234,
};

Deno.test("maildirName() has time, microseconds, delivery, host and size", () => {
  assert.match(
    maildirName(OPTIONS),
    /^1700000000\.M042000R0123abcd-0123-8123-8123-0123456789ab-[0-9a-f]{8}\.mail\.example\.test,S=1234,W=1234$/,
  );
});

Deno.test("maildirName() never gives the same name twice", () => {
  assert.notEqual(maildirName(OPTIONS), maildirName(OPTIONS));
});

Deno.test("messageIdOf() finds the delivery in the name, and nothing in foreign ones", () => {
  assert.equal(messageIdOf(maildirName(OPTIONS)), ID);
  for (const name of ["", "x", "1.M2P3.host", "1.Rnonsense.host"]) {
    assert.equal(messageIdOf(name), undefined);
  }
});

Deno.test("compareByTime() has the order in which Dovecot numbers messages", () => {
  const ordered = [
    "999999999.M999999P1.host",
    "1000000000.P1Q2.host",
    "1000000000.M5P1.host",
    "1000000000.M95000P9.host:2,S",
    "1000000000.M102000P1.host",
    "1000000000.M102000P2.host",
    "1000000001.1.host",
  ];
  assert.deepEqual(ordered.toReversed().sort(compareByTime), ordered);
});
