/**
 * What a certificate is needed for: to be read before it is retired or its key
 * destroyed.
 *
 * @module
 */

import type { Actor, App } from "../app.ts";
import { type Certificate, listCertificates } from "../db/certificates.ts";
import { countMessages } from "../db/messages.ts";
import { getVaultbox } from "../db/vaultboxes.ts";
import { AppError } from "../errors.ts";
import type { GenerationId } from "./generations.ts";

/** Messages that are counted at most. */
const COUNT_MAX = 10_000;

/** What a certificate is needed for. */
export interface CertificateUses {
  /** UUID. */
  readonly certificateId: string;
  /** Whether mail is encrypted to it now. */
  readonly isRecipient: boolean;
  /** Other certificates that mail is encrypted to. */
  readonly otherRecipients: number;
  /** Messages of the time in which it was a recipient, 10,000 at most. */
  readonly messages: number;
  /** Begin of that time. */
  readonly from: Date;
  /** End of that time; null if it goes on. */
  readonly until: Date | null;
  /** What its retirement means. */
  readonly retiring: string;
  /** What the end of its private key means; null if that is not here. */
  readonly destroying: string | null;
}

/**
 * Says what a certificate is needed for.
 *
 * @param app Uses `sql`.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param ids Which one.
 * @returns Its uses.
 * @throws {AppError} `not_found` if there is no such vaultbox or it has no such
 * certificate.
 */
export async function getCertificateUses(
  app: Pick<App, "sql">,
  actor: Actor,
  ids: GenerationId,
): Promise<CertificateUses> {
  const { vaultboxId, certificateId } = ids;
  await getVaultbox(app.sql, vaultboxId, actor);
  const all = await listCertificates(app.sql, vaultboxId);
  const index = all.findIndex(({ id }) => id === certificateId);
  const found = all[index];
  if (found === undefined) {
    throw new AppError("not_found", "No such certificate");
  }
  const others = all.filter((each) => each !== found && each.isRecipient);
  const from = found.createdAt;
  const until = endOf(found, all[index - 1]);
  const messages = await countMessages(
    app.sql,
    vaultboxId,
    from,
    until,
    COUNT_MAX,
  );
  return {
    certificateId,
    isRecipient: found.isRecipient,
    otherRecipients: others.length,
    messages,
    from,
    until,
    retiring: retiringText(found, others.length, messages),
    destroying: destroyingText(found, messages),
  };
}

/** When mail ceased to be encrypted to it; an upper bound. */
function endOf(
  { retiredAt, hasReaders, isRecipient }: Certificate,
  next: Certificate | undefined,
): Date | null {
  if (isRecipient) return null;
  if (retiredAt !== null) return retiredAt;
  const isSuperseded = !hasReaders && next?.retiredAt === null;
  return isSuperseded ? next.createdAt : null;
}

function retiringText(
  { isRecipient, handedOutAt }: Certificate,
  others: number,
  messages: number,
): string {
  if (!isRecipient) return "Mail is not encrypted to it now.";
  if (others === 0) {
    return "It cannot be retired: mail would have no certificate to be encrypted to.";
  }
  const clients = handedOutAt === null
    ? ""
    : "Clients that have this key alone open no mail from then on. ";
  return `${clients}${ofItsTime(messages)} Its key goes on to open those.`;
}

function destroyingText(
  { keyState, handedOutAt }: Certificate,
  messages: number,
): string | null {
  if (keyState !== "kept") return null;
  const holders = handedOutAt === null
    ? "Nobody else has the key: what it alone opens is lost."
    : "It opens with a bundle of before alone: whoever has lost that has lost the mail.";
  return `${ofItsTime(messages)} ${holders}`;
}

function ofItsTime(messages: number): string {
  const count = messages < COUNT_MAX ? `${messages}` : `${COUNT_MAX} or more`;
  return `Messages that were encrypted to it, perhaps to others as well: ${count}.`;
}
