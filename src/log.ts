/**
 * Log lines in logfmt with the journal's priority prefix.
 *
 * @module
 */

/** Severities and their syslog priorities, sd-daemon(3). */
const PRIORITIES: Readonly<Record<Level, number>> = {
  error: 3,
  warn: 4,
  info: 6,
  debug: 7,
};

/** How much a line matters: `error` means that somebody must look. */
export type Level = "error" | "warn" | "info" | "debug";

/** What varies in a line. No secret, no part of a message, no address. */
export type Fields = Readonly<
  Record<string, string | number | boolean | Date | undefined>
>;

/** Writes lines. */
export interface Log {
  /**
   * Writes one line.
   *
   * @param level How much it matters.
   * @param event A fixed lower-case phrase that can be searched for.
   * @param fields What varies; `undefined` is left out.
   */
  write(level: Level, event: string, fields?: Fields): void;
  /**
   * Makes a log whose lines all carry some fields.
   *
   * @param fields Fields to add.
   * @returns The other log.
   */
  with(fields: Fields): Log;
}

/** Characters that need quoting in a logfmt value. */
const QUOTED_REGEXP = /[\s"=\\\p{Cc}]|^$/u;

/**
 * Makes a log.
 *
 * @param print Takes one line without its end.
 * @param level Least level that is written.
 * @param always Fields of every line.
 * @returns The log.
 */
export function createLog(
  print: (line: string) => void,
  level: Level,
  always: Fields = {},
): Log {
  return {
    write(lineLevel, event, fields = {}) {
      if (PRIORITIES[lineLevel] > PRIORITIES[level]) return;
      const pairs = Object.entries({ event, ...always, ...fields });
      const text = pairs.flatMap(([name, value]) =>
        value === undefined ? [] : [`${name}=${logfmt(value)}`]
      );
      print(`<${PRIORITIES[lineLevel]}>${text.join(" ")}`);
    },
    with(fields) {
      return createLog(print, level, { ...always, ...fields });
    },
  };
}

/**
 * Says why something failed, for a log field.
 *
 * @param thrown What was caught.
 * @returns The messages of the error and its causes, joined.
 */
export function reason(thrown: unknown): string {
  const parts: string[] = [];
  let current = thrown;
  for (let depth = 0; depth < 5 && current !== undefined; depth++) {
    if (!(current instanceof Error)) {
      // A cause of a library's that is no error says nothing as text.
      if (depth === 0 || typeof current === "string") {
        parts.push(String(current));
      }
      break;
    }
    parts.push(current.message);
    current = current.cause;
  }
  return parts.join(": ");
}

function logfmt(value: string | number | boolean | Date): string {
  const text = value instanceof Date ? value.toISOString() : String(value);
  return QUOTED_REGEXP.test(text) ? JSON.stringify(text) : text;
}
