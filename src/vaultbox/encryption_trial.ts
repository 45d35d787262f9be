/**
 * Trials: a mail encrypted as it is wanted, with a code in it, which its owner
 * gives back. Then the owner can read such mail, and it is switched on.
 *
 * @module
 */

import { timingSafeEqual } from "node:crypto";
import type { Actor, App } from "../app.ts";
import { insertAudit } from "../db/audit.ts";
import { listRecipients } from "../db/certificates.ts";
import {
  countAttempt,
  deleteTrial,
  type EncryptionTrial,
  findTrial,
  replaceTrial,
} from "../db/encryption_trials.ts";
import {
  getVaultbox,
  updateVaultbox,
  type Vaultbox,
} from "../db/vaultboxes.ts";
import {
  type ChosenPolicy,
  type EncryptionPolicy,
  policyInForce,
} from "../encryption_policy.ts";
import { AppError } from "../errors.ts";
import { messageInMemory } from "../mail/message.ts";
import { concat } from "../mail/octets.ts";
import { encryptMessage } from "../smime/encrypt_message.ts";
import { readRecipient } from "../smime/recipient.ts";
import { readCertificate } from "../smime/recipient_certificate.ts";
import { pemDecode } from "../x509/pem.ts";
import { policyDetails } from "./encryption_policy.ts";
import { randomLetters } from "./random_letters.ts";
import { trialMail } from "./trial_mail.ts";

/** Milliseconds in which a trial can be confirmed: three days. */
const VALID_MS = 3 * 86_400_000;
/** Milliseconds between two trials of a vaultbox. */
const PAUSE_MS = 60_000;
/** Wrong codes that a trial allows. */
const MAX_ATTEMPTS = 5;
/** Letters of a code, five bits each. */
const CODE_LETTERS = 12;

/** A trial that has begun. */
export interface BegunTrial {
  /** What will be in force after the confirmation. */
  readonly policy: EncryptionPolicy;
  /** When it can no longer be confirmed. */
  readonly expiresAt: Date;
}

/**
 * Sends a mail that is encrypted as it is wanted to a vaultbox. A trial that is
 * under way ends.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param vaultboxId UUID.
 * @param wanted At least one part of a policy.
 * @returns What was begun.
 * @throws {AppError} `not_found` if there is no such vaultbox,
 * `invalid_request` if nothing is wanted, `conflict` if the vaultbox is
 * suspended or the mail would prove nothing, `too_many_requests` if a trial
 * began less than a minute ago, `unavailable` if the mail cannot be stored.
 */
export async function beginTrial(
  app: App,
  actor: Actor,
  vaultboxId: string,
  wanted: Partial<EncryptionPolicy>,
): Promise<BegunTrial> {
  const code = randomLetters(CODE_LETTERS).replace(/.{4}(?=.)/g, "$&-");
  const codeHash = await fingerprint(app, vaultboxId, code);
  const { vaultbox, trial, certificates } = await app.sql.begin(async (tx) => {
    const vaultbox = await getVaultbox(tx, vaultboxId, actor, true);
    if (Object.keys(wanted).length === 0) {
      throw new AppError("invalid_request", "No part of a policy is wanted");
    }
    if (vaultbox.status !== "active") {
      throw new AppError("conflict", "Vaultbox is suspended");
    }
    const now = app.now();
    const earlier = await findTrial(tx, vaultboxId);
    if (
      earlier !== undefined &&
      now.getTime() - earlier.createdAt.getTime() < PAUSE_MS
    ) {
      throw new AppError(
        "too_many_requests",
        "A trial of this vaultbox began less than a minute ago",
      );
    }
    const recipients = await listRecipients(tx, vaultboxId);
    const certificates = recipients.map(({ publicCertPem }) =>
      pemDecode("CERTIFICATE", publicCertPem)
    );
    checkKeys(certificates, wanted);
    const trial: EncryptionTrial = {
      vaultboxId,
      contentCipher: null,
      keyTransport: null,
      headerProtection: null,
      ...wanted,
      codeHash,
      attempts: 0,
      createdAt: now,
      expiresAt: new Date(now.getTime() + VALID_MS),
    };
    await replaceTrial(tx, trial);
    await audit(tx, actor, vaultbox, "encryption_trial.create", wanted);
    return { vaultbox, trial, certificates };
  });
  const chosen = { ...vaultbox, ...wanted };
  const policy = policyInForce(chosen, app.config.encryption);
  // After the commit: the intake changes the row that was locked.
  try {
    const mail = trialMail({
      address: `${vaultbox.alias}@${vaultbox.domain}`,
      hostname: app.config.hostname,
      at: trial.createdAt,
      policy,
      code,
    });
    const { chunks } = await encryptMessage(
      messageInMemory(mail),
      certificates.map(readRecipient),
      {
        traceFields: [],
        ...policy,
      },
    );
    await app.intake.store({
      vaultboxId,
      recipient: `${vaultbox.alias}@${vaultbox.domain}`,
      octets: concat(await Array.fromAsync(chunks)),
    });
  } catch (error) {
    await app.sql.begin(async (tx) => {
      await deleteTrial(tx, vaultboxId, codeHash);
      await audit(tx, actor, vaultbox, "encryption_trial.create.undo", {});
    });
    throw error;
  }
  return { policy, expiresAt: trial.expiresAt };
}

