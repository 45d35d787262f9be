/**
 * The list of all routes that need a token.
 *
 * @module
 */

import type { App } from "../../app.ts";
import type { Route } from "../route.ts";
import { appCredentialRoutes } from "./app_credentials.ts";
import { addressRoutes } from "./addresses.ts";
import { auditRoutes } from "./audit.ts";
import { bulkRoutes } from "./bulk.ts";
import { certificateRoutes } from "./certificates.ts";
import { credentialRoutes } from "./credentials.ts";
import { custodyRoutes } from "./custody.ts";
import { encryptionTrialRoutes } from "./encryption_trials.ts";
import { domainRoutes } from "./domains.ts";
import { machineRoutes } from "./machine.ts";
import { messageRoutes } from "./messages.ts";
import { setupRoutes } from "./setup.ts";
import { vaultboxCertificateRoutes } from "./vaultbox_certificates.ts";
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
    ...appCredentialRoutes(app),
    ...certificateRoutes(app),
    ...setupRoutes(app),
    ...messageRoutes(app),
    ...domainRoutes(app),
    ...bulkRoutes(app),
    ...vaultboxCertificateRoutes(app),
    ...custodyRoutes(app),
    ...encryptionTrialRoutes(app),
    ...customerRoutes(app),
    ...auditRoutes(app),
    ...machineRoutes(app),
  ];
}
