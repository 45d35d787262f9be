/**
 * Reads what a program writes, however much that is.
 *
 * @module
 */

/** Runs a program and gives the beginning of each line that it writes. */
export type LineHeads = (
  argv: readonly [string, ...string[]],
) => AsyncIterable<string>;

/** Characters of a line that are kept. */
const HEAD_MAX = 1024;

/**
 * Runs a program, without a shell, and reads its standard output in constant
 * memory. If nobody reads on, it is ended.
 *
 * @param argv Path of the program and its arguments.
 * @yields The first 1024 octets of each line, as ISO 8859-1.
 * @throws {Error} If it ends with another status than 0, or there is none.
 */
export async function* lineHeads(
  argv: readonly [string, ...string[]],
): AsyncGenerator<string, void> {
  const [program, ...args] = argv;
  await using child = new Deno.Command(program, {
    args,
    cwd: "/",
    clearEnv: true,
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8" },
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  yield* headsOf(child.stdout);
  const { code } = await child.status;
  if (code !== 0) throw new Error(`${program} ended with status ${code}`);
}

/**
 * Takes lines apart, and keeps the beginning of each.
 *
 * @param octets What has lines.
 * @yields The first 1024 octets of each line, as ISO 8859-1.
 */
export async function* headsOf(
  octets: AsyncIterable<Uint8Array>,
): AsyncGenerator<string, void> {
  const decoder = new TextDecoder("latin1");
  let head = "";
  for await (const chunk of octets) {
    const lines = decoder.decode(chunk, { stream: true }).split("\n");
    for (const [n, part] of lines.entries()) {
      if (n > 0) {
        yield head;
        head = "";
      }
      if (head.length < HEAD_MAX) head += part.slice(0, HEAD_MAX - head.length);
    }
  }
  if (head !== "") yield head;
}
