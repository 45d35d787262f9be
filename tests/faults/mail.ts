/**
 * Mail with canaries: words that stand nowhere else, so that whoever finds one
 * on a disk has found a mail in clear.
 *
 * @module
 */

/** Digits of Postfix's long queue ids. */
const DIGITS = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";

/** One mail for one recipient, as it lies in Postfix's queue. */
export interface Mail {
  /** What the census knows it by; the same for all recipients of one mail. */
  readonly number: string;
  /** UUID of the vaultbox in the route, or `unrouted`. */
  readonly route: string;
  /** Envelope recipient. */
  readonly to: string;
  /** Postfix's long queue id, the same at each attempt. */
  readonly queueId: string;
  /** Header and body, lines with CRLF. */
  readonly octets: Uint8Array<ArrayBuffer>;
}

/** Words of one world: one in bodies, one in attachments. */
export interface Canaries {
  /** In the text part. */
  readonly body: string;
  /** In the attachment, which travels as base64. */
  readonly attachment: string;
}

/** Makes words that nobody else has. */
export function newCanaries(): Canaries {
  const word = (): string => crypto.randomUUID().replaceAll("-", "");
  return { body: `canary${word()}`, attachment: `parrot${word()}` };
}

let last = 0;

/**
 * Makes a queue id as Postfix does with enable_long_queue_ids.
 *
 * @param at When the mail was accepted; now if left out.
 * @returns The id, which never comes again.
 */
export function newQueueId(at: Date = new Date()): string {
  const text = (value: number, base: number, length: number): string => {
    let digits = "";
    for (let rest = value; rest > 0; rest = Math.floor(rest / base)) {
      digits = DIGITS[rest % base] + digits;
    }
    return digits.padStart(length, "0");
  };
  const milliseconds = at.getTime();
  const seconds = text(Math.floor(milliseconds / 1000), 52, 6);
  const micros = text(milliseconds % 1000 * 1000, 52, 4);
  return `${seconds}${micros}z${text(++last + 51, 51, 1)}`;
}

/**
 * Writes a mail with a text part and an attachment.
 *
 * @param canaries What stands in them.
 * @param number What the census knows it by.
 * @param size Octets, about; at least a thousand.
 * @returns Header and body.
 */
export function writeMail(
  canaries: Canaries,
  number: string,
  size: number,
): Uint8Array<ArrayBuffer> {
  const word = `${canaries.attachment} `;
  const plain = word.repeat(Math.max(1, Math.floor(size / 1.4 / word.length)));
  const base64 = btoa(plain).replaceAll(/.{76}/g, "$&\r\n");
  return new TextEncoder().encode(
    [
      "From: sender@elsewhere.example",
      "To: somebody@pets.example",
      "Subject: a mail",
      `Message-ID: <${number}@elsewhere.example>`,
      "MIME-Version: 1.0",
      'Content-Type: multipart/mixed; boundary="edge"',
      "",
      "--edge",
      "Content-Type: text/plain",
      "",
      `number ${number} ${canaries.body}`,
      "--edge",
      "Content-Type: application/octet-stream",
      "Content-Disposition: attachment; filename=a.bin",
      "Content-Transfer-Encoding: base64",
      "",
      base64,
      "--edge--",
      `end ${number}`,
      "",
    ].join("\r\n"),
  );
}
