/**
 * What a mail client needs for an address in a domain.
 *
 * @module
 */

import type { App } from "../app.ts";
import { findDomain } from "../db/domains.ts";
import { AppError } from "../errors.ts";
import type { ClientSettings } from "../mail/client_settings.ts";
import { imapServer, submissionServer } from "./login.ts";

/**
 * Says where mail of a domain is read and sent. That a domain is hosted here is
 * no secret: its MX record says so.
 *
 * @param app Uses `config` and `sql`.
 * @param domain Lower case, A-labels.
 * @returns The settings; whether an address in it exists does not matter.
 * @throws {AppError} `not_found` if the domain is not hosted.
 */
export async function clientSettings(
  app: Pick<App, "config" | "sql">,
  domain: string,
): Promise<ClientSettings> {
  if (await findDomain(app.sql, domain) === undefined) {
    throw new AppError("not_found", "Not found");
  }
  return {
    domain,
    imap: imapServer(app),
    submission: submissionServer(app),
  };
}
