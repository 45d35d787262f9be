/**
 * Postfix's maps as a function of the database.
 *
 * @module
 */

import type { App, Maps } from "../app.ts";
import type { Pool } from "../db/connect.ts";
import {
  findDomain,
  findRoutes,
  listDomains,
  listRoutes,
  lockRoutes,
  type Route,
} from "../db/domains.ts";

/**
 * Local parts that go to the operator in every hosted domain.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc2142 | RFC 2142}
 */
export const ROLES: readonly string[] = ["postmaster", "abuse"];

/**
 * Local parts that go to the operator in the domain of the host itself: the
 * mail of the system. Postfix's virtual_alias_maps has them.
 */
export const SYSTEM_NAMES: readonly string[] = [
  "root",
  "mailer-daemon",
  "postgres",
  "encimap",
  "vaultmail",
];

/** Name of the transport in Postfix's master.cf. */
const TRANSPORT = "encimap-pipe";

/**
 * Makes Postfix's maps agree with the database about some addresses.
 *
 * What the maps get is read under a lock, so changes that cross each other end
 * in the state of the last commit.
 *
 * @param app Uses `sql` and `mta`.
 * @param domain Lower case, A-labels.
 * @param aliases Local parts whose routes may have changed.
 * @throws {AppError} `unavailable` if a map cannot be changed.
 */
export async function publishRoutes(
  app: Pick<App, "sql" | "mta">,
  domain: string,
  aliases: readonly string[],
): Promise<void> {
  await app.sql.begin(async (tx) => {
    await lockRoutes(tx);
    const hosted = await findDomain(tx, domain);
    const routes = await findRoutes(tx, domain, aliases);
    const byAddress = new Map(routes.map((route) => [route.address, route]));
    const addresses = aliases.map((alias) => `${alias}@${domain}`);
    await app.mta.change({
      domains: new Map([[domain, hosted && "OK"]]),
      transport: new Map(
        addresses.map((
          address,
        ) => [address, transportOf(byAddress.get(address))]),
      ),
      senders: new Map(
        addresses.map((address) => [
          address,
          byAddress.get(address)?.sender ?? undefined,
        ]),
      ),
    });
  });
}

/** How the maps differ from the database. */
export interface RouteDrift {
  /** Map, key and value of entries that are missing or have another value. */
  readonly set: readonly MapEntry[];
  /** Map and key of entries that should not be there. */
  readonly drop: readonly MapEntry[];
}

/** An entry of a map. */
export interface MapEntry {
  /** Which map. */
  readonly map: keyof Maps;
  /** Its key. */
  readonly key: string;
  /** Its value, where it is to be set. */
  readonly value?: string;
}

/**
 * Makes Postfix's maps agree with the database about everything.
 *
 * @param app Uses `sql` and `mta`.
 * @param options With `dryRun` the maps are only compared.
 * @returns What differed.
 * @throws {AppError} `unavailable` if a map cannot be read or changed.
 */
export async function reconcileRoutes(
  app: Pick<App, "sql" | "mta">,
  options: { dryRun: boolean },
): Promise<RouteDrift> {
  return await app.sql.begin(async (tx) => {
    await lockRoutes(tx);
    const wanted = await wantedMaps(tx as unknown as Pool);
    const drift = compare(wanted, await app.mta.read());
    if (!options.dryRun && drift.set.length + drift.drop.length > 0) {
      await app.mta.change({
        domains: changesOf(drift, "domains"),
        transport: changesOf(drift, "transport"),
        senders: changesOf(drift, "senders"),
      });
    }
    return drift;
  }) as RouteDrift;
}

async function wantedMaps(tx: Pool): Promise<Maps> {
  const domains = await listDomains(tx);
  const routes = await listRoutes(tx);
  return {
    domains: new Map(domains.map((row) => [row.domain, "OK"])),
    transport: new Map(
      routes.map((route) => [route.address, transportOf(route)!]),
    ),
    senders: new Map(
      routes.flatMap((route) =>
        route.sender === null ? [] : [[route.address, route.sender]]
      ),
    ),
  };
}

function compare(wanted: Maps, found: Maps): RouteDrift {
  const set: MapEntry[] = [];
  const drop: MapEntry[] = [];
  for (const map of ["domains", "transport", "senders"] as const) {
    for (const [key, value] of wanted[map]) {
      if (found[map].get(key) !== value) set.push({ map, key, value });
    }
    for (const key of found[map].keys()) {
      if (!wanted[map].has(key)) drop.push({ map, key });
    }
  }
  return { set, drop };
}

function changesOf(
  drift: RouteDrift,
  map: keyof Maps,
): Map<string, string | undefined> {
  return new Map(
    [...drift.set, ...drift.drop]
      .filter((entry) => entry.map === map)
      .map((entry) => [entry.key, entry.value]),
  );
}

function transportOf(route: Route | undefined): string | undefined {
  return route && `${TRANSPORT}:${route.vaultboxId}`;
}
