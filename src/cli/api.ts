/**
 * The API as a part of a process: its listeners and what it does in the
 * background.
 *
 * @module
 */

import { setInterval } from "node:timers";
import type { App } from "../app.ts";
import { deleteOldRequests } from "../db/idempotency.ts";
import { checkSchema } from "../db/migrate.ts";
import { deleteOldSetupLinks } from "../db/setup_links.ts";
import { buildApi } from "../http/api.ts";
import { buildMetrics } from "../http/metrics.ts";
import { buildPublic } from "../http/public/server.ts";
import { reason } from "../log.ts";
import { activateDkimKeys } from "../vaultbox/dkim.ts";
import { APPLIANCE, lastingIssuer } from "../vaultbox/issuer.ts";
import { intakeText, queueText } from "../vaultbox/metrics_peers.ts";
import { metricsText } from "../vaultbox/api_metrics.ts";
import { tlsMetrics, tlsServices } from "../vaultbox/tls_certificates.ts";
import { finishDestructions } from "../vaultbox/key_destruction.ts";
import { fillKeyPool } from "../vaultbox/key_pool.ts";
import { watchFull } from "../vaultbox/limits.ts";
import { reconcile } from "../vaultbox/reconcile.ts";
import { mendRoutes } from "../vaultbox/routes.ts";
import { endOverdueSessions } from "../vaultbox/sessions.ts";
import { VERSION } from "../version.ts";
import type { Service } from "./service.ts";
import { tokenSettings } from "./token.ts";

/** Milliseconds between two runs of what the API does in the background. */
const MINUTE_MS = 60_000;

const HOUR_MS = 60 * MINUTE_MS;

/**
 * Starts the API.
 *
 * @param app Its world.
 * @returns The running API.
 */
export async function startApi(app: App): Promise<Service> {
  await checkSchema(app.sql);
  const drift = await reconcile(app, { dryRun: false });
  const mended = drift.routes.set.length + drift.routes.drop.length;
  if (mended > 0) app.log.write("warn", "routes mended", { count: mended });
  if (app.config.certIssuer === "appliance") await lastingIssuer(app);
  const stopWatching = await watchFull(app);
  const api = buildApi(app, await tokenSettings(app.config));
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: app.config.apiPort,
    onListen: ({ port }) => app.log.write("info", "listening", { port }),
  }, api);
  const { publicPort } = app.config;
  const publicServer = publicPort === undefined ? undefined : Deno.serve({
    hostname: "127.0.0.1",
    port: publicPort,
    onListen: ({ port }) =>
      app.log.write("info", "listening", { publicPort: port }),
  }, buildPublic(app));
  const metricsServer = listenForMetrics(app);
  const stopping = new AbortController();
  const filling = fillKeyPool(app, stopping.signal);
  const stopTimers = [
    // A bounded number of old Idempotency-Keys.
    eachMinute(app, () => deleteOldRequests(app.sql)),
    // One-time links that nobody asks about any more.
    eachMinute(app, () => deleteOldSetupLinks(app.sql, app.now())),
    // Of expired credentials, and what Dovecot did not confirm.
    eachMinute(app, () => endOverdueSessions(app)),
    // What Postfix could not be told.
    eachMinute(app, () => mendRoutes(app)),
    // Private keys that are to be destroyed.
    eachMinute(app, () => finishDestructions(app)),
    // The next keys that sign mail, once DNS shows them.
    every(HOUR_MS, app, () => activateDkimKeys(app, APPLIANCE)),
  ];
  return {
    async stop() {
      stopping.abort();
      await publicServer?.shutdown();
      await metricsServer?.shutdown();
      await server.shutdown();
      await stopWatching();
      for (const stop of stopTimers) await stop();
      await filling;
    },
  };
}

function listenForMetrics(app: App): Deno.HttpServer | undefined {
  const { metricsPort, intakeSocket, queueSocket } = app.config;
  if (metricsPort === undefined) return undefined;
  const text = metricsText(app, {
    intake: () => intakeText(intakeSocket),
    queue: () => queueText(queueSocket),
    tls: tlsMetrics(app, tlsServices(app)),
    version: VERSION,
  });
  return Deno.serve({
    hostname: "127.0.0.1",
    port: metricsPort,
    onListen: ({ port }) =>
      app.log.write("info", "listening", { metricsPort: port }),
  }, buildMetrics(app, text));
}

/** Does something every minute, one run at a time. */
function eachMinute(
  app: Pick<App, "log">,
  task: () => Promise<unknown>,
): () => Promise<void> {
  return every(MINUTE_MS, app, task);
}

/** Does something again and again, one run at a time. */
function every(
  ms: number,
  app: Pick<App, "log">,
  task: () => Promise<unknown>,
): () => Promise<void> {
  let running: Promise<unknown> | undefined;
  const timer = setInterval(() => {
    running ??= task()
      .catch((error) =>
        app.log.write("error", "sweep failed", { cause: reason(error) })
      ).finally(() => running = undefined);
  }, ms);
  return async () => {
    clearInterval(timer);
    await running;
  };
}
