/**
 * Routes of certificates and bundles.
 *
 * @module
 */

import type { App } from "../../app.ts";
import {
  BUNDLE_PASSWORD_MAX,
  BUNDLE_PASSWORD_MIN,
  newBundlePassword,
} from "../../vaultbox/bundle_password.ts";
import { vaultboxBundle, vaultboxPfx } from "../../vaultbox/bundle.ts";
import { generateCertificate } from "../../vaultbox/certificate.ts";
import {
  certificateJson,
  GENERATED_CERTIFICATE,
  GENERATED_PASSWORD,
} from "../answers.ts";
import {
  described,
  type Field,
  integer,
  oneOf,
  optional,
  text,
  UUID,
} from "../fields.ts";
import { ANY_ADDRESS, KEY_TYPE } from "../key_fields.ts";
import { type Route, route } from "../route.ts";

/** Password of PKCS#12 files. */
export const PASSWORD: Field<string> = described(
  text("must have 12 to 128 characters", /^[^]{12,128}$/u, {
    minLength: BUNDLE_PASSWORD_MIN,
    maxLength: BUNDLE_PASSWORD_MAX,
  }),
  "Of the PKCS#12 files; ASCII is read by every program.",
);

/**
 * Lists the routes.
 *
 * @param app The world.
 * @returns The routes.
 */
export function certificateRoutes(app: App): Route[] {
  return [
    route({
      method: "POST",
      path: "/generate-certificate",
      operation: "generateCertificate",
      summary: "Makes a certificate for an address",
      scope: "certificate:write",
      body: {
        email: ANY_ADDRESS,
        days: optional(
          described(
            integer(1, 36500),
            "Validity; CERT_VALIDITY_DAYS if left out.",
          ),
        ),
        "key_type": KEY_TYPE,
      },
      answer: { status: 201, data: GENERATED_CERTIFICATE },
      async handle({ actor, body }) {
        const { email: address, days: validityDays, "key_type": keyKind } =
          body;
        const input = { address, validityDays, keyKind };
        const made = await generateCertificate(app, actor, input);
        return { data: certificateJson(made) };
      },
    }),
    route({
      method: "POST",
      path: "/generate-password",
      operation: "generatePassword",
      summary: "Makes a password for a bundle, stored nowhere",
      scope: "certificate:write",
      answer: { status: 201, data: GENERATED_PASSWORD },
      handle: () =>
        Promise.resolve({ data: { password: newBundlePassword() } }),
    }),
    route({
      method: "POST",
      path: "/p12",
      operation: "downloadPkcs12",
      summary: "Downloads the newest key and certificate as PKCS#12",
      scope: "certificate:write",
      body: {
        "vaultbox_id": UUID,
        password: PASSWORD,
        format: optional(
          described(
            oneOf("modern", "compatible"),
            "`compatible` for Android 13, iOS 17, macOS 14, GnuPG 2.2 and older.",
          ),
        ),
      },
      answer: { status: 200, file: "application/x-pkcs12" },
      async handle({ actor, body }) {
        const { "vaultbox_id": vaultboxId, password, format } = body;
        const request = { vaultboxId, password };
        return {
          octets: await vaultboxPfx(app, actor, request, format ?? "modern"),
          filename: "certificate.p12",
        };
      },
    }),
    route({
      method: "POST",
      path: "/bundle",
      operation: "downloadBundle",
      summary: "Downloads the ZIP bundle of all generations",
      scope: "certificate:write",
      body: { "vaultbox_id": UUID, password: PASSWORD },
      answer: { status: 200, file: "application/zip" },
      async handle({ actor, body }) {
        const { "vaultbox_id": vaultboxId, password } = body;
        const request = { vaultboxId, password };
        return {
          octets: await vaultboxBundle(app, actor, request),
          filename: "bundle.zip",
        };
      },
    }),
  ];
}
