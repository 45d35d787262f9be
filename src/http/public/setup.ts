/**
 * Public routes of one-time links: a page, and a button on it that gives a file.
 *
 * Fetching the page uses nothing up: programs that show a preview of a link, or
 * look for harmful ones, fetch it and press no button.
 *
 * @module
 */

import type { App } from "../../app.ts";
import { AppError } from "../../errors.ts";
import { newBundlePassword } from "../../vaultbox/bundle_password.ts";
import {
  followSetupLink,
  openSetupLink,
  type SetupFile,
} from "../../vaultbox/setup_links.ts";
import { readOctets } from "../limits.ts";
import { notFound, type PublicRequest, type PublicRoute } from "./route.ts";
import { setupPage } from "./setup_page.ts";

/** Octets of a form, at most. */
const FORM_MAX_BYTES = 4096;

/** Media type and name of each file. */
const FILES: Readonly<Record<SetupFile, readonly [string, string]>> = {
  profile: ["application/x-apple-aspen-config", "setup.mobileconfig"],
  p12: ["application/x-pkcs12", "certificate.p12"],
  "p12-compatible": ["application/x-pkcs12", "certificate-compatible.p12"],
  bundle: ["application/zip", "bundle.zip"],
};

/**
 * Lists the routes.
 *
 * @param app The world.
 * @returns The routes.
 */
export function setupRoutes(app: App): PublicRoute[] {
  return [{
    methods: ["GET", "POST"],
    path: /^\/setup\/([\w-]{1,64})$/,
    async handle(request) {
      const secret = request.params[0]!;
      return request.request.method === "POST"
        ? await file(app, secret, request)
        : await page(app, secret);
    },
  }];
}

async function page(
  app: App,
  secret: string,
  problem?: { message: string; password: string },
): Promise<Response> {
  const { link, address, hasEllipticCurve } = await openSetupLink(app, secret);
  const html = setupPage({
    address,
    hostname: app.config.hostname,
    withCredential: link.withCredential,
    hasEllipticCurve,
    expiresAt: link.expiresAt,
    password: problem?.password ?? newBundlePassword(),
    problem: problem?.message,
  });
  return new Response(html, {
    status: problem === undefined ? 200 : 400,
    headers: { "Content-Type": "text/html; charset=utf-8" },
  });
}

async function file(
  app: App,
  secret: string,
  { request }: PublicRequest,
): Promise<Response> {
  const octets = await readOctets(request, FORM_MAX_BYTES);
  const form = new URLSearchParams(new TextDecoder().decode(octets));
  const wanted = form.get("file") ?? "";
  const password = form.get("password") ?? "";
  if (!isSetupFile(wanted)) throw notFound();
  try {
    const content = await followSetupLink(app, secret, {
      file: wanted,
      password,
    });
    const [mediaType, filename] = FILES[wanted];
    // A device offers to install a profile that it shows and does not save.
    const disposition = wanted === "profile" ? "inline" : "attachment";
    return new Response(content, {
      headers: {
        "Content-Type": mediaType,
        "Content-Disposition": `${disposition}; filename="${filename}"`,
      },
    });
  } catch (error) {
    if (error instanceof AppError && error.code === "invalid_request") {
      return await page(app, secret, { message: error.message, password });
    }
    throw error;
  }
}

function isSetupFile(name: string): name is SetupFile {
  return Object.hasOwn(FILES, name);
}