/**
 * Switches on what a trial was about.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param vaultboxId UUID.
 * @param code The code in the mail, in any case, with or without dashes.
 * @returns The vaultbox as it is then.
 * @throws {AppError} `not_found` if there is no such vaultbox, `conflict` if no
 * trial is under way, `invalid_request` if the code is wrong; the fifth wrong
 * one ends the trial.
 */
export async function confirmTrial(
  app: Pick<App, "now" | "sealer" | "sql">,
  actor: Actor,
  vaultboxId: string,
  code: string,
): Promise<Vaultbox> {
  const given = await fingerprint(app, vaultboxId, code);
  const confirmed = await app.sql.begin(async (tx) => {
    const vaultbox = await getVaultbox(tx, vaultboxId, actor, true);
    const trial = await findTrial(tx, vaultboxId);
    if (trial === undefined || trial.expiresAt <= app.now()) {
      throw new AppError(
        "conflict",
        "No trial is under way",
        {
          details: {
            reason: "no_trial",
            advice: "Begin with POST /vaultboxes/{id}/encryption-trial.",
          },
        },
      );
    }
    if (!timingSafeEqual(trial.codeHash, given)) {
      const isLast = trial.attempts + 1 >= MAX_ATTEMPTS;
      await (isLast ? deleteTrial : countAttempt)(tx, vaultboxId);
      return undefined;
    }
    const policy = policyOf(trial);
    await deleteTrial(tx, vaultboxId);
    await audit(tx, actor, vaultbox, "encryption_trial.confirm", policy);
    return await updateVaultbox(tx, vaultboxId, policy);
  });
  // Outside of the transaction, which keeps the count.
  if (confirmed === undefined) {
    throw new AppError("invalid_request", "code is not the one in the mail", {
      details: { field: "code" },
    });
  }
  return confirmed;
}

/** A mail to EC keys alone says nothing about RSA. */
function checkKeys(
  certificates: readonly Uint8Array<ArrayBuffer>[],
  { keyTransport }: Partial<EncryptionPolicy>,
): void {
  if (keyTransport === undefined) return;
  if (certificates.some((der) => readCertificate(der).keyType === "RSA")) {
    return;
  }
  throw new AppError(
    "conflict",
    "key_transport is about RSA keys, and no certificate of the vaultbox has one",
  );
}

function policyOf(trial: EncryptionTrial): Partial<EncryptionPolicy> {
  const { contentCipher, keyTransport, headerProtection } = trial;
  return {
    ...contentCipher !== null && { contentCipher },
    ...keyTransport !== null && { keyTransport },
    ...headerProtection !== null && { headerProtection },
  };
}

function audit(
  tx: Parameters<typeof insertAudit>[0],
  actor: Actor,
  { id: vaultboxId, userId, domain }: Vaultbox,
  action: string,
  policy: Partial<ChosenPolicy>,
): Promise<void> {
  const details = policyDetails(policy);
  return insertAudit(tx, actor, {
    action,
    userId,
    vaultboxId,
    domain,
    details,
  });
}

function fingerprint(
  app: Pick<App, "sealer">,
  vaultboxId: string,
  code: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const letters = code.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  return app.sealer.fingerprint(
    new TextEncoder().encode(`encryption trial\n${vaultboxId}\n${letters}`),
  );
}
