/**
 * Networks in CIDR form as a field.
 *
 * @module
 */

import { isIPv4, isIPv6 } from "node:net";
import { type Field, wrong } from "./fields.ts";

/** 2^32, where IPv4 addresses end. */
const V4_END = 1n << 32n;

/** ::ffff:0:0, where IPv4-mapped addresses begin: RFC 4291 section 2.5.5.2. */
const MAPPED = 0xffffn << 32n;

/** A network: IPv4 or IPv6, no bit set behind the prefix; canonical when parsed. */
export const NETWORK: Field<string> = {
  schema: {
    type: "string",
    maxLength: 49,
    examples: ["192.0.2.0/24", "2001:db8::/32"],
  },
  parse(value, name) {
    const [, address, length] = typeof value === "string"
      ? /^([0-9A-Fa-f.:]{2,45})\/(0|[1-9]\d{0,2})$/.exec(value) ?? []
      : [];
    if (address === undefined || !isIPv4(address) && !isIPv6(address)) {
      throw wrong(name, "must be networks such as 192.0.2.0/24");
    }
    const { bits, number, text } = isIPv4(address) ? v4(address) : v6(address);
    const rest = bits - Number(length);
    if (rest < 0) throw wrong(name, `has a prefix longer than ${bits} bits`);
    if (number & ((1n << BigInt(rest)) - 1n)) {
      throw wrong(name, "has bits behind the prefix");
    }
    if (bits === 128 && number >= MAPPED && number < MAPPED + V4_END) {
      throw wrong(name, "must have IPv4 networks in their own form");
    }
    return `${text}/${length}`;
  },
};

/** An address as a number and in its one canonical form. */
interface Address {
  /** Length in bits. */
  readonly bits: 32 | 128;
  /** The address. */
  readonly number: bigint;
  /** Its form; of IPv6, RFC 5952. */
  readonly text: string;
}

function v4(address: string): Address {
  const number = address.split(".")
    .reduce((sum, octet) => sum << 8n | BigInt(octet), 0n);
  return { bits: 32, number, text: address };
}

function v6(address: string): Address {
  // URLs write IPv6 addresses in hexadecimal, shortened as RFC 5952 says.
  const text = new URL(`http://[${address}]/`).hostname.slice(1, -1);
  const [left = "", right] = text.split("::");
  const before = left === "" ? [] : left.split(":");
  const after = right === undefined || right === "" ? [] : right.split(":");
  const groups = [
    ...before,
    ...Array<string>(8 - before.length - after.length).fill("0"),
    ...after,
  ];
  const number = groups.reduce(
    (sum, group) => sum << 16n | BigInt(`0x${group}`),
    0n,
  );
  return { bits: 128, number, text };
}
