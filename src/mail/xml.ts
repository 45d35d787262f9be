/**
 * Text inside XML and HTML.
 *
 * @module
 */

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * Escapes text for the content of an element or for an attribute in quotes, of
 * XML and HTML alike.
 *
 * @param text Any text; characters that XML 1.0 does not have become U+FFFD.
 * @returns It with entities.
 * @see {@link https://www.w3.org/TR/xml/#charsets | XML 1.0 §2.2}
 */
export function escapeXml(text: string): string {
  return text
    .toWellFormed()
    // deno-lint-ignore no-control-regex
    .replaceAll(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g, "\ufffd")
    .replaceAll(/[&<>"']/g, (character) => ENTITIES[character]!);
}
