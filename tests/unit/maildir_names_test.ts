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

Deno.test("compareByTime() has the order in which messages were stored, whoever has named them", () => {
  const ordered = [
    "no-time",
    "999999999.M999999P1.host",
    "1000000000.P1Q2.host",
    "1000000000.M5P1.host",
    // Postfix, with the number of a file.
    "1000000000.V803I9fM700.host",
    "1000000000.M95000P9.host:2,S",
    "1000000000.V803I1aM96000.host,S=1",
    "1000000000.M102000P1.host",
    "1000000000.M102000P2.host",
    "1000000001.1.hostM1",
  ];
  for (let i = 0; i < 20; i++) {
    const mixed = ordered.map((name) => ({ name, at: Math.random() }))
      .sort((a, b) => a.at - b.at).map(({ name }) => name);
    assert.deepEqual(mixed.sort(compareByTime), ordered);
  }
});
