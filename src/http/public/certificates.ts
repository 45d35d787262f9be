/**
 * The public route of published certificates.
 *
 * @module
 * @see {@link https://www.rfc-editor.org/rfc/rfc4387 | RFC 4387}
 */

import type { App } from "../../app.ts";
import { type Address, parseAddress } from "../../mail/address.ts";
import { publishedCertificate } from "../../vaultbox/publishing.ts";
import { notFound, type PublicRoute } from "./route.ts";

/**
 * Lists the routes.
 *
 * @param app The world.
 * @returns The routes.
 */
export function certificateRoutes(app: App): PublicRoute[] {
  return [{
    methods: ["GET"],
    // RFC 4387 section 3.3: the well-known place.
    path: /^\/certificates\/search\.cgi$/,
    async handle({ query }) {
      // Section 2.2: an S/MIME certificate is looked for by its "uri", the
      // address; "email" is the word of section 2.3.
      const certificate = await publishedCertificate(
        app,
        addressOf(query["uri"] ?? query["email"] ?? ""),
      );
      if (certificate === undefined) throw notFound();
      return new Response(certificate, {
        headers: { "Content-Type": "application/pkix-cert" },
      });
    },
  }];
}

function addressOf(text: string): Address {
  try {
    return parseAddress(text);
  } catch {
    throw notFound();
  }
}
