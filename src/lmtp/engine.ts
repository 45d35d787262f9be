/**
 * What a session does with a message: received once, delivered to each
 * recipient, a reply for each.
 *
 * @module
 */

import type { IntakeApp } from "../app.ts";
import { type AppError, toAppError } from "../errors.ts";
import { Gate } from "../system/gate.ts";
import { UNROUTED } from "../db/recipients.ts";
import type { Admission } from "../vaultbox/admission.ts";
import { deliver, type Delivery, maxOctets } from "../vaultbox/deliver.ts";
import { receive } from "../vaultbox/receive.ts";
import { queueIdOf } from "./queue_id.ts";
import { refusal, STORED } from "./reply.ts";
import type { Engine, Envelope } from "./session.ts";

/** Octets in which the first fields of a message are looked for. */
const HEAD_OCTETS = 65_536;

/**
 * Recipients of messages in memory that are delivered to at a time, those of each
 * message in turn: each takes some times the length of its message, at most 2 MiB.
 */
const DELIVERIES_MAX = 16;

/**
 * Joins the sessions to the intake.
 *
 * @param app The intake's world.
 * @param admission Decides which mail is taken; all doors share it.
 * @returns What a session is given.
 */
export function lmtpEngine(app: IntakeApp, admission: Admission): Engine {
  const { hostname } = app.config;
  const limit = maxOctets(app);
  const deliveries = new Gate(DELIVERIES_MAX);
  const refused = (error: AppError, queue: string | undefined): void => {
    app.metrics.refused("lmtp", error.code);
    admission.refused(error, { queue });
  };
  return {
    hostname,
    maxOctets: limit,
    async admit(octets, task) {
      await admission.check(octets);
      return await admission.run("lmtp", task, octets);
    },
    isCrowded: () => admission.isCrowded,
    refused,
    async take(envelope, chunks) {
      const began = performance.now();
      await using message = await receive(app, chunks, {
        maxOctets: limit,
        isWireForm: true,
      });
      const head = message.head.subarray(0, HEAD_OCTETS);
      const queueId = queueIdOf(envelope.ident, head, hostname) ??
        crypto.randomUUID();
      const deliverTo = (recipient: string): Promise<string> =>
        replyFor(app, began, refused, {
          route: UNROUTED,
          recipient,
          sender: envelope.sender,
          queueId,
          message,
        });
      // One reader at a time reads what is not in memory.
      if (message.octets > message.head.length) {
        return await inTurn(envelope, deliverTo);
      }
      return await Promise.all(
        envelope.recipients.map((recipient) =>
          deliveries.run(() => deliverTo(recipient), queueId)
        ),
      );
    },
  };
}

async function inTurn(
  { recipients }: Envelope,
  deliverTo: (recipient: string) => Promise<string>,
): Promise<string[]> {
  const replies: string[] = [];
  for (const recipient of recipients) replies.push(await deliverTo(recipient));
  return replies;
}

/** Never throws: what became of one recipient says nothing of the others. */
async function replyFor(
  app: IntakeApp,
  began: number,
  refused: Engine["refused"],
  delivery: Delivery,
): Promise<string> {
  try {
    const { repeated } = await deliver(app, delivery);
    const { octets } = delivery.message;
    app.metrics.stored("lmtp", { repeated, octets, began });
    return STORED;
  } catch (thrown) {
    const error = toAppError(thrown);
    refused(error, delivery.queueId);
    return refusal(error);
  }
}
