/**
 * Reading what is written for Prometheus.
 *
 * @module
 */

/** One line. */
export interface Line {
  /** Name with the suffixes of a histogram. */
  readonly name: string;
  /** Its labels. */
  readonly labels: Record<string, string>;
  /** The number. */
  readonly value: number;
}

/** Reads the lines that are no comments. */
export function parse(text: string): Line[] {
  return text.split("\n").filter((line) => line && !line.startsWith("#"))
    .map((line) => {
      const match = /^([a-z_]+)(?:\{(.*)\})? (\S+)$/.exec(line);
      if (match === null) throw new Error(`not a sample: ${line}`);
      const labels = Object.fromEntries(
        [...(match[2] ?? "").matchAll(/([a-z_]+)="([^"]*)"/g)]
          .map(([, name, value]) => [name!, value!]),
      );
      return { name: match[1]!, labels, value: Number(match[3]) };
    });
}

/** Finds the number of a metric with these labels; undefined if it is not there. */
export function valueOf(
  text: string,
  name: string,
  labels: Record<string, string> = {},
): number | undefined {
  return parse(text).find((line) =>
    line.name === name &&
    Object.entries(labels).every(([key, value]) => line.labels[key] === value)
  )?.value;
}

/** Asks promtool(1); gives what it complains of. */
export async function promtool(
  args: string[],
  stdin = "",
): Promise<{ code: number; out: string }> {
  const child = new Deno.Command("promtool", {
    args,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(stdin));
  await writer.close();
  const { code, stdout, stderr } = await output;
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout) + decoder.decode(stderr) };
}
