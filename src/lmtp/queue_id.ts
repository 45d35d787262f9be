/**
 * Under which queue id Postfix holds a message that came by LMTP.
 *
 * @module
 */

import { fieldTexts, splitEntity } from "../mail/header.ts";
import { queueIdTime } from "../mail/queue_id.ts";

/** The host and the id of a Received field that Postfix has made. */
const RECEIVED_REGEXP = /\bby (\S+) \(Postfix[^;]*?\sid ([0-9A-Za-z]+)\b/;

/**
 * Finds the queue id, the same that pipe(8) would name.
 *
 * XFORWARD IDENT is it, but for mail that came back from a content filter: then
 * it is the id that the message had before, for Postfix passes on what a client
 * in smtpd_authorized_xforward_hosts says. A Received field of this host with a
 * later id tells. Where IDENT is missing, that field alone does. A sender can
 * write such a field only where an administrator's header_checks take Postfix's
 * own away, and then about mail of his own: the identity of a delivery has the
 * octets in it, so no other mail is taken for this one.
 *
 * @param ident XFORWARD IDENT, if there is one.
 * @param head The first octets of the message: at least its first fields.
 * @param hostname Name of this host, as its Received fields have it.
 * @returns The id; undefined if nothing names one.
 * @see {@link https://www.postfix.org/XFORWARD_README.html | XFORWARD_README}
 */
export function queueIdOf(
  ident: string | undefined,
  head: Uint8Array<ArrayBuffer>,
  hostname: string,
): string | undefined {
  const received = receivedId(head, hostname);
  if (ident === undefined) return received;
  return isLater(received, ident) ? received : ident;
}

/** The long queue id in the topmost Received field, if this host has made it. */
function receivedId(
  head: Uint8Array<ArrayBuffer>,
  hostname: string,
): string | undefined {
  const [text = ""] = fieldTexts(splitEntity(head).header, "Received");
  const match = RECEIVED_REGEXP.exec(text.replaceAll(/\s+/g, " "));
  if (match === null || match[1]!.toLowerCase() !== hostname) return undefined;
  return queueIdTime(match[2]!) === undefined ? undefined : match[2];
}

function isLater(id: string | undefined, other: string): boolean {
  const time = id === undefined ? undefined : queueIdTime(id);
  const otherTime = queueIdTime(other);
  if (time === undefined) return false;
  return otherTime === undefined || time > otherTime;
}
