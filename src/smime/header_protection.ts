/**
 * Header protection: copies of header fields inside the encrypted entity, and
 * no subject outside.
 *
 * docs/header-protection.md says how the original is made again.
 *
 * @module
 */

import { type Field, fieldText, isUnambiguous } from "../mail/header.ts";
import { parseParameterized } from "../mail/parameters.ts";
import type { HeaderProtection } from "../encryption_policy.ts";
import { completeLine, markedField } from "./header_parameters.ts";
import { legacyDisplay } from "./legacy_display.ts";

const encoder = new TextEncoder();

/**
 * RFC 5322 §3.6.1 to §3.6.5: what the author wrote. Not trace fields, resent
 * fields and signatures, which are about the way that a message took.
 */
const COPIED_NAMES: ReadonlySet<string> = new Set([
  "date",
  "from",
  "sender",
  "reply-to",
  "to",
  "cc",
  "bcc",
  "message-id",
  "in-reply-to",
  "references",
  "subject",
  "comments",
  "keywords",
  "thread-topic",
]);

/**
 * RFC 9788 §3.2.1, hcp_baseline: what is removed or obscured; and Outlook's
 * Thread-Topic, which has the subject again.
 */
const HIDDEN_NAMES: ReadonlySet<string> = new Set([
  "subject",
  "comments",
  "keywords",
  "thread-topic",
]);

/** As Original-Subject, X-Original-Subject and Resent-Subject. */
const SUBJECT_NAME_REGEXP = /-subject$/;

/** Signatures, which may have copies of fields in a tag `z=`, RFC 6376 §3.5. */
const SIGNATURE_NAMES: ReadonlySet<string> = new Set([
  "dkim-signature",
  "arc-message-signature",
]);
const COPIES_TAG_REGEXP = /(?:^|;)[ \t]*z[ \t]*=/i;

/** RFC 9788 §3.2.1: what is seen in place of a subject. */
const OBSCURED_SUBJECT = encoder.encode("Subject: [...]\r\n");

/** Octets of copies, at most: each of them is inside twice. */
const MAX_COPIED_OCTETS = 65_536;

/** Types whose content is somebody's cryptography and stays as it is. */
const CRYPTO_TYPE_REGEXP =
  /^(?:multipart\/(?:signed|encrypted)|application\/(?:x-)?pkcs7-mime)$/;

/** A message, cut in two. */
export interface Halves {
  /** Fields that stay outside, in order; without those of the appliance. */
  readonly outer: readonly Uint8Array<ArrayBuffer>[];
  /** Octets of the entity that is encrypted. */
  readonly inner: readonly Uint8Array<ArrayBuffer>[];
  /** What was done: less than asked for where it cannot be done. */
  readonly headerProtection: HeaderProtection;
}

/**
 * Divides a message into what stays outside and what is encrypted.
 *
 * - `off`: `Content-*` fields, fields that are ambiguous, and the body go
 *   inside; all else stays outside.
 * - `protect`: inside are besides copies of what the author wrote, each also as
 *   HP-Outer, and `hp="cipher"`. Left out, as `off`, where the copies would be
 *   larger than 64 KiB, and for content that is signed or encrypted: its header
 *   is not the one that RFC 9788 means.
 * - `hide`: as `protect`, but outside the subject is `[...]`, and Comments,
 *   Keywords, Thread-Topic and `…-Subject` are not there. Always done; where the copies would be too large,
 *   only what is hidden is copied. Readers that know nothing of it are shown
 *   the subject in the text, where there is text.
 *
 * @param fields Fields of the message with CRLF line ends, less those that are
 * dropped.
 * @param body Octets of the body.
 * @param wanted What is asked for.
 * @param options `isCut`: these are the first octets of the body, and the rest
 * follows `inner`. The subject comes into texts that begin in them.
 * @returns Both halves.
 * @see {@link https://www.rfc-editor.org/rfc/rfc9788#section-5.2 | RFC 9788 §5.2}
 */
