/**
 * The state of health, cheap enough for anybody to ask.
 *
 * @module
 */

import { request } from "node:http";
import { connect } from "node:net";
import type { App } from "../app.ts";

/** Which parts work. */
export interface Health {
  /** Whether all do. */
  readonly healthy: boolean;
  /** Whether the database answers. */
  readonly database: boolean;
  /** Whether the intake runs and can write. */
  readonly storage: boolean;
  /** Whether Postfix takes connections. */
  readonly mta: boolean;
}

/** Milliseconds that a part may take to answer. */
const TIMEOUT_MS = 3000;

/** Milliseconds for which an answer is given again. */
const KEPT_MS = 2000;

/**
 * Makes a check whose answers are kept for two seconds, so that whoever asks
 * often costs nothing.
 *
 * @param app Uses `config`, `now` and `sql`.
 * @returns The check.
 */
export function healthCheck(
  app: Pick<App, "config" | "now" | "sql">,
): () => Promise<Health> {
  let kept: { until: number; health: Promise<Health> } | undefined;
  return () => {
    const now = app.now().getTime();
    if (kept === undefined || now >= kept.until) {
      kept = { until: now + KEPT_MS, health: checkHealth(app) };
    }
    return kept.health;
  };
}

/**
 * Asks every part.
 *
 * @param app Uses `config` and `sql`.
 * @returns Which parts work.
 */
export async function checkHealth(
  app: Pick<App, "config" | "sql">,
): Promise<Health> {
  const [database, storage, mta] = await Promise.all([
    works(async () => {
      await app.sql`select 1`;
    }),
    works(() => intakeIsHealthy(app.config.intakeSocket)),
    works(() => isListening(app.config.smtpPort)),
  ]);
  return { healthy: database && storage && mta, database, storage, mta };
}

async function works(check: () => Promise<void>): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), TIMEOUT_MS);
  });
  const done = check().then(() => true, () => false);
  const result = await Promise.race([done, late]);
  clearTimeout(timer);
  return result;
}

function intakeIsHealthy(socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath, path: "/health", timeout: TIMEOUT_MS, agent: false },
      (response) => {
        response.resume();
        if (response.statusCode === 200) resolve();
        else reject(new Error(`intake answers ${response.statusCode}`));
      },
    );
    asked.on("timeout", () => asked.destroy(new Error("intake is silent")));
    asked.on("error", reject);
    asked.end();
  });
}

function isListening(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, timeout: TIMEOUT_MS });
    socket.on("error", reject);
    socket.on("timeout", () => socket.destroy(new Error("no greeting")));
    socket.on("data", (chunk: Uint8Array) => {
      const greeted = new TextDecoder().decode(chunk).startsWith("220");
      socket.end("QUIT\r\n");
      if (greeted) resolve();
      else reject(new Error("no SMTP server"));
    });
  });
}
