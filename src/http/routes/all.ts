/**
 * The list of all routes that need a token.
 *
 * @module
 */

import type { App } from "../../app.ts";
import type { Route } from "../route.ts";
import { addressRoutes } from "./addresses.ts";
import { auditRoutes } from "./audit.ts";
import { certificateRoutes } from "./certificates.ts";
import { credentialRoutes } from "./credentials.ts";
import { customerRoutes } from "./customers.ts";
import { vaultboxRoutes } from "./vaultboxes.ts";

/**
 * Lists the routes.
 *
 * @param app The world.
 * @returns The routes.
 */
export function apiRoutes(app: App): Route[] {
  return [
    ...vaultboxRoutes(app),
    ...addressRoutes(app),
    ...credentialRoutes(app),
    ...certificateRoutes(app),
    ...customerRoutes(app),
    ...auditRoutes(app),
  ];
}
