/**
 * JSON names of the state of health.
 *
 * @module
 */

import type { Health } from "../vaultbox/health.ts";
import { COUNT, type Json, shape } from "./answers.ts";
import type { Schema } from "./fields.ts";

/** Schema of {@linkcode servicesJson}. */
export const SERVICES: Schema = shape("Services", {
  database: { type: "string", enum: ["connected", "disconnected"] },
  storage: { type: "string", enum: ["accessible", "inaccessible"] },
  mta: { type: "string", enum: ["running", "stopped"] },
  imap: { type: "string", enum: ["running", "stopped"] },
});

/**
 * Shapes which parts work.
 *
 * @param health The state.
 * @returns A word for each.
 */
export function servicesJson(health: Health): Json {
  return {
    "database": health.database ? "connected" : "disconnected",
    "storage": health.storage ? "accessible" : "inaccessible",
    "mta": health.mta ? "running" : "stopped",
    "imap": health.imap ? "running" : "stopped",
  };
}

/** Schema of {@linkcode healthJson}. */
export const HEALTH: Schema = shape("Health", {
  status: { type: "string", enum: ["healthy", "unhealthy"] },
  services: SERVICES,
  certificates: {
    anyOf: [
      shape("CertificateCounts", {
        expiring: COUNT,
        expired: COUNT,
        "renewal_failed": COUNT,
        unconfirmed: COUNT,
      }),
      { type: "null" },
    ],
  },
  sending: {
    anyOf: [
      shape("SendingCounts", { stopped: COUNT, limited: COUNT }),
      { type: "null" },
    ],
  },
});

/**
 * Shapes the state of health.
 *
 * @param health The state.
 * @returns As the guide has it: without an envelope.
 */
export function healthJson(health: Health): Json {
  return {
    "status": health.healthy ? "healthy" : "unhealthy",
    "services": servicesJson(health),
    "certificates": health.certificates === undefined ? null : {
      "expiring": health.certificates.expiring,
      "expired": health.certificates.expired,
      "renewal_failed": health.certificates.renewalFailed,
      "unconfirmed": health.certificates.unconfirmed,
    },
    "sending": health.sending === undefined ? null : {
      "stopped": health.sending.stopped,
      "limited": health.sending.limited,
    },
  };
}

/** Schema of the answer of a process that answers. */
export const LIVE: Schema = shape("Live", { status: { const: "live" } });

/** Schema of the answer whether requests can be answered. */
export const READY: Schema = shape("Ready", {
  status: { type: "string", enum: ["ready", "unready"] },
});
