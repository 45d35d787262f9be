/**
 * The public route of the MTA-STS policy.
 *
 * @module
 */

import type { App } from "../../app.ts";
import { mtaStsPolicy } from "../../vaultbox/mta_sts.ts";
import { notFound, type PublicRoute } from "./route.ts";

/**
 * Lists the route.
 *
 * @param app The world.
 * @returns The route.
 * @see {@link https://www.rfc-editor.org/rfc/rfc8461#section-3.3 | RFC 8461 §3.3}
 */
export function mtaStsRoutes(app: App): PublicRoute[] {
  return [{
    methods: ["GET"],
    path: /^\/\.well-known\/mta-sts\.txt$/,
    handle({ host }) {
      const policy = mtaStsPolicy(app);
      if (policy === undefined || !host.startsWith("mta-sts.")) {
        return Promise.reject(notFound());
      }
      return Promise.resolve(
        new Response(policy.text, {
          headers: { "Content-Type": "text/plain" },
        }),
      );
    },
  }];
}
