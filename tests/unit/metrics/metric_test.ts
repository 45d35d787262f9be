import assert from "node:assert/strict";
import {
  Counter,
  gauge,
  gauges,
  Histogram,
  readSamples,
} from "../../../src/metrics/metric.ts";

const SECONDS = {
  name: "a_seconds",
  type: "histogram",
  labels: ["door"],
  help: "How long",
  buckets: [0.1, 1],
} as const;

Deno.test("a counter adds up each set of labels", () => {
  const counter = new Counter({
    name: "a_total",
    type: "counter",
    labels: ["door", "outcome"],
    help: "Some",
  });
  counter.of({ door: "lmtp", outcome: "stored" }).value++;
  counter.of({ door: "lmtp", outcome: "stored" }).value += 2;
  counter.of({ door: "lmtp", outcome: "repeated" }).value++;
  assert.equal(
    counter.text(),
    [
      "# HELP a_total Some",
      "# TYPE a_total counter",
      'a_total{door="lmtp",outcome="stored"} 3',
      'a_total{door="lmtp",outcome="repeated"} 1',
      "",
    ].join("\n"),
  );
});

Deno.test("buckets of a histogram have what is below them, too", () => {
  const histogram = new Histogram(SECONDS);
  for (const seconds of [0.1, 0.5, 1, 7]) {
    histogram.of({ door: "lmtp" }).observe(seconds);
  }
  assert.equal(
    histogram.text(),
    [
      "# HELP a_seconds How long",
      "# TYPE a_seconds histogram",
      'a_seconds_bucket{door="lmtp",le="0.1"} 1',
      'a_seconds_bucket{door="lmtp",le="1"} 3',
      'a_seconds_bucket{door="lmtp",le="+Inf"} 4',
      'a_seconds_sum{door="lmtp"} 8.6',
      'a_seconds_count{door="lmtp"} 4',
      "",
    ].join("\n"),
  );
});

Deno.test("what is not known is not written", () => {
  const metric = { name: "a", type: "gauge", labels: [], help: "A" } as const;
  assert.equal(gauge(metric, undefined), "");
  assert.equal(gauges(metric, []), "");
  assert.equal(gauge(metric, 0), "# HELP a A\n# TYPE a gauge\na 0\n");
});

Deno.test("what gauges() has written is read back, and nothing else is", () => {
  const metric = {
    name: "a_bytes",
    type: "gauge",
    labels: ["queue"],
    help: "a_bytes 3",
  } as const;
  const samples = [
    { labels: { queue: "hold" }, value: 0 },
    { labels: { queue: "active" }, value: 9_223_372_036_854_776_000 },
  ];
  const text = gauges(metric, samples);
  assert.deepEqual(readSamples(text, metric), samples);
  assert.deepEqual(readSamples(`x${text}`, { ...metric, name: "a" }), []);
  for (const value of ["-1", "NaN", "Infinity", "1e9", "9".repeat(21), "1 2"]) {
    const line = `a_bytes{queue="hold"} ${value}\n`;
    assert.deepEqual(readSamples(line, metric), [], value);
  }
  assert.deepEqual(readSamples("a_bytes 1\n", metric), []);
  // Ages have fractions of a second.
  const [age] = readSamples('a_bytes{queue="hold"} 60.984\n', metric);
  assert.equal(age!.value, 60);
});
