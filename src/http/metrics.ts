/**
 * What Prometheus asks, on ENCIMAP_METRICS_PORT of 127.0.0.1. A listener of its
 * own: neither the API's, whose callers have tokens for other things, nor the
 * public one shows it.
 *
 * @module
 */

import type { App } from "../app.ts";
import { toAppError } from "../errors.ts";
import { reason } from "../log.ts";
import { EXPOSITION_TYPE } from "../metrics/metric.ts";
import type { Fetch } from "./api.ts";

/**
 * Builds what answers `GET /metrics`, one question at a time.
 *
 * @param app Uses `log`.
 * @param text Writes the metrics.
 * @returns What answers requests.
 */
export function buildMetrics(
  app: Pick<App, "log">,
  text: () => Promise<string>,
): Fetch {
  let running: Promise<string> | undefined;
  return async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname !== "/metrics") return answer(404, "No such path\n");
    if (request.method !== "GET") return answer(405, "GET only\n");
    try {
      running ??= text().finally(() => running = undefined);
      return answer(200, await running);
    } catch (thrown) {
      const { cause } = toAppError(thrown);
      app.log.write("error", "metrics failed", { cause: reason(cause) });
      return answer(500, "Internal error\n");
    }
  };
}

function answer(status: number, text: string): Response {
  const type = status === 200 ? EXPOSITION_TYPE : "text/plain; charset=utf-8";
  return new Response(text, { status, headers: { "Content-Type": type } });
}
