/**
 * How the text of a setting is checked.
 *
 * @module
 */

/** How the text of a setting is checked. */
export type Kind =
  | { readonly type: "text"; readonly regexp?: RegExp; readonly form: string }
  | { readonly type: "int"; readonly min: number; readonly max: number }
  | { readonly type: "choice"; readonly of: readonly string[] };

/**
 * Checks the text of a setting.
 *
 * @param kind Check.
 * @param value The text.
 * @returns Whether it passes.
 */
export function isValid(kind: Kind, value: string): boolean {
  switch (kind.type) {
    case "text":
      return kind.regexp === undefined || kind.regexp.test(value);
    case "int":
      return /^\d{1,15}$/.test(value) && Number(value) >= kind.min &&
        Number(value) <= kind.max;
    case "choice":
      return kind.of.includes(value);
  }
}

/**
 * Says what a setting must be, behind "must be".
 *
 * @param kind Check.
 * @returns Words.
 */
export function formOf(kind: Kind): string {
  switch (kind.type) {
    case "text":
      return kind.form;
    case "int":
      return `an integer from ${kind.min} to ${kind.max}`;
    case "choice":
      return kind.of.join(", ").replace(/, ([^,]*)$/, " or $1");
  }
}
