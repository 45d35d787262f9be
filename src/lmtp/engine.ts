/**
 * What a session does with a message: received once, delivered to each
 * recipient, a reply for each.
 *
 * @module
 */

import type { IntakeApp } from "../app.ts";
import { AppError, toAppError } from "../errors.ts";
import { reason } from "../log.ts";
import { concat } from "../mail/octets.ts";
import { Gate } from "../system/gate.ts";
import { UNROUTED } from "../db/recipients.ts";
import { deliver, TRACE_BYTES } from "../vaultbox/deliver.ts";
import { queueIdOf } from "./queue_id.ts";
import { refusal, STORED } from "./reply.ts";
import type { Engine, Envelope } from "./session.ts";

/** Octets in which the first fields of a message are looked for. */
const HEAD_OCTETS = 65_536;

/** Recipients of one message that are delivered to at a time. */
const PARALLEL_MAX = 8;

/** Larger messages are encrypted one at a time: each takes ten times its size. */
const LARGE_BYTES = 4_000_000;

/** What keeps memory small; all doors of a process share it. */
export interface Gates {
  /** Messages in memory. */
  readonly all: Gate;
  /** Large ones that are being encrypted. */
  readonly large: Gate;
}

/**
 * Joins the sessions to the intake.
 *
 * @param app The intake's world.
 * @param gates Keep memory small.
 * @returns What a session is given.
 */
export function lmtpEngine(app: IntakeApp, gates: Gates): Engine {
  const { hostname } = app.config;
  const maxOctets = app.config.maxMessageBytes + TRACE_BYTES;
  return {
    hostname,
    maxOctets,
    admit: (task) => gates.all.run(task),
    async take(envelope, chunks) {
      const octets = await collect(chunks, maxOctets);
      const head = octets.subarray(0, HEAD_OCTETS);
      const queueId = queueIdOf(envelope.ident, head, hostname) ??
        crypto.randomUUID();
      const deliverTo = (recipient: string): Promise<string> =>
        replyFor(app, { ...envelope, recipient, queueId, octets });
      if (octets.length > LARGE_BYTES) {
        return await gates.large.run(() => inTurn(envelope, 1, deliverTo));
      }
      return await inTurn(envelope, PARALLEL_MAX, deliverTo);
    },
  };
}

/** Delivers to all recipients, some at a time. */
async function inTurn(
  { recipients }: Envelope,
  parallel: number,
  deliverTo: (recipient: string) => Promise<string>,
): Promise<readonly string[]> {
  const gate = new Gate(parallel);
  return await Promise.all(
    recipients.map((recipient) => gate.run(() => deliverTo(recipient))),
  );
}

/** Never throws: what became of one recipient says nothing of the others. */
async function replyFor(
  app: IntakeApp,
  { sender, recipient, queueId, octets }: {
    sender: string;
    recipient: string;
    queueId: string;
    octets: Uint8Array<ArrayBuffer>;
  },
): Promise<string> {
  try {
    const delivered = await deliver(app, {
      route: UNROUTED,
      recipient,
      sender,
      queueId,
      octets,
    });
    app.log.write("info", "message stored", {
      queue: queueId,
      vaultbox: delivered.vaultboxId,
      message: delivered.messageId,
      repeated: delivered.repeated || undefined,
      octets: octets.length,
    });
    return STORED;
  } catch (thrown) {
    const error = toAppError(thrown);
    const reply = refusal(error);
    app.log.write(
      error.code === "internal" ? "error" : "warn",
      "delivery refused",
      {
        queue: queueId,
        code: error.code,
        status: reply.split(" ")[1],
        cause: error.cause === undefined ? error.message : reason(error.cause),
      },
    );
    return reply;
  }
}

async function collect(
  chunks: AsyncIterable<Uint8Array<ArrayBuffer>>,
  maxOctets: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > maxOctets) {
      throw new AppError("message_too_large", "Message is too large");
    }
    parts.push(chunk);
  }
  return concat(parts);
}
