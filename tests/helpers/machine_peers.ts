/**
 * The processes that the API asks about the machine, as their sockets answer.
 *
 * @module
 */

import { createServer as createHttpServer } from "node:http";
import { createServer, type Server } from "node:net";
import type { Outcome } from "../../src/cli/doctor/check.ts";
import { gauge } from "../../src/metrics/metric.ts";
import { METRICS } from "../../src/metrics/table.ts";
import { queueMetrics } from "../../src/vaultbox/queue_metrics.ts";

/** Sockets that answer. */
export interface MachinePeers extends AsyncDisposable {
  /** Settings that name them. */
  readonly env: Readonly<Record<string, string>>;
  /** How often the queue was counted. */
  readonly counted: () => number;
}

/** Octets of the disk of {@linkcode machinePeers}. */
export const ROOM = { total: 40e9, free: 3e9, min: 1e9 };

/**
 * Serves a queue in which two mails wait and one is held, and an intake that
 * takes mail.
 *
 * @param room Octets of the intake's disk.
 */
export async function machinePeers(
  room: typeof ROOM = ROOM,
): Promise<MachinePeers> {
  const directory = await Deno.makeTempDir({ prefix: "encimap-" });
  const queue = `${directory}/queue.sock`;
  const intake = `${directory}/intake.sock`;
  let counted = 0;
  const servers = [
    await listening(
      queue,
      createServer((socket) => {
        counted++;
        queueText().then((text) => socket.end(text));
      }),
    ),
    await listening(
      intake,
      createHttpServer((request, response) => {
        response.setHeader("Connection", "close");
        response.end(request.url === "/metrics" ? storeText(room) : "{}");
      }),
    ),
  ];
  return {
    env: { ENCIMAP_QUEUE_SOCKET: queue, ENCIMAP_INTAKE_SOCKET: intake },
    counted: () => counted,
    async [Symbol.asyncDispose]() {
      for (const server of servers) {
        await new Promise((resolve) => server.close(resolve));
      }
      await Deno.remove(directory, { recursive: true });
    },
  };
}

/** What `encimap doctor` could say of a machine with a fault. */
export const OUTCOMES: readonly Outcome[] = [
  outcome("database", "ok", "the database has the schema of this program"),
  outcome("smtp", "failed", "Postfix takes mail on port 25", {
    problem: "postfix@-.service is failed",
    fix: 'See "systemctl status postfix".',
  }),
  outcome("backup", "ok", "there is a backup, and it is new", {
    note: "the last one is 7 hours old",
  }),
  outcome("host-name", "warning", "DNS has an address", {
    problem: "there is none, as of <mail.example.test>",
    fix: "Set one.",
  }),
  outcome("mail", "skipped", "a mail comes in", { problem: 'it needs "smtp"' }),
];

/** What a check said. */
export function outcome(
  name: string,
  status: Outcome["status"],
  title: string,
  more: Partial<Outcome> = {},
): Outcome {
  return {
    name,
    status,
    title,
    note: undefined,
    problem: undefined,
    fix: undefined,
    mended: undefined,
    milliseconds: 1,
    ...more,
  };
}

function queueText(): Promise<string> {
  return queueMetrics(async function* () {
    yield '{"queue_name": "deferred", "arrival_time": 1, "message_size": 700}';
    yield '{"queue_name": "deferred", "arrival_time": 9, "message_size": 500}';
    yield '{"queue_name": "hold", "arrival_time": 1, "message_size": 42}';
  }, new Date(7_201_000));
}

function storeText({ total, free, min }: typeof ROOM): string {
  return [
    gauge(METRICS.storeSizeBytes, total),
    gauge(METRICS.storeFreeBytes, free),
    gauge(METRICS.storeMinFreeBytes, min),
  ].join("");
}

async function listening(path: string, server: Server): Promise<Server> {
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return server;
}
