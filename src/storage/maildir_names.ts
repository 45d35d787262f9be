/**
 * Names of the files in a Maildir.
 *
 * @module
 */

/** The id of a vaultbox or a delivery, as we write it in names of files. */
export const UUID_REGEXP: RegExp =
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Names a message's file.
 *
 * @param options `messageId` is the UUID of the delivery, `time` when it is
 * stored, `hostname` the server's, `sizeBytes` the octets of the file, whose
 * lines end with CRLF, so that S and W are the same number.
 * @returns A name that no other file has; Dovecot reads the sizes from it.
 * @see {@link https://doc.dovecot.org/2.3/admin_manual/mailbox_formats/maildir/ | Maildir filename extensions}
 */
export function maildirName(
  options: {
    messageId: string;
    time: Date;
    hostname: string;
    sizeBytes: number;
  },
): string {
  const milliseconds = options.time.getTime();
  const seconds = Math.floor(milliseconds / 1000);
  // Dovecot numbers new messages by seconds and then by what follows the M.
  const micros = String(milliseconds % 1000 * 1000).padStart(6, "0");
  const nonce = crypto.randomUUID().slice(0, 8);
  const size = options.sizeBytes;
  return `${seconds}.M${micros}R${options.messageId}-${nonce}.${options.hostname},S=${size},W=${size}`;
}

/**
 * Says which delivery a file belongs to.
 *
 * @param file Name made by {@linkcode maildirName}.
 * @returns UUID of the delivery; undefined for a foreign name.
 */
export function messageIdOf(file: string): string | undefined {
  const id = file.split(".")[1]?.split("R")[1]?.slice(0, 36);
  return id !== undefined && UUID_REGEXP.test(id) ? id : undefined;
}

/**
 * Compares names of a Maildir by the time in them, as Dovecot does: by the seconds
 * in front, and then by the microseconds, the digits behind the first M up to the
 * next dot, which are as many as they need. So Dovecot, Courier (`1.M2P3.host`)
 * and Postfix (`1.V4I5M2.host`) write them.
 *
 * @param a Name of a file.
 * @param b Name of another file.
 * @returns Below 0 if the first one is older. Without microseconds it comes first
 * in its second; names of the same time are in the order of their letters.
 */
export function compareByTime(a: string, b: string): number {
  const [first, second] = [timeOf(a), timeOf(b)];
  return first.seconds - second.seconds ||
    first.micros - second.micros ||
    (a < b ? -1 : 1);
}

function timeOf(name: string): { seconds: number; micros: number } {
  const [, seconds, micros] = /^(\d*)(?:\.[^.:,]*?M(\d+))?/.exec(name)!;
  return { seconds: Number(seconds), micros: Number(micros ?? -1) };
}
