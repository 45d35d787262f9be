/**
 * DomainKeys Identified Mail: signatures, rsa-sha256, relaxed/relaxed.
 *
 * @module
 * @see {@link https://www.rfc-editor.org/rfc/rfc6376 | RFC 6376}
 */

import { createHash, type Hash } from "node:crypto";
import { CR, LF, SPACE, TAB } from "./octets.ts";

/** A header field; one character for each octet (ISO 8859-1). */
export interface HeaderField {
  /** Name as it is written. */
  readonly name: string;
  /** All behind the colon, with its white space; lines end in LF or CRLF. */
  readonly value: string;
}

/** Who signs. */
export interface DkimSigner {
  /** SDID, `d=`. */
  readonly domain: string;
  /** Selector, `s=`. */
  readonly selector: string;
  /** When it signs, in seconds of Unix time. */
  readonly time: number;
  /**
   * RSASSA-PKCS1-v1_5 with SHA-256, section 3.3.1.
   *
   * @returns The signature.
   */
  readonly sign: (octets: Uint8Array<ArrayBuffer>) => Uint8Array<ArrayBuffer>;
}

/**
 * Fields that are signed with one more than there are, so that nobody adds one
 * which readers would show instead (section 8.15).
 */
const SEALED = [
  "from",
  "reply-to",
  "to",
  "cc",
  "subject",
  "date",
  "message-id",
  "mime-version",
  "content-type",
  "content-transfer-encoding",
];

/** Fields that are signed where they are. */
const SIGNED = ["sender", "in-reply-to", "references", "content-disposition"];

/** Octets of a line as smtp(8) of Postfix sends it, smtp_line_length_limit. */
const LINE_MAX = 998;

/** Characters of a line of the signature's own field. */
const FOLD_AT = 72;

/** What is hashed at a time, in octets. */
const BLOCK = 65_536;

/**
 * Hashes a body as it comes, in constant memory.
 *
 * Lines of more than 998 octets are hashed as smtp(8) of Postfix breaks them:
 * it puts CRLF and a space between.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc6376#section-3.4.4 | RFC 6376 §3.4.4}
 */
export class DkimBodyHash {
  readonly #hash: Hash = createHash("sha256");
  readonly #out = new Uint8Array(BLOCK);
  #length = 0;
  /** Octets that may still go into the line. */
  #room = LINE_MAX;
  /** Line ends that count only if something follows. */
  #lineEnds = 0;
  #isAfterCr = false;
  #isAfterBlank = false;
  /** Whether there is more than empty lines. */
  #hasContent = false;

  /**
   * Takes octets.
   *
   * @param chunk The next part of the body, cut anywhere.
   */
  update(chunk: Uint8Array): void {
    for (const octet of chunk) {
      if (this.#isAfterCr) {
        this.#isAfterCr = false;
        if (octet === LF) {
          this.#endLine();
          this.#room = LINE_MAX;
          continue;
        }
        this.#content(CR);
      }
      if (octet === CR) this.#isAfterCr = true;
      else this.#content(octet);
    }
  }

