/**
 * The hidden subject in the text, for readers that know nothing of RFC 9788.
 *
 * Everything is an insertion into the octets as they came: what was there is
 * not decoded and encoded again, so the insertions can be taken out.
 *
 * @module
 */

import { decodedText } from "../mail/encoded_words.ts";
import { type Field, fields, fieldText, splitEntity } from "../mail/header.ts";
import { splitMultipart } from "../mail/multipart.ts";
import { CR, latin1 } from "../mail/octets.ts";
import { parseParameterized } from "../mail/parameters.ts";

const encoder = new TextEncoder();

const PARAMETER = "hp-legacy-display";
/** RFC 9788 §2.1.2, behind a Content-Type. */
const MARK = `\r\n ${PARAMETER}="1"`;
/** Characters of a subject that are shown. */
const MAX_CHARACTERS = 500;
/** Multiparts inside each other that are looked into. */
const MAX_DEPTH = 8;
/** Alternatives that are looked at. */
const MAX_ALTERNATIVES = 8;
/** Octets of a text in which `<body>` is looked for. */
const MAX_HTML_HEAD = 65_536;

const BODY_TAG_REGEXP = /<body(?:[ \t\r\n=/][^<>]{0,10000})?>/i;
/** Character sets whose octets below 0x80 are US-ASCII, at their beginning. */
const ASCII_CHARSET_REGEXP =
  /^(?:us-ascii|utf-8|iso-8859-\d{1,2}|windows-125\d|koi8-[ru]|gb2312|gbk|gb18030|big5|euc-(?:jp|kr)|shift_jis|iso-2022-(?:jp|kr))$/;

/** Octets that come into the body. */
interface Insertion {
  /** Offset in the body as it was. */
  readonly at: number;
  readonly octets: Uint8Array<ArrayBuffer>;
}

/** A body with the subject in it. */
export interface LegacyDisplay {
  /** Its octets. */
  readonly body: readonly Uint8Array<ArrayBuffer>[];
  /** What was inserted, each as `offset+length` in the new body, in order. */
  readonly inserted: readonly string[];
  /** Whether the body as a whole is the text, so that its own field is marked. */
  readonly isOfWhole: boolean;
}

/** Where a text is. */
interface Text {
  readonly type: "text/plain" | "text/html";
  readonly charset: string;
  readonly encoding: string;
  /** Its field. */
  readonly field: Field | undefined;
  /** Its octets, a view of the body. */
  readonly octets: Uint8Array<ArrayBuffer>;
}

/**
 * Puts the subject into the first text/plain and the first text/html part of
 * what is shown first. A part gets none if its type, encoding or character set
 * is unknown, if it is an attachment, or if its character set lacks a character
 * of the subject.
 *
 * @param content `Content-*` fields of the message.
 * @param body Octets of the body.
 * @param subject Text of the subject field, one character for each octet.
 * @param options `isCut`: the body goes on, and what is behind is not looked at.
 * @returns The new body; undefined if there is nothing to put it into.
 * @see {@link https://www.rfc-editor.org/rfc/rfc9788#section-5.2.2 | RFC 9788 §5.2.2}
 */
export function legacyDisplay(
  content: readonly Field[],
  body: Uint8Array<ArrayBuffer>,
  subject: string,
  options: { readonly isCut?: boolean } = {},
): LegacyDisplay | undefined {
  const { isCut = false } = options;
  const text = decodedText(subject, MAX_CHARACTERS);
  const found = texts(content, body, { depth: 0, isCut });
  const insertions: Insertion[] = [];
  let isOfWhole = false;
  for (const type of ["text/plain", "text/html"] as const) {
    const part = found.find((each) => each.type === type);
    const inserted = part && insertion(part, text);
    if (part === undefined || inserted === undefined) continue;
    const offset = ({ byteOffset }: Uint8Array): number =>
      byteOffset - body.byteOffset;
    insertions.push({
      at: offset(part.octets) + inserted.at,
      octets: inserted.octets,
    });
    if (part.octets === body || part.field === undefined) {
      isOfWhole = true;
    } else {
      const { octets } = part.field;
      const lineEnd = octets.at(-2) === CR ? 2 : 1;
      insertions.push({
        at: offset(octets) + octets.length - lineEnd,
        octets: encoder.encode(
          fieldText(part.field).endsWith(";") ? MARK : `;${MARK}`,
        ),
      });
    }
  }
  if (insertions.length === 0) return undefined;
  insertions.sort((a, b) => a.at - b.at);
  return { ...withInsertions(body, insertions), isOfWhole };
}

