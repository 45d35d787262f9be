/**
 * What may be chosen without a trial.
 *
 * @module
 */

import { AppError } from "../errors.ts";
import type { ChosenPolicy, EncryptionPolicy } from "../encryption_policy.ts";

/** What many mail clients cannot read, or show less well. */
const NEEDS_TRIAL: Partial<EncryptionPolicy> = {
  contentCipher: "aes-256-gcm",
  keyTransport: "rsaes-oaep",
  headerProtection: "hide",
};

/**
 * Refuses a policy that its owner may not be able to read.
 *
 * @param before What is in force.
 * @param wanted What is to be changed.
 * @throws {AppError} `conflict` if something in it needs a trial.
 */
export function checkPolicy(
  before: EncryptionPolicy,
  wanted: Partial<ChosenPolicy>,
): void {
  const risky = (Object.keys(NEEDS_TRIAL) as (keyof EncryptionPolicy)[])
    .find((key) =>
      wanted[key] === NEEDS_TRIAL[key] && before[key] !== NEEDS_TRIAL[key]
    );
  if (risky === undefined) return;
  throw new AppError(
    "conflict",
    `Not every mail client reads ${wanted[risky]}`,
    {
      details: {
        reason: "needs_trial",
        advice:
          "Begin with POST /vaultboxes/{id}/encryption-trial, or set explicit to true.",
      },
    },
  );
}

/**
 * Describes a policy for the audit log.
 *
 * @param policy What is set; null is the appliance's default again.
 * @returns Its fields by JSON name.
 */
export function policyDetails(
  policy: Partial<ChosenPolicy>,
): Record<string, string | null> {
  const { contentCipher, keyTransport, headerProtection } = policy;
  return {
    ...contentCipher !== undefined && { "content_cipher": contentCipher },
    ...keyTransport !== undefined && { "key_transport": keyTransport },
    ...headerProtection !== undefined &&
      { "header_protection": headerProtection },
  };
}
