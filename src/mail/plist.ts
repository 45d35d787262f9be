/**
 * Apple's property lists as XML.
 *
 * @module
 */

import { escapeXml } from "./xml.ts";

/** What a property list can hold, as far as it is needed here. */
export type Plist =
  | string
  | number
  | boolean
  | Uint8Array
  | readonly Plist[]
  | { readonly [key: string]: Plist };

/**
 * Writes a property list.
 *
 * @param value What it holds; numbers are integers.
 * @returns XML.
 * @see {@link https://www.apple.com/DTDs/PropertyList-1.0.dtd | PropertyList-1.0.dtd}
 */
export function plistXml(value: Plist): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0">
${element(value)}
</plist>
`;
}

function element(value: Plist): string {
  if (typeof value === "string") return `<string>${escapeXml(value)}</string>`;
  if (typeof value === "number") return `<integer>${value}</integer>`;
  if (typeof value === "boolean") return value ? "<true/>" : "<false/>";
  if (value instanceof Uint8Array) return `<data>${value.toBase64()}</data>`;
  if (Array.isArray(value)) {
    return `<array>\n${value.map(element).join("\n")}\n</array>`;
  }
  const entries = Object.entries(value).map(([key, each]) =>
    `<key>${escapeXml(key)}</key>\n${element(each)}`
  );
  return `<dict>\n${entries.join("\n")}\n</dict>`;
}