/** Texts that a reader shows first; none below somebody's cryptography. */
function texts(
  header: readonly Field[],
  body: Uint8Array<ArrayBuffer>,
  { depth, isCut }: { readonly depth: number; readonly isCut: boolean },
): Text[] {
  const types = header.filter(({ name }) => name === "content-type");
  const encodings = header.filter(({ name }) =>
    name === "content-transfer-encoding"
  );
  const [field] = types;
  // The default of a part depends on what is around it.
  if (types.length > 1 || encodings.length > 1) return [];
  if (field === undefined && depth > 0) return [];
  const type = field === undefined
    ? { value: "text/plain", parameters: new Map<string, string>() }
    : parseParameterized(fieldText(field));
  // One that the sender has marked is not ours to mark.
  if (type === undefined || depth > 0 && type.parameters.has(PARAMETER)) {
    return [];
  }
  const encoding = encodings[0] === undefined
    ? "7bit"
    : fieldText(encodings[0]).toLowerCase();

  if (type.value === "text/plain" || type.value === "text/html") {
    const isAttachment = header.some((each) =>
      each.name === "content-disposition" &&
      !/^inline\b/i.test(fieldText(each))
    );
    if (isAttachment) return [];
    const charset = (type.parameters.get("charset") ?? "us-ascii")
      .toLowerCase();
    return [{ type: type.value, charset, encoding, field, octets: body }];
  }
  const isMultipart = /^multipart\/(?:mixed|related|alternative)$/
    .test(type.value);
  if (!isMultipart || depth === MAX_DEPTH) return [];
  if (!/^(?:7bit|8bit|binary)$/.test(encoding)) return [];
  const boundary = type.parameters.get("boundary") ?? "";
  const multipart = splitMultipart(body, boundary, { isCut });
  const parts = multipart?.parts ?? [];
  const count = type.value === "multipart/alternative" ? MAX_ALTERNATIVES : 1;
  return parts.slice(0, count).flatMap((part, index) => {
    const entity = splitEntity(part);
    if (!entity.hasEmptyLine) return [];
    return texts([...fields(entity.header)], entity.body, {
      depth: depth + 1,
      isCut: multipart!.isCut && index === parts.length - 1,
    });
  });
}

function insertion(
  { type, charset, encoding, octets }: Text,
  subject: string,
): Insertion | undefined {
  if (!ASCII_CHARSET_REGEXP.test(charset)) return undefined;
  const isHtml = type === "text/html";
  const shown = isHtml
    ? encodedText(htmlBlock(subject), "us-ascii")
    : encodedText(`Subject: ${subject}\r\n\r\n`, charset);
  if (shown === undefined) return undefined;
  switch (encoding) {
    case "7bit":
    case "8bit":
    case "binary":
      return { at: isHtml ? htmlOffset(octets) : 0, octets: shown };
    case "quoted-printable": {
      const quoted = quotedPrintable(shown, isHtml);
      return { at: isHtml ? htmlOffset(octets) : 0, octets: quoted };
    }
    case "base64":
      return { at: 0, octets: base64Prefix(shown) };
    default:
      return undefined;
  }
}

/** RFC 9788 §5.2.2.2. */
function htmlBlock(subject: string): string {
  const escaped = subject.replace(
    /[&<>"]|[^ -~]/gu,
    (character) => `&#${character.codePointAt(0)};`,
  );
  return `<div class="header-protection-legacy-display"><pre>Subject: ${escaped}</pre></div>`;
}

/** Behind the tag `<body>`, which nobody needs to write. */
function htmlOffset(octets: Uint8Array<ArrayBuffer>): number {
  const match = BODY_TAG_REGEXP.exec(latin1(octets.subarray(0, MAX_HTML_HEAD)));
  return match === null ? 0 : match.index + match[0].length;
}

function encodedText(
  text: string,
  charset: string,
): Uint8Array<ArrayBuffer> | undefined {
  if (charset === "utf-8") return encoder.encode(text);
  const isLatin1 = charset === "iso-8859-1" || charset === "windows-1252";
  // From 0xA0 on the two are the same.
  if (!(isLatin1 ? /^[\r\n -~\xa0-\xff]*$/ : /^[\r\n -~]*$/).test(text)) {
    return undefined;
  }
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

/** RFC 2045 §6.7; between soft line breaks if it comes into a line. */
function quotedPrintable(
  octets: Uint8Array<ArrayBuffer>,
  isInLine: boolean,
): Uint8Array<ArrayBuffer> {
  let out = isInLine ? "=\r\n" : "";
  let column = 0;
  for (const octet of octets) {
    const character = String.fromCharCode(octet);
    const isLineEnd = octet === 0x0d || octet === 0x0a;
    const code = isLineEnd || /[!-<>-~ ]/.test(character)
      ? character
      : `=${octet.toString(16).toUpperCase().padStart(2, "0")}`;
    if (!isLineEnd && column + code.length > 75) {
      out += "=\r\n";
      column = 0;
    }
    out += code;
    column = isLineEnd ? 0 : column + code.length;
  }
  return encoder.encode(isInLine ? `${out}=\r\n` : out);
}

/**
 * Lines of base64 without padding, so that others may follow: spaces fill up
 * behind the name of the field, or behind the first tag.
 */
function base64Prefix(
  octets: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const text = latin1(octets);
  const missing = (3 - octets.length % 3) % 3;
  const padded = text.replace("Subject:", `Subject:${" ".repeat(missing)}`);
  const lines = btoa(padded).replace(/.{1,76}/g, "$&\r\n");
  return encoder.encode(lines);
}

function withInsertions(
  body: Uint8Array<ArrayBuffer>,
  insertions: readonly Insertion[],
): Pick<LegacyDisplay, "body" | "inserted"> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  const inserted: string[] = [];
  let done = 0;
  let added = 0;
  for (const { at, octets } of insertions) {
    chunks.push(body.subarray(done, at), octets);
    inserted.push(`${at + added}+${octets.length}`);
    done = at;
    added += octets.length;
  }
  return { body: [...chunks, body.subarray(done)], inserted };
}
