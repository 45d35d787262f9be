/**
 * Runs programs without a shell.
 *
 * @module
 */

/** What a program did. */
export interface ExecResult {
  /** Exit status; 128 and more after a signal. */
  readonly code: number;
  /** Standard output. */
  readonly stdout: string;
  /** Standard error. */
  readonly stderr: string;
}

/** Runs a program; a parameter of adapters, so that tests can watch. */
export type Exec = (
  argv: readonly [string, ...string[]],
  stdin?: string,
) => Promise<ExecResult>;

/**
 * Runs a program to its end.
 *
 * @param argv Path of the program and its arguments; no shell sees them.
 * @param stdin Text for its standard input; none if left out.
 * @returns Status and output, whatever the status is.
 * @throws {Deno.errors.NotFound} If there is no such program.
 */
export async function exec(
  argv: readonly [string, ...string[]],
  stdin?: string,
): Promise<ExecResult> {
  const [program, ...args] = argv;
  const child = new Deno.Command(program, {
    args,
    // The caller's may be closed to the user that this process runs as.
    cwd: "/",
    clearEnv: true,
    env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL: "C.UTF-8" },
    stdin: stdin === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  if (stdin !== undefined) {
    const writer = child.stdin.getWriter();
    // A program that stops reading is judged by its status.
    await writer.write(new TextEncoder().encode(stdin)).catch(() => {});
    await writer.close().catch(() => {});
  }
  const { code, stdout, stderr } = await output;
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}
