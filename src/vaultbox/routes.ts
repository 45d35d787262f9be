/**
 * Postfix's maps as a function of the database.
 *
 * @module
 */

import type { App, MapName, Maps } from "../app.ts";
import { type Db, pipelined } from "../db/connect.ts";
import {
  CATCH_ALL,
  findDomain,
  findRoutes,
  listDomains,
  listRoutes,
  lockRoutes,
  type Route,
} from "../db/domains.ts";
import { AppError } from "../errors.ts";

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

/**
 * Refuses addresses that go to the operator.
 *
 * @param app Uses `config`.
 * @param address What somebody else would have.
 * @throws {AppError} `conflict` for {@linkcode ROLES} and for
 * {@linkcode SYSTEM_NAMES} at the host's name.
 */
export function checkNotReserved(
  app: Pick<App, "config">,
  { domain, alias }: RoutedAddress,
): void {
  const isSystems = domain === app.config.hostname &&
    SYSTEM_NAMES.includes(alias);
  if (ROLES.includes(alias) || isSystems) {
    throw new AppError("conflict", "Address is the operator's");
  }
}

/**
 * Says how Postfix brings mail to a vaultbox, transport(5).
 *
 * @param config `transport` and `lmtpSocket`. By LMTP the intake finds the
 * vaultbox by the recipient's address.
 * @param route UUID of the vaultbox, or `unrouted`.
 * @returns Transport and next hop.
 */
export function transportOf(
  config: Pick<App["config"], "lmtpSocket" | "transport">,
  route: string,
): string {
  return config.transport === "lmtp"
    ? `encimap-lmtp:unix:${config.lmtpSocket}`
    : `encimap-pipe:${route}`;
}

/** The maps, in the order in which they are changed. */
const MAP_NAMES: readonly MapName[] = [
  "domains",
  "transport",
  "senders",
  "refusals",
];

/** An address, or all others of a domain where the local part is `*`. */
export interface RoutedAddress {
  /** Lower case, A-labels. */
  readonly domain: string;
  /** Local part, lower case. */
  readonly alias: string;
}

/**
 * Makes Postfix's maps agree with the database about a domain and some
 * addresses in it.
 *
 * @param app Uses `config`, `sql` and `mta`.
 * @param domain Lower case, A-labels.
 * @param aliases Local parts whose routes may have changed.
 * @throws {AppError} `unavailable` if a map cannot be changed.
 */
export async function publishRoutes(
  app: Pick<App, "config" | "sql" | "mta">,
  domain: string,
  aliases: readonly string[],
): Promise<void> {
  const addresses = aliases.map((alias) => ({ domain, alias }));
  await publish(app, [domain], addresses, MAP_NAMES);
}

/**
 * Makes some of Postfix's maps agree with the database about some addresses.
 * Each map costs a run of postmap(1).
 *
 * @param app Uses `config`, `sql` and `mta`.
 * @param addresses Addresses whose entries may have changed.
 * @param maps Maps in which they may have.
 * @throws {AppError} `unavailable` if a map cannot be changed.
 */
export async function publishAddresses(
  app: Pick<App, "config" | "sql" | "mta">,
  addresses: readonly RoutedAddress[],
  maps: readonly Exclude<MapName, "domains">[],
): Promise<void> {
  if (addresses.length > 0) await publish(app, [], addresses, maps);
}

/**
 * What the maps get is read under a lock, so changes that cross each other end
 * in the state of the last commit. After a change that has failed, the maps are
 * mended as a whole.
 */
async function publish(
  app: Pick<App, "config" | "sql" | "mta">,
  domains: readonly string[],
  addresses: readonly RoutedAddress[],
  maps: readonly MapName[],
): Promise<void> {
  try {
    await app.sql.begin(async (tx) => {
      const [, routes] = await pipelined([
        lockRoutes(tx),
        findRoutes(tx, addresses),
      ]);
      if (app.mta.isDoubtful) return void await mend(app, tx);
      const changes = noEntries();
      for (const domain of domains) {
        const hosted = await findDomain(tx, domain);
        changes.domains.set(domain, hosted && "OK");
      }
      for (const address of addresses) addEntries(changes, app, address);
      for (const route of routes) addEntries(changes, app, route, route);
      await app.mta.change(
        Object.fromEntries(maps.map((name) => [name, changes[name]])),
      );
    });
  } catch (error) {
    // Also where the database failed and no map was touched.
    app.mta.isDoubtful = true;
    throw error;
  }
}

