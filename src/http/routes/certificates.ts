/**
 * Routes of certificates and bundles.
 *
 * @module
 */

import type { App } from "../../app.ts";
import { vaultboxBundle, vaultboxPfx } from "../../vaultbox/bundle.ts";
import { generateCertificate } from "../../vaultbox/certificate.ts";
import { type Route, success } from "../route.ts";
import { certificateJson } from "../answers.ts";
import {
  parseBundleRequest,
  parseCertificateRequest,
  parsePfxRequest,
} from "../wire.ts";

/**
 * Lists the routes.
 *
 * @param app The world.
 * @returns The routes.
 */
export function certificateRoutes(app: App): Route[] {
  return [
    {
      method: "POST",
      path: "/generate-certificate",
      async handle({ caller, json }) {
        const input = parseCertificateRequest(await json());
        const owner = caller.userId;
        const made = await generateCertificate(app, { ...input, owner });
        return success(certificateJson(made), 201);
      },
    },
    {
      method: "POST",
      path: "/p12",
      async handle({ caller, json }) {
        const { form, ...input } = parsePfxRequest(await json());
        const owner = caller.userId;
        const octets = await vaultboxPfx(app, { ...input, owner }, form);
        const type = "application/x-pkcs12";
        return { body: { octets, type, filename: "certificate.p12" } };
      },
    },
    {
      method: "POST",
      path: "/bundle",
      async handle({ caller, json }) {
        const input = parseBundleRequest(await json());
        const owner = caller.userId;
        const octets = await vaultboxBundle(app, { ...input, owner });
        const type = "application/zip";
        return { body: { octets, type, filename: "bundle.zip" } };
      },
    },
  ];
}
