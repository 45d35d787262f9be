/**
 * Parameters of RFC 9788 in a Content-Type.
 *
 * @module
 */

import type { Field } from "../mail/header.ts";
import { concat, CR, latin1, LF } from "../mail/octets.ts";

const CRLF = new Uint8Array([CR, LF]);

/**
 * Parameters of ours; what a sender has written of them gets an `x-` before it.
 * Nobody reads `x-hp`, and the `x-` can be taken away again.
 */
const OUR_PARAMETERS_REGEXP =
  /(;[ \t\r\n]*)((?:x-)*(?:hp-legacy-display|hp|protected-headers)(?:\*[*\d]*)?[ \t\r\n]*=)/gi;

/**
 * Adds parameters behind a Content-Type and disarms those of the same names
 * that it has. It need not be well-formed.
 *
 * @param field The field.
 * @param parameters What is added; nothing if undefined.
 * @returns Its octets with a line end: `;` CRLF SP and the parameters stand
 * before that, or CRLF TAB and the parameters if there is a last `;` already.
 */
export function markedField(
  field: Field,
  parameters: string | undefined,
): Uint8Array<ArrayBuffer> {
  const line = latin1(completeLine(field)).slice(0, -2)
    .replace(OUR_PARAMETERS_REGEXP, "$1x-$2");
  const end = parameters === undefined
    ? ""
    : line.trimEnd().endsWith(";")
    ? `\r\n\t${parameters}`
    : `;\r\n ${parameters}`;
  return Uint8Array.from(`${line}${end}\r\n`, (c) => c.charCodeAt(0));
}

/**
 * Gives the octets of a field; the last one of a message without a body may
 * lack its line end.
 *
 * @param field The field.
 * @returns Its octets with a line end.
 */
export function completeLine({ octets }: Field): Uint8Array<ArrayBuffer> {
  const { length } = octets;
  if (octets[length - 1] === LF && octets[length - 2] === CR) return octets;
  return concat([octets, CRLF]);
}
