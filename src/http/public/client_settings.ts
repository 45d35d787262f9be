/**
 * Public routes of mail clients that set an account up by themselves.
 *
 * @module
 */

import type { App } from "../../app.ts";
import { parseAddress } from "../../mail/address.ts";
import {
  autoconfigXml,
  AUTODISCOVER_MAX_BYTES,
  autodiscoverAddress,
  autodiscoverXml,
} from "../../mail/client_settings.ts";
import { clientSettings } from "../../vaultbox/client_settings.ts";
import { readOctets } from "../limits.ts";
import { notFound, type PublicRequest, type PublicRoute } from "./route.ts";

/** Labels of hosts that mail clients ask for the domain behind them. */
const ASKED_LABEL_REGEXP = /^(?:autoconfig|autodiscover)\./;

/**
 * Lists the routes.
 *
 * @param app The world.
 * @returns The routes.
 */
export function clientSettingsRoutes(app: App): PublicRoute[] {
  return [
    {
      // Thunderbird asks autoconfig.<domain>, then the domain itself.
      methods: ["GET"],
      path: /^(?:\/\.well-known\/autoconfig)?\/mail\/config-v1\.1\.xml$/,
      async handle({ host, query }) {
        const domain = domainOf(query["emailaddress"]) ?? askedDomain(host);
        return xml(autoconfigXml(await clientSettings(app, domain)));
      },
    },
    {
      methods: ["GET", "POST"],
      path: /^\/autodiscover\/autodiscover\.xml$/i,
      async handle(request) {
        const address = await autodiscovered(request);
        const domain = domainOf(address);
        if (address === undefined || domain === undefined) throw notFound();
        const settings = await clientSettings(app, domain);
        return xml(autodiscoverXml(address, settings));
      },
    },
  ];
}

async function autodiscovered(
  { request, query }: PublicRequest,
): Promise<string | undefined> {
  if (request.method !== "POST") return query["Email"] ?? query["email"];
  const octets = await readOctets(request, AUTODISCOVER_MAX_BYTES);
  return autodiscoverAddress(new TextDecoder().decode(octets));
}

/** The domain of what may be an address; the local part is not looked at. */
function domainOf(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  try {
    const domain = address.slice(address.lastIndexOf("@") + 1);
    return parseAddress(`x@${domain}`).domain;
  } catch {
    throw notFound();
  }
}

function askedDomain(host: string): string {
  return host.replace(ASKED_LABEL_REGEXP, "");
}

function xml(text: string): Response {
  return new Response(text, {
    headers: { "Content-Type": "text/xml; charset=utf-8" },
  });
}