/**
 * Mends the maps if a change has failed: nobody may ask for another one.
 *
 * @param app Uses `config`, `sql` and `mta`.
 */
export async function mendRoutes(
  app: Pick<App, "config" | "sql" | "mta">,
): Promise<void> {
  if (app.mta.isDoubtful) await reconcileRoutes(app, { dryRun: false });
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
  readonly map: MapName;
  /** Its key. */
  readonly key: string;
  /** Its value, where it is to be set. */
  readonly value?: string;
}

/**
 * Makes Postfix's maps agree with the database about everything.
 *
 * @param app Uses `config`, `sql` and `mta`.
 * @param options With `dryRun` the maps are only compared.
 * @returns What differed.
 * @throws {AppError} `unavailable` if a map cannot be read or changed.
 */
export async function reconcileRoutes(
  app: Pick<App, "config" | "sql" | "mta">,
  options: { dryRun: boolean },
): Promise<RouteDrift> {
  return await app.sql.begin(async (tx) => {
    await lockRoutes(tx);
    return await mend(app, tx, options.dryRun);
  }) as RouteDrift;
}

async function mend(
  app: Pick<App, "config" | "mta">,
  tx: Db,
  dryRun = false,
): Promise<RouteDrift> {
  const wanted = noEntries();
  for (const { domain } of await listDomains(tx)) {
    wanted.domains.set(domain, "OK");
  }
  for (const route of await listRoutes(tx)) {
    addEntries(wanted, app, route, route);
  }
  const drift = compare(wanted, await app.mta.read());
  if (!dryRun && drift.set.length + drift.drop.length > 0) {
    await app.mta.change(
      Object.fromEntries(
        MAP_NAMES.map((name) => [name, changesOf(drift, name)]),
      ),
    );
  }
  return drift;
}

/** Entries of each map; undefined where there must be none. */
type Entries = Readonly<Record<MapName, Map<string, string | undefined>>>;

function noEntries(): Entries {
  return {
    domains: new Map(),
    transport: new Map(),
    senders: new Map(),
    refusals: new Map(),
  };
}

/**
 * Adds the entries of one address, or that it has none. Those of a catch-all
 * are two routes: transport_maps asks for the domain, virtual_mailbox_maps for
 * `@domain`. A map of refusals cannot say "all others", so it has none.
 */
function addEntries(
  entries: Entries,
  { config }: Pick<App, "config">,
  { domain, alias }: RoutedAddress,
  route?: Route,
): void {
  const transport = route && transportOf(config, route.vaultboxId);
  if (alias === CATCH_ALL) {
    entries.transport.set(domain, transport);
    entries.transport.set(`@${domain}`, transport);
    return;
  }
  const address = `${alias}@${domain}`;
  entries.transport.set(address, transport);
  entries.senders.set(address, route?.sender ?? undefined);
  entries.refusals.set(address, refusalOf(route, config));
}

/** RFC 3463 sections 3.3 and 3.8. */
function refusalOf(
  route: Route | undefined,
  config: App["config"],
): string | undefined {
  switch (route?.refusal) {
    case "suspended":
      return config.suspendedMail === "defer"
        ? "450 4.2.1 Mailbox is suspended"
        : "550 5.7.1 Mailbox is suspended";
    case "full":
      return config.overQuotaMail === "defer"
        ? "452 4.2.2 Mailbox is full"
        : "552 5.2.2 Mailbox is full";
  }
  return undefined;
}

function compare(wanted: Entries, found: Maps): RouteDrift {
  const set: MapEntry[] = [];
  const drop: MapEntry[] = [];
  for (const map of MAP_NAMES) {
    for (const [key, value] of wanted[map]) {
      if (value !== undefined && found[map].get(key) !== value) {
        set.push({ map, key, value });
      }
    }
    for (const key of found[map].keys()) {
      if (wanted[map].get(key) === undefined) drop.push({ map, key });
    }
  }
  return { set, drop };
}

function changesOf(
  drift: RouteDrift,
  map: MapName,
): Map<string, string | undefined> {
  return new Map(
    [...drift.set, ...drift.drop]
      .filter((entry) => entry.map === map)
      .map((entry) => [entry.key, entry.value]),
  );
}
