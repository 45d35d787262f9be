/**
 * JSON names of the state of the machine.
 *
 * @module
 */

import type { Machine } from "../vaultbox/machine.ts";
import { QUEUES } from "../vaultbox/queue_metrics.ts";
import { VERSION } from "../version.ts";
import {
  COUNT,
  type Json,
  shape,
  TEXT,
  TIME,
  TIME_OR_NULL,
} from "./answers.ts";
import type { Schema } from "./fields.ts";
import { SERVICES, servicesJson } from "./health_answers.ts";

/** Schema of text, or null where there is none. */
const TEXT_OR_NULL: Schema = { type: ["string", "null"] };

/** Schema of {@linkcode machineJson}. */
export const MACHINE: Schema = shape("Machine", {
  version: TEXT,
  services: SERVICES,
  queues: {
    anyOf: [
      {
        type: "array",
        items: shape("Queue", {
          name: { type: "string", enum: QUEUES },
          messages: COUNT,
          bytes: COUNT,
          "oldest_seconds": COUNT,
        }),
      },
      { type: "null" },
    ],
  },
  store: {
    anyOf: [
      shape("StoreRoom", {
        "total_bytes": COUNT,
        "free_bytes": COUNT,
        "min_free_bytes": COUNT,
      }),
      { type: "null" },
    ],
  },
  vaultboxes: {
    anyOf: [
      shape("VaultboxSums", {
        active: COUNT,
        suspended: COUNT,
        full: COUNT,
        messages: COUNT,
        bytes: COUNT,
        "last_received": TIME_OR_NULL,
      }),
      { type: "null" },
    ],
  },
  doctor: {
    anyOf: [
      shape("DoctorReport", {
        at: TIME,
        version: TEXT,
        status: { type: "string", enum: ["ok", "warning", "failed"] },
        checks: {
          type: "array",
          items: shape("DoctorCheck", {
            name: TEXT,
            status: {
              type: "string",
              enum: ["ok", "warning", "failed", "skipped"],
            },
            title: TEXT,
            note: TEXT_OR_NULL,
            problem: TEXT_OR_NULL,
            fix: TEXT_OR_NULL,
          }),
        },
      }),
      { type: "null" },
    ],
  },
});

/**
 * Shapes the state of the machine.
 *
 * @param machine The state.
 * @returns Null for a part that did not answer.
 */
export function machineJson(machine: Machine): Json {
  const { health, queues, store, sums, doctor } = machine;
  return {
    "version": VERSION,
    "services": servicesJson(health),
    "queues": queues?.map(({ name, messages, bytes, oldestSeconds }) => ({
      "name": name,
      "messages": messages,
      "bytes": bytes,
      "oldest_seconds": oldestSeconds,
    })) ?? null,
    "store": store === undefined ? null : {
      "total_bytes": store.totalBytes,
      "free_bytes": store.freeBytes,
      "min_free_bytes": store.minFreeBytes,
    },
    "vaultboxes": sums === undefined ? null : {
      "active": sums.active,
      "suspended": sums.suspended,
      "full": sums.full,
      "messages": sums.messages,
      "bytes": sums.bytes,
      "last_received": sums.lastReceived,
    },
    "doctor": doctor === undefined ? null : {
      "at": doctor.at,
      "version": doctor.version,
      "status": doctor.status,
      // Another version may have written more into a check.
      "checks": doctor.checks.map((
        { name, status, title, note, problem, fix },
      ) => ({ name, status, title, note, problem, fix })),
    },
  };
}
