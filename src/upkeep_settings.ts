/**
 * Settings of what watches the appliance and keeps it in order.
 *
 * @module
 */

import type { Setting } from "./settings.ts";

/** The settings, in the order of the documentation. */
export const UPKEEP_SETTINGS: readonly Setting[] = [
  {
    name: "ENCIMAP_METRICS_PORT",
    kind: { type: "int", min: 1, max: 65535 },
    summary:
      "Port on 127.0.0.1 where Prometheus asks `/metrics`; closed where it is not set. What it says names nobody, and everybody on this machine may ask.",
  },
  {
    name: "ENCIMAP_AUDIT_DAYS",
    fallback: "730",
    kind: { type: "int", min: 0, max: 36500 },
    summary:
      "Days for which entries of the audit log are kept, receipts of destroyed keys among them; 0 is for ever, and fewer than 30 are 30.",
  },
  {
    name: "ENCIMAP_FORMER_ADDRESS_DAYS",
    fallback: "90",
    kind: { type: "int", min: 30, max: 36500 },
    summary:
      "Days for which it is known that an address had another holder: mail that Postfix has kept for longer would go to the holder of today.",
  },
  {
    name: "ENCIMAP_QUEUE_SOCKET",
    fallback: "/run/encimap/queue.sock",
    kind: {
      type: "text",
      regexp: /^\/[\x21-\x7e]*$/,
      form: "an absolute path",
    },
    summary:
      "Unix socket behind which systemd starts `encimap queue`, for the metrics of Postfix's queue.",
  },
  {
    name: "ENCIMAP_SUBMISSION_PORT",
    fallback: "587",
    kind: { type: "int", min: 1, max: 65535 },
    summary:
      "Port on 127.0.0.1 where Postfix takes submissions, for `encimap doctor`.",
  },
  {
    name: "ENCIMAP_IMAP_PORT",
    fallback: "993",
    kind: { type: "int", min: 1, max: 65535 },
    summary: "Port on 127.0.0.1 where Dovecot answers, for `encimap doctor`.",
  },
];
