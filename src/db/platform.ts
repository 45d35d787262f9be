/**
 * The platform's database, which says whose a domain is. Read only.
 *
 * @module
 */

import type { App } from "../app.ts";
import { AppError } from "../errors.ts";

/**
 * Asks the platform whether a domain is a user's.
 *
 * @param app Uses `config.platform` and `platformSql`, which must be there.
 * @param domain Lower case, A-labels.
 * @param userId UUID of the user.
 * @returns True.
 * @throws {AppError} `forbidden` if it is not, `unavailable` if the platform
 * does not answer.
 */
export async function ownsPlatformDomain(
  app: Pick<App, "config" | "platformSql">,
  domain: string,
  userId: string,
): Promise<true> {
  const sql = app.platformSql!;
  const { domainsTable, domainColumn, userColumn } = app.config.platform!;
  let rows: readonly unknown[];
  try {
    rows = await sql`
      select 1 from ${sql(domainsTable)}
      where ${sql(domainColumn)} = ${domain}
        and ${sql(userColumn)}::text = ${userId}
    `;
  } catch (error) {
    throw new AppError("unavailable", "Domain cannot be checked now", {
      cause: error,
    });
  }
  if (rows.length === 0) throw new AppError("forbidden", "Domain is not yours");
  return true;
}
