import { run } from "./src/cli/run.ts";

if (import.meta.main) {
  const encoder = new TextEncoder();
  run(Deno.args, {
    env: Deno.env.toObject(),
    print: (line) => Deno.stdout.writeSync(encoder.encode(`${line}\n`)),
    write: (octets) => {
      for (let at = 0; at < octets.length;) {
        at += Deno.stdout.writeSync(octets.subarray(at));
      }
    },
    isTerminal: Deno.stdout.isTerminal(),
    warn: (line) => Deno.stderr.writeSync(encoder.encode(`${line}\n`)),
    ...Deno.stderr.isTerminal()
      ? {
        progress: (text) => {
          Deno.stderr.writeSync(encoder.encode(`\r\x1b[K${text}`));
        },
      }
      : {},
    readText: (path) => Deno.readTextFileSync(path),
    stdin: Deno.stdin.readable,
  }).then(Deno.exit);
}