export function divideMessage(
  fields: readonly Field[],
  body: Uint8Array<ArrayBuffer>,
  wanted: HeaderProtection,
  options: { readonly isCut?: boolean } = {},
): Halves {
  const content: Field[] = [];
  const outside: Field[] = [];
  for (const field of fields) {
    const isInside = field.name.startsWith("content-") || !isUnambiguous(field);
    (isInside ? content : outside).push(field);
  }
  const isHidden = wanted === "hide" ? hiddenOf(outside) : () => false;
  const copied = copiedFields(outside, wanted, isHidden);
  if (
    wanted === "off" ||
    wanted === "protect" && (copied.length === 0 || isCryptographic(content))
  ) {
    return {
      outer: outside.map(completeLine),
      inner: [...content.map(completeLine), CRLF, body],
      headerProtection: "off",
    };
  }
  const hides = wanted === "hide";
  const subject = outside.find(({ name }) => name === "subject");
  const outer = outside.flatMap((field) => {
    if (!isHidden(field)) return [completeLine(field)];
    return field === subject ? [OBSCURED_SUBJECT] : [];
  });
  const seen = copied.flatMap((field) => {
    if (!isHidden(field)) return [completeLine(field)];
    return field === subject ? [OBSCURED_SUBJECT] : [];
  });
  const legacy = hides && subject !== undefined && !isCryptographic(content)
    ? legacyDisplay(content, body, fieldText(subject), options)
    : undefined;
  return {
    outer,
    inner: [
      ...copied.map(completeLine),
      // RFC 9788 §2.2.1: each field outside, as it is there.
      ...seen.flatMap((line) => [HP_OUTER, line]),
      // What was put into the body, so that it can be taken out.
      ...legacy === undefined ? [] : [
        encoder.encode(`Encimap-Inserted: ${legacy.inserted.join(" ")}\r\n`),
      ],
      ...markedContent(content, hides, legacy?.isOfWhole ?? false),
      CRLF,
      ...legacy?.body ?? [body],
    ],
    headerProtection: wanted,
  };
}

const CRLF = encoder.encode("\r\n");
const HP_OUTER = encoder.encode("HP-Outer: ");

function copiedFields(
  outside: readonly Field[],
  wanted: HeaderProtection,
  isHidden: (field: Field) => boolean,
): Field[] {
  const copied = outside.filter((field) =>
    COPIED_NAMES.has(field.name) || isHidden(field)
  );
  const octets = copied.reduce((sum, field) => sum + field.octets.length, 0);
  if (octets <= MAX_COPIED_OCTETS) return copied;
  return wanted === "hide" ? copied.filter(isHidden) : [];
}

/**
 * Says which fields have no place outside where the subject is hidden. Of
 * signatures with copies all of the name, as their order may matter.
 */
function hiddenOf(outside: readonly Field[]): (field: Field) => boolean {
  const signatures = new Set(
    outside.filter((field) =>
      SIGNATURE_NAMES.has(field.name) &&
      COPIES_TAG_REGEXP.test(fieldText(field))
    ).map(({ name }) => name),
  );
  return ({ name }) =>
    HIDDEN_NAMES.has(name) || SUBJECT_NAME_REGEXP.test(name) ||
    signatures.has(name);
}

/** Whether the first Content-Type, or any, says that it is cryptography. */
function isCryptographic(content: readonly Field[]): boolean {
  return content.some((field) =>
    field.name === "content-type" &&
    CRYPTO_TYPE_REGEXP.test(parseParameterized(fieldText(field))?.value ?? "")
  );
}

/** Marks the first Content-Type (RFC 9788 §2.1.1), or makes one. */
function markedContent(
  content: readonly Field[],
  hides: boolean,
  hasLegacy: boolean,
): Uint8Array<ArrayBuffer>[] {
  const parameters = [
    'hp="cipher"',
    ...hides ? ['protected-headers="v1"'] : [],
    ...hasLegacy ? ['hp-legacy-display="1"'] : [],
  ].join("; ");
  const first = content.find(({ name }) => name === "content-type");
  const lines = content.map((field) => {
    if (field.name !== "content-type") return completeLine(field);
    return markedField(field, field === first ? parameters : undefined);
  });
  if (first !== undefined) return lines;
  // RFC 2045 §5.2: what a message without the field is. In one line, as no
  // marked field of a sender's is.
  return [
    encoder.encode(`Content-Type: text/plain; ${parameters}\r\n`),
    ...lines,
  ];
}
