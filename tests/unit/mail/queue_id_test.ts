import assert from "node:assert/strict";
import { queueIdTime } from "../../../src/mail/queue_id.ts";

for (
  const [queueId, time] of [
    // Postfix 3.7 logged these at that time.
    ["4jXWc86kcKzDZV4", "2026-11-22T14:27:04.948Z"],
    ["4jXVYm6hv4zCMRH", "2026-11-22T13:39:56.943Z"],
  ] as const
) {
  Deno.test(`queueIdTime() reads the time of ${queueId}`, () => {
    assert.equal(queueIdTime(queueId)?.toISOString(), time);
  });
}

for (
  const queueId of ["", "3F2A81C0D4", "x", "4jXWc86kcKz", "4jXWc8EkcKzDZV4"]
) {
  Deno.test(`queueIdTime() does not know the time of "${queueId}"`, () => {
    assert.equal(queueIdTime(queueId), undefined);
  });
}
