/**
 * Finds the command, gives help, and turns failures into exit statuses.
 *
 * @module
 */

import { ConfigError } from "../config.ts";
import { AppError } from "../errors.ts";
import { reason } from "../log.ts";
import { type Command, EXIT, type Io, UsageError } from "./command.ts";
import { COMMANDS } from "./commands.ts";
import { refusalLines } from "./refusal.ts";

/** Exit statuses of every command whose help has no table of its own. */
const STATUSES = [
  "Exit status:",
  "  0   done",
  "  1   failed; the reason is on standard error",
  "  64  wrong arguments",
  "  78  wrong configuration",
];

/**
 * Runs one command.
 *
 * @param args Arguments of the process.
 * @param io The process.
 * @returns Exit status; 1 without a word if nobody reads what is printed.
 */
export async function run(
  args: readonly string[],
  io: Io,
): Promise<number> {
  try {
    return await dispatch(args, io);
  } catch (error) {
    if (error instanceof Deno.errors.BrokenPipe) return EXIT.failed;
    throw error;
  }
}

async function dispatch(args: readonly string[], io: Io): Promise<number> {
  if (args.length === 0) {
    for (const line of overview()) io.warn(line);
    return EXIT.usage;
  }
  if (["--help", "-h", "help"].includes(args[0]!)) {
    for (const line of overview()) io.print(line);
    return EXIT.ok;
  }
  const command = find(args);
  const group = COMMANDS.filter(({ name }) => name.startsWith(`${args[0]} `));
  if (command === undefined && group.length > 0) {
    const isHelp = args.includes("--help") || args.includes("-h");
    const say = isHelp ? io.print : io.warn;
    for (const { name, usage } of group) {
      say(`encimap ${name} ${usage}`.trimEnd());
    }
    return isHelp ? EXIT.ok : EXIT.usage;
  }
  if (command === undefined) {
    io.warn(`encimap: no such command: ${args.slice(0, 2).join(" ")}`);
    io.warn('See "encimap --help".');
    return EXIT.usage;
  }
  const rest = args.slice(command.name.split(" ").length);
  // Arguments of pipe come from strangers: none of them is an option.
  if (command.name !== "pipe" || rest.length === 1) {
    if (rest.includes("--help") || rest.includes("-h")) {
      for (const line of helpOf(command)) io.print(line);
      return EXIT.ok;
    }
  }
  try {
    return await command.run(rest, io);
  } catch (error) {
    return failed(error, command, io);
  }
}

function failed(error: unknown, command: Command, io: Io): number {
  if (error instanceof Deno.errors.BrokenPipe) throw error;
  if (error instanceof UsageError) {
    io.warn(`encimap ${command.name}: ${error.message}`);
    io.warn(`Usage: encimap ${command.name} ${command.usage}`.trimEnd());
    return EXIT.usage;
  }
  if (error instanceof ConfigError) {
    for (const problem of error.problems) io.warn(`encimap: ${problem}`);
    return EXIT.config;
  }
  // What went wrong underneath helps with an outage and a fault of ours; a
  // refusal is said in its own words.
  const isRefusal = error instanceof AppError &&
    !["internal", "unavailable"].includes(error.code);
  const [text, ...advice] = isRefusal ? refusalLines(error) : [reason(error)];
  io.warn(`encimap ${command.name}: ${text}`);
  for (const line of advice) io.warn(line);
  return EXIT.failed;
}

function find(args: readonly string[]): Command | undefined {
  return COMMANDS.find((command) =>
    command.name.split(" ").every((word, index) => args[index] === word)
  );
}

function overview(): string[] {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length)) + 2;
  return [
    "Usage: encimap COMMAND [ARGUMENTS]",
    "",
    ...COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`),
    "",
    '"encimap COMMAND --help" says more about one.',
  ];
}

function helpOf(command: Command): string[] {
  return [
    `Usage: encimap ${command.name} ${command.usage}`.trimEnd(),
    "",
    `${command.summary}.`,
    ...(command.help === undefined ? [] : ["", ...command.help.split("\n")]),
    ...(command.help?.includes(STATUSES[0]!) ? [] : ["", ...STATUSES]),
  ];
}
