/**
 * Whom the limits by client address count as one.
 *
 * @module
 */

import { isIPv6 } from "node:net";

/** Groups of the network that one subscriber has at least. */
const NETWORK_GROUPS = 4;

const GROUPS = 8;

/**
 * Says to which network an address belongs.
 *
 * @param address IPv4 or IPv6, as the web server in front wrote it.
 * @returns The first 64 bits of an IPv6 address, of which every host has as many
 * as it likes; anything else as it is.
 */
export function networkOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = "", tail] = address.toLowerCase().split("::");
  const groups = head === "" ? [] : head.split(":");
  const last = tail ? tail.split(":") : [];
  while (groups.length + last.length < GROUPS) groups.push("0");
  groups.push(...last);
  return groups.slice(0, NETWORK_GROUPS)
    .map((group) => group.replace(/^0+(?=.)/, "")).join(":");
}
