/**
 * Authentication-Results: what a filter has found out about a message.
 *
 * @module
 */

/** Methods whose results are told. */
const METHODS = ["spf", "dkim", "dmarc", "arc"];

/** RFC 8601 §2.7. */
const RESULTS: ReadonlySet<string> = new Set([
  "none",
  "pass",
  "fail",
  "policy",
  "neutral",
  "softfail",
  "temperror",
  "permerror",
]);

const RESULT_REGEXP =
  /^([a-z][a-z0-9-]*)[ \t\r\n]*(?:\/[ \t\r\n]*\d+[ \t\r\n]*)?=[ \t\r\n]*([a-z]+)(?![^ \t\r\n])/i;
const AUTHSERV_ID_REGEXP = /^([^\s;"/=]+)(?:\s+\d+)?$/;

/** Octets of a value; a longer one is not read. */
const MAX_LENGTH = 20_000;

/** A value, taken apart. */
export interface AuthenticationResults {
  /** Who says it, in lower case. */
  readonly authservId: string;
  /** `method=result` in order, in lower case, known ones only. */
  readonly results: readonly (readonly [method: string, result: string])[];
}

/**
 * Takes an Authentication-Results value apart.
 *
 * @param text Unfolded value of the field.
 * @returns Its parts, or `undefined` if it cannot be said whose it is.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8601#section-2.2 | RFC 8601 §2.2}
 */
export function parseAuthenticationResults(
  text: string,
): AuthenticationResults | undefined {
  if (text.length > MAX_LENGTH) return undefined;
  const [first = "", ...rest] = statements(text) ?? [];
  const authservId = AUTHSERV_ID_REGEXP.exec(first.trim())?.[1]?.toLowerCase();
  if (authservId === undefined) return undefined;
  const results = rest.flatMap((statement): [string, string][] => {
    const match = RESULT_REGEXP.exec(statement.trim());
    const method = match?.[1]?.toLowerCase();
    const result = match?.[2]?.toLowerCase();
    if (method === undefined || result === undefined) return [];
    return METHODS.includes(method) && RESULTS.has(result)
      ? [[method, result]]
      : [];
  });
  return { authservId, results };
}

/**
 * Sums up what a filter has said. A filter writes above what came, so for each
 * method the first field that names it counts; of several signatures one that
 * passes is enough.
 *
 * @param fields Fields of the filter, in the order of the message.
 * @returns For example `spf:pass,dkim:pass`; `none` if there is nothing.
 */
export function authenticationVerdict(
  fields: readonly AuthenticationResults[],
): string {
  const words = METHODS.flatMap((method) => {
    const field = fields.find(({ results }) =>
      results.some(([name]) => name === method)
    );
    const all = field?.results.filter(([name]) => name === method) ?? [];
    const told = all.find(([, result]) => result === "pass") ?? all[0];
    return told === undefined ? [] : [`${method}:${told[1]}`];
  });
  return words.join(",") || "none";
}

/**
 * Cuts at each semicolon that stands in no comment and no quoted string; leaves
 * comments out, and takes a quoted authserv-id out of its quotation marks.
 * Undefined if one of them is open.
 */
function statements(text: string): string[] | undefined {
  const found: string[] = [];
  let current = "";
  let depth = 0;
  let isQuoted = false;
  for (let i = 0; i < text.length; i++) {
    const character = text[i]!;
    const isEscaped = character === "\\" && (isQuoted || depth > 0);
    if (isEscaped) {
      i++;
      // In a quoted string of ours there is nothing to escape but letters.
      if (isQuoted) current += text[i] ?? "";
    } else if (isQuoted) {
      if (character === '"') isQuoted = false;
      // Behind the authserv-id a quoted string is somebody's text.
      else current += found.length === 0 ? character : "_";
    } else if (character === "(") {
      depth++;
    } else if (character === ")" && depth > 0) {
      depth--;
      current += " ";
    } else if (depth > 0) {
      continue;
    } else if (character === '"') {
      isQuoted = true;
    } else if (character === ";") {
      found.push(current);
      current = "";
    } else {
      current += character;
    }
  }
  return depth > 0 || isQuoted ? undefined : [...found, current];
}
