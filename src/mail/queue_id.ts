/**
 * Postfix's long queue ids (enable_long_queue_ids, postconf(5)).
 *
 * @module
 */

/** Digits of base 52: no vowels, so that no id is a word. */
const DIGITS = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";

/** Seconds in six digits or more, microseconds in four, z, inode in base 51. */
const LONG_REGEXP =
  /^([0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{6,})([0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-z]{4})z[0-9B-DF-HJ-NP-TV-Zb-df-hj-np-tv-y]+$/;

/**
 * Reads when Postfix made the queue file, which it does once it has accepted
 * the first recipient.
 *
 * @param queueId Queue id.
 * @returns The time, to the millisecond; undefined if it is no long id.
 * @see {@link https://www.postfix.org/postconf.5.html#enable_long_queue_ids | enable_long_queue_ids}
 */
export function queueIdTime(queueId: string): Date | undefined {
  const match = LONG_REGEXP.exec(queueId);
  if (match === null) return undefined;
  const milliseconds = number(match[1]!) * 1000 + number(match[2]!) / 1000;
  return Number.isFinite(milliseconds) ? new Date(milliseconds) : undefined;
}

function number(digits: string): number {
  let value = 0;
  for (const digit of digits) value = value * 52 + DIGITS.indexOf(digit);
  return value;
}