  /**
   * Ends the body.
   *
   * @returns SHA-256 of its canonical form.
   */
  digest(): Uint8Array<ArrayBuffer> {
    if (this.#isAfterCr) this.#content(CR);
    // Empty lines at the end count for nothing, and an empty body has no line.
    if (this.#hasContent) this.#putLineEnd();
    this.#flush();
    return new Uint8Array(this.#hash.digest());
  }

  #content(octet: number): void {
    if (this.#room === 0) {
      this.#endLine();
      this.#isAfterBlank = true;
      this.#room = LINE_MAX - 1;
    }
    this.#room--;
    if (octet === SPACE || octet === TAB) {
      this.#isAfterBlank = true;
      return;
    }
    for (; this.#lineEnds > 0; this.#lineEnds--) this.#putLineEnd();
    if (this.#isAfterBlank) this.#put(SPACE);
    this.#isAfterBlank = false;
    this.#hasContent = true;
    this.#put(octet);
  }

  #endLine(): void {
    this.#lineEnds++;
    this.#isAfterBlank = false;
  }

  #putLineEnd(): void {
    this.#put(CR);
    this.#put(LF);
  }

  #put(octet: number): void {
    if (this.#length === BLOCK) this.#flush();
    this.#out[this.#length++] = octet;
  }

  #flush(): void {
    this.#hash.update(this.#out.subarray(0, this.#length));
    this.#length = 0;
  }
}

/**
 * Signs a message.
 *
 * @param fields All fields of its header section, in order, as smtp(8) of
 * Postfix will send them.
 * @param bodyHash What {@linkcode DkimBodyHash} gives.
 * @param signer Who signs.
 * @returns Value of the DKIM-Signature field, with a space in front and LF
 * where it is folded. It has no `z=`, which would copy the header.
 * @see {@link https://www.rfc-editor.org/rfc/rfc6376#section-3.7 | RFC 6376 §3.7}
 */
export function dkimSignature(
  fields: readonly HeaderField[],
  bodyHash: Uint8Array<ArrayBuffer>,
  signer: DkimSigner,
): string {
  const signed = signedFields(fields);
  const tags = [
    "v=1",
    "a=rsa-sha256",
    "c=relaxed/relaxed",
    `d=${signer.domain}`,
    `s=${signer.selector}`,
    `t=${signer.time}`,
    `h=${signed.map(({ name }) => name).join(":")}`,
    `bh=${bodyHash.toBase64()}`,
    "b=",
  ];
  const unsigned = folded(tags.join("; "));
  const lines = signed.flatMap(({ field }) =>
    field === undefined ? [] : [`${relaxed(field)}\r\n`]
  );
  lines.push(relaxed({ name: "DKIM-Signature", value: unsigned }));
  const input = Uint8Array.from(
    lines.join(""),
    (letter) => letter.charCodeAt(0),
  );
  const signature = signer.sign(input).toBase64();
  return `${unsigned}\n\t${signature.match(/.{1,72}/g)!.join("\n\t")}`;
}

/** What `h=` names, each with its field; the last of a name comes first. */
function signedFields(
  fields: readonly HeaderField[],
): { name: string; field: HeaderField | undefined }[] {
  const byName = new Map<string, HeaderField[]>();
  for (const field of fields) {
    const name = field.name.trimEnd().toLowerCase();
    const found = byName.get(name);
    if (found === undefined) byName.set(name, [field]);
    else found.push(field);
  }
  return [...SEALED, ...SIGNED].flatMap((name) => {
    const found = (byName.get(name) ?? []).toReversed();
    const extra = SEALED.includes(name) ? [undefined] : [];
    return [...found, ...extra].map((field) => ({ name, field }));
  });
}

/** RFC 6376 section 3.4.2, without the CRLF at the end. */
function relaxed({ name, value }: HeaderField): string {
  const sent = `${name}:${value}`.split(/\r?\n/).map(broken).join("");
  const colon = sent.indexOf(":");
  const text = sent.slice(colon + 1).replace(/[ \t]+/g, " ");
  // Not trim(): that would take other characters, too.
  return `${sent.slice(0, colon).trimEnd().toLowerCase()}:${
    text.replace(/^ | $/g, "")
  }`;
}

/** A line of a header as smtp(8) sends it, less the CRLF that it puts in. */
function broken(line: string): string {
  if (line.length <= LINE_MAX) return line;
  const rest = line.slice(LINE_MAX).match(/[^]{1,997}/g)!;
  return [line.slice(0, LINE_MAX), ...rest].join(" ");
}

/** Folds between tags, and inside `h=` behind a colon. */
function folded(text: string): string {
  let line = "";
  const lines: string[] = [];
  for (const word of text.split(/(?<=:)|(?<= )/)) {
    if (line !== "" && line.length + word.length > FOLD_AT) {
      lines.push(line.trimEnd());
      line = "";
    }
    line += word;
  }
  return ` ${[...lines, line].join("\n\t")}`;
}
