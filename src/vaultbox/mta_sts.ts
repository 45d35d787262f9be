/**
 * The policy by which other servers send to this host by TLS alone.
 *
 * @module
 * @see {@link https://www.rfc-editor.org/rfc/rfc8461 | RFC 8461}
 */

import { createHash } from "node:crypto";
import type { App } from "../app.ts";

/** Seconds for which a policy is believed: a week. */
const MAX_AGE = 604_800;

/** Hexadecimal digits of an id, of at most 32. */
const ID_DIGITS = 24;

/** A policy. */
export interface MtaStsPolicy {
  /** The file, RFC 8461 section 3.2. */
  readonly text: string;
  /** What changes with it, section 3.1. */
  readonly id: string;
}

/**
 * Makes the policy, which is the same for all domains.
 *
 * @param app Uses `config`.
 * @returns The policy; undefined if there is none.
 */
export function mtaStsPolicy(
  { config }: Pick<App, "config">,
): MtaStsPolicy | undefined {
  const { hostname, mtaSts, publicPort } = config;
  if (mtaSts === "off" || publicPort === undefined) return undefined;
  const text = [
    "version: STSv1",
    `mode: ${mtaSts}`,
    `mx: ${hostname}`,
    `max_age: ${MAX_AGE}`,
    "",
  ].join("\r\n");
  const digest = createHash("sha256").update(text).digest("hex");
  return { text, id: digest.slice(0, ID_DIGITS) };
}
