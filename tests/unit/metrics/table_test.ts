import assert from "node:assert/strict";
import type { Metric } from "../../../src/metrics/metric.ts";
import { METRICS } from "../../../src/metrics/table.ts";

const table: Metric[] = Object.values(METRICS);

Deno.test("docs/monitoring.md has every metric with its type and labels", async () => {
  const text = await Deno.readTextFile("docs/monitoring.md");
  const rows = [
    ...text.matchAll(/^\| `(encimap_\w+)` *\| (\w+) *\| (.*?) *\|/gm),
  ]
    .map(([, name, type, labels]) => [name, type, labels]);
  assert.deepEqual(
    rows,
    table.map(({ name, type, labels }) => [
      name,
      type,
      labels.map((label) => `\`${label}\``).join(", "),
    ]),
  );
});

Deno.test("no metric has a label that could name somebody", () => {
  const known = [
    "custody",
    "door",
    "finding",
    "operation",
    "outcome",
    "queue",
    "role",
    "service",
    "status",
    "step",
    "version",
    "within_days",
  ];
  const labels = new Set(table.flatMap(({ labels }) => labels));
  assert.deepEqual([...labels].sort(), known);
});
