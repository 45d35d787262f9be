/**
 * The table of metrics. docs/monitoring.md has the same; a test compares them.
 *
 * @module
 */

import type { Metric } from "./metric.ts";

/** Seconds: from what memory takes to the deadline of encimap_pipe.sh. */
const SECONDS = [
  0.001,
  0.0025,
  0.005,
  0.01,
  0.025,
  0.05,
  0.1,
  0.25,
  0.5,
  1,
  2.5,
  5,
  10,
  30,
  60,
  240,
];

/** Makes the type of each row know its labels. */
function metric<const L extends string>(row: Metric<L>): Metric<L> {
  return row;
}

/** All metrics, in the order of the documentation. */
export const METRICS = {
  deliveries: metric({
    name: "encimap_deliveries_total",
    type: "counter",
    labels: ["door", "outcome"],
    help:
      "Deliveries, one for each attempt and recipient, by the door of the intake and by what became of them",
  }),
  deliverySeconds: metric({
    name: "encimap_delivery_seconds",
    type: "histogram",
    labels: ["door"],
    help: "Time of a stored delivery, from its first octet to the answer",
    buckets: SECONDS,
  }),
  stepSeconds: metric({
    name: "encimap_delivery_step_seconds",
    type: "histogram",
    labels: ["step"],
    help: "Time of the steps of a delivery",
    buckets: SECONDS,
  }),
  waitSeconds: metric({
    name: "encimap_admission_wait_seconds",
    type: "histogram",
    labels: [],
    help: "Time that a message waited for its turn",
    buckets: SECONDS,
  }),
  receivedBytes: metric({
    name: "encimap_received_bytes_total",
    type: "counter",
    labels: [],
    help: "Octets of stored messages as they came",
  }),
  admissionInUse: metric({
    name: "encimap_admission_in_use",
    type: "gauge",
    labels: [],
    help: "Messages that the intake works on",
  }),
  admissionMax: metric({
    name: "encimap_admission_max",
    type: "gauge",
    labels: [],
    help: "Messages that the intake works on at a time, at most",
  }),
  admissionWaiting: metric({
    name: "encimap_admission_waiting",
    type: "gauge",
    labels: [],
    help: "Messages that wait for their turn",
  }),
  intakeConnections: metric({
    name: "encimap_intake_connections",
    type: "gauge",
    labels: [],
    help: "Open connections of all doors of the intake",
  }),
  rowsWaiting: metric({
    name: "encimap_rows_waiting",
    type: "gauge",
    labels: [],
    help: "Messages on disk whose rows wait for the database",
  }),
  storeSizeBytes: metric({
    name: "encimap_store_size_bytes",
    type: "gauge",
    labels: [],
    help: "Size of the mail store's disk, in octets",
  }),
  storeFreeBytes: metric({
    name: "encimap_store_free_bytes",
    type: "gauge",
    labels: [],
    help: "Free space of the mail store's disk, in octets",
  }),
  storeMinFreeBytes: metric({
    name: "encimap_store_min_free_bytes",
    type: "gauge",
    labels: [],
    help: "Free space below which no mail is taken, in octets",
  }),
  intakeUp: metric({
    name: "encimap_intake_up",
    type: "gauge",
    labels: [],
    help: "Whether the intake answered: 1 or 0",
  }),
  intakeMemoryBytes: metric({
    name: "encimap_intake_memory_bytes",
    type: "gauge",
    labels: [],
    help: "Resident memory of the intake, in octets",
  }),
  intakeStartSeconds: metric({
    name: "encimap_intake_start_seconds",
    type: "gauge",
    labels: [],
    help: "When the intake started, in seconds since 1970",
  }),
  queueMessages: metric({
    name: "encimap_queue_messages",
    type: "gauge",
    labels: ["queue"],
    help: "Messages in Postfix's queue",
  }),
  queueBytes: metric({
    name: "encimap_queue_bytes",
    type: "gauge",
    labels: ["queue"],
    help: "Octets of the messages in Postfix's queue",
  }),
  queueOldestSeconds: metric({
    name: "encimap_queue_oldest_seconds",
    type: "gauge",
    labels: ["queue"],
    help: "Age of the oldest message in Postfix's queue, in seconds",
  }),
  queueUp: metric({
    name: "encimap_queue_up",
    type: "gauge",
    labels: [],
    help: "Whether Postfix's queue could be read: 1 or 0",
  }),
  databaseUp: metric({
    name: "encimap_database_up",
    type: "gauge",
    labels: [],
    help: "Whether the database answered: 1 or 0",
  }),
  databaseSeconds: metric({
    name: "encimap_database_seconds",
    type: "gauge",
    labels: [],
    help:
      "Time that the simplest query took, waiting for a connection of the API's pool included",
  }),
  databaseConnections: metric({
    name: "encimap_database_connections",
    type: "gauge",
    labels: ["role"],
    help: "Connections to the appliance's database",
  }),
  databaseConnectionsMax: metric({
    name: "encimap_database_connections_max",
    type: "gauge",
    labels: [],
    help: "Connections that PostgreSQL allows",
  }),
  databaseBytes: metric({
    name: "encimap_database_bytes",
    type: "gauge",
    labels: [],
    help: "Size of the database, in octets",
  }),
  vaultboxes: metric({
    name: "encimap_vaultboxes",
    type: "gauge",
    labels: ["status"],
    help: "Vaultboxes",
  }),
  vaultboxesFull: metric({
    name: "encimap_vaultboxes_full",
    type: "gauge",
    labels: [],
    help: "Vaultboxes in which no message fits",
  }),
  storedMessages: metric({
    name: "encimap_stored_messages",
    type: "gauge",
    labels: [],
    help: "Messages in all vaultboxes",
  }),
  storedBytes: metric({
    name: "encimap_stored_bytes",
    type: "gauge",
    labels: [],
    help: "Octets of the messages in all vaultboxes",
  }),
  certificatesEnding: metric({
    name: "encimap_certificates_ending",
    type: "gauge",
    labels: ["custody", "within_days"],
    help:
      "Newest certificates of vaultboxes that end within so many days, those that have ended included",
  }),
  certificatesOverdue: metric({
    name: "encimap_certificates_overdue",
    type: "gauge",
    labels: [],
    help:
      "Newest certificates, renewable here, that ought to have been renewed two days ago",
  }),
  renewalsFailed: metric({
    name: "encimap_renewals_failed",
    type: "gauge",
    labels: [],
    help: "Newest certificates whose last renewal failed",
  }),
  tlsExpiresSeconds: metric({
    name: "encimap_tls_certificate_expires_seconds",
    type: "gauge",
    labels: ["service"],
    help:
      "When the certificate for TLS that a server shows ends, in seconds since 1970",
  }),
  bundlesUnconfirmed: metric({
    name: "encimap_bundles_unconfirmed",
    type: "gauge",
    labels: [],
    help:
      "Bundles of custody client that nobody has confirmed for a week, at most 10000",
  }),
  removalsStuck: metric({
    name: "encimap_removals_stuck",
    type: "gauge",
    labels: [],
    help: "Deleted vaultboxes whose mail is still there after an hour",
  }),
  maintenanceSeconds: metric({
    name: "encimap_maintenance_last_run_seconds",
    type: "gauge",
    labels: [],
    help: "When maintenance ran last, in seconds since 1970",
  }),
  verifySeconds: metric({
    name: "encimap_verify_last_end_seconds",
    type: "gauge",
    labels: [],
    help: "When all vaultboxes were verified last, in seconds since 1970",
  }),
  verifyFindings: metric({
    name: "encimap_verify_findings",
    type: "gauge",
    labels: ["finding"],
    help: "Files that the last verification of their vaultbox has named",
  }),
  apiRequests: metric({
    name: "encimap_api_requests_total",
    type: "counter",
    labels: ["operation", "status"],
    help: "Requests to the API, by operationId and HTTP status",
  }),
  apiSeconds: metric({
    name: "encimap_api_request_seconds",
    type: "histogram",
    labels: [],
    help: "Time of requests to the API",
    buckets: SECONDS,
  }),
  publicRequests: metric({
    name: "encimap_public_requests_total",
    type: "counter",
    labels: ["status"],
    help: "Requests to what anybody may ask, by HTTP status",
  }),
  apiMemoryBytes: metric({
    name: "encimap_api_memory_bytes",
    type: "gauge",
    labels: [],
    help: "Resident memory of the API, in octets",
  }),
  apiStartSeconds: metric({
    name: "encimap_api_start_seconds",
    type: "gauge",
    labels: [],
    help: "When the API started, in seconds since 1970",
  }),
  info: metric({
    name: "encimap_build_info",
    type: "gauge",
    labels: ["version"],
    help: "1, with the version of the program",
  }),
} as const;
