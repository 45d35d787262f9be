/**
 * What is measured, and the text that Prometheus reads: its format 0.0.4, with
 * the names and units that OpenMetrics asks for.
 *
 * @module
 * @see {@link https://prometheus.io/docs/instrumenting/exposition_formats/ | Exposition formats}
 */

/** Media type of the text. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** A metric; {@linkcode METRICS} lists all of them. */
export interface Metric<L extends string = string> {
  /** Its name; a counter's ends in `_total`. */
  readonly name: string;
  /** What its numbers are. */
  readonly type: "counter" | "gauge" | "histogram";
  /** Labels; each has few values. */
  readonly labels: readonly L[];
  /** One sentence without a period. */
  readonly help: string;
  /** Upper bounds of a histogram's buckets, in seconds, growing. */
  readonly buckets?: readonly number[];
}

/** Value of each label. */
export type Labels<L extends string = string> = Readonly<Record<L, string>>;

/** One number of a metric. */
export interface Sample<L extends string = string> {
  /** Its labels. */
  readonly labels: Labels<L>;
  /** The number. */
  readonly value: number;
}

/** A number that only grows. */
export class Counter<L extends string> {
  readonly #metric: Metric<L>;
  readonly #counts = new Map<string, { value: number }>();

  /**
   * Makes it.
   *
   * @param metric What it counts.
   */
  constructor(metric: Metric<L>) {
    this.#metric = metric;
  }

  /**
   * Finds the number of a set of labels; it is 0 and written from then on.
   *
   * @param labels Value of each label: words of the program, nothing of a mail
   * or a request.
   * @returns The number, to be raised.
   */
  of(labels: Labels<L>): { value: number } {
    const key = labelText(labels);
    let count = this.#counts.get(key);
    if (count === undefined) this.#counts.set(key, count = { value: 0 });
    return count;
  }

  /**
   * Writes it for Prometheus.
   *
   * @returns Lines.
   */
  text(): string {
    const { name } = this.#metric;
    let lines = head(this.#metric);
    for (const [labels, { value }] of this.#counts) {
      lines += line(name, labels, value);
    }
    return lines;
  }
}

/** Durations of one set of labels. */
export class Durations {
  readonly #buckets: readonly number[];
  /** How many were in each bucket and in none of those before. */
  readonly #counts: number[];
  #sum = 0;
  #count = 0;

  /**
   * Makes it.
   *
   * @param buckets Upper bounds, in seconds, growing.
   */
  constructor(buckets: readonly number[]) {
    this.#buckets = buckets;
    this.#counts = new Array(buckets.length).fill(0);
  }

  /**
   * Notes a duration.
   *
   * @param seconds The duration.
   */
  observe(seconds: number): void {
    this.#sum += seconds;
    this.#count++;
    const buckets = this.#buckets;
    for (let i = 0; i < buckets.length; i++) {
      if (seconds <= buckets[i]!) {
        this.#counts[i]!++;
        return;
      }
    }
  }

  /**
   * Writes them for Prometheus.
   *
   * @param name Name of the metric.
   * @param labels Its labels, written.
   * @returns Lines.
   */
  text(name: string, labels: string): string {
    let lines = "";
    let below = 0;
    for (const [i, bound] of this.#buckets.entries()) {
      below += this.#counts[i]!;
      lines += line(`${name}_bucket`, join(labels, `le="${bound}"`), below);
    }
    lines += line(`${name}_bucket`, join(labels, 'le="+Inf"'), this.#count);
    lines += line(`${name}_sum`, labels, this.#sum);
    return lines + line(`${name}_count`, labels, this.#count);
  }
}

/** How long things take. */
export class Histogram<L extends string> {
  readonly #metric: Metric<L>;
  readonly #durations = new Map<string, Durations>();

  /**
   * Makes it.
   *
   * @param metric What is measured; it has buckets.
   */
  constructor(metric: Metric<L>) {
    this.#metric = metric;
  }

  /**
   * Finds the durations of a set of labels; they are written from then on.
   *
   * @param labels Value of each label.
   * @returns The durations.
   */
  of(labels: Labels<L>): Durations {
    const key = labelText(labels);
    let durations = this.#durations.get(key);
    if (durations === undefined) {
      durations = new Durations(this.#metric.buckets ?? []);
      this.#durations.set(key, durations);
    }
    return durations;
  }

  /**
   * Writes it for Prometheus.
   *
   * @returns Lines.
   */
  text(): string {
    let lines = head(this.#metric);
    for (const [labels, durations] of this.#durations) {
      lines += durations.text(this.#metric.name, labels);
    }
    return lines;
  }
}

/**
 * Writes numbers that are looked up when somebody asks.
 *
 * @param metric What they are.
 * @param samples The numbers.
 * @returns Lines for Prometheus; none if there are no numbers.
 */
export function gauges<L extends string>(
  metric: Metric<L>,
  samples: readonly Sample<L>[],
): string {
  if (samples.length === 0) return "";
  return samples.reduce(
    (lines, { labels, value }) =>
      lines + line(metric.name, labelText(labels), value),
    head(metric),
  );
}

/**
 * Writes one number that is looked up when somebody asks.
 *
 * @param metric What it is; it has no labels.
 * @param value The number; undefined if it is not known.
 * @returns Lines for Prometheus; none if it is not known.
 */
export function gauge(
  metric: Metric<never>,
  value: number | undefined,
): string {
  return gauges(metric, value === undefined ? [] : [{ labels: {}, value }]);
}

/**
 * Reads what {@linkcode gauges} has written.
 *
 * @param text Text for Prometheus, of one of our processes.
 * @param metric What the numbers are.
 * @returns The numbers, whole and not below 0, in their order; lines that are
 * others are passed over.
 */
export function readSamples<L extends string>(
  text: string,
  { name, labels }: Metric<L>,
): Sample<L>[] {
  const lines = text.matchAll(
    new RegExp(`^${name}(?:\\{(.*)\\})? (\\d{1,20})(?:\\.\\d+)?$`, "gm"),
  );
  return [...lines].flatMap(([, written = "", whole]) => {
    const found = Object.fromEntries(
      [...written.matchAll(/(\w+)="([^"]*)"/g)].map(([, label, value]) =>
        [label!, value!] as const
      ),
    );
    if (!labels.every((label) => label in found)) return [];
    return [{ labels: found as Labels<L>, value: Number(whole) }];
  });
}

function head({ name, help, type }: Metric): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
}

function line(name: string, labels: string, value: number): string {
  return `${name}${labels === "" ? "" : `{${labels}}`} ${value}\n`;
}

/** Values are words of the program, so nothing in them needs an escape. */
function labelText(labels: Labels): string {
  let text = "";
  for (const name in labels) text = join(text, `${name}="${labels[name]}"`);
  return text;
}

function join(labels: string, label: string): string {
  return labels === "" ? label : `${labels},${label}`;
}
