import assert from "node:assert/strict";
import { Places } from "../../../src/system/places.ts";

Deno.test("a place is taken from the peer that was waited for the longest", () => {
  const places = new Places(3);
  const left: string[] = [];
  const [a, b, c] = ["a", "b", "c"].map((name) =>
    places.take(() => void left.push(name))
  );
  b!.waits(true);
  a!.waits(true);
  c!.waits(true);
  // It has said something, and is waited for again.
  b!.waits(false);
  b!.waits(true);
  places.take(() => void left.push("d"));
  places.take(() => void left.push("e"));
  assert.deepEqual(left, ["a", "c"]);
  assert.equal(places.taken, 3);
});

Deno.test("no place is taken from who is worked for", () => {
  const places = new Places(1);
  const place = places.take(() => assert.fail("sent away"));
  assert.throws(() => places.take(() => {}), { code: "too_many_requests" });
  place[Symbol.dispose]();
  place[Symbol.dispose]();
  assert.equal(places.taken, 0);
  places.take(() => {});
});

Deno.test("who has left is not sent away, and gives back one place only", () => {
  const places = new Places(2);
  let sent = 0;
  const first = places.take(() => void sent++);
  first.waits(true);
  places.take(() => {});
  places.take(() => {});
  assert.equal(sent, 1);
  // Its connection closes later than its place is given away.
  first.waits(true);
  first[Symbol.dispose]();
  assert.equal(places.taken, 2);
  assert.throws(() => places.take(() => {}), { code: "too_many_requests" });
});
