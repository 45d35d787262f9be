/**
 * The operator's commands: the same operations as the API, for any user.
 *
 * @module
 */

import { parseArgs } from "node:util";
import type { Actor, App } from "../app.ts";
import { connect } from "../db/connect.ts";
import { listDomains } from "../db/domains.ts";
import { listAddressesOf } from "../db/addresses.ts";
import { listCertificates } from "../db/certificates.ts";
import { migrate } from "../db/migrate.ts";
import {
  findVaultboxByAddress,
  getVaultbox,
  listVaultboxes,
  type Vaultbox,
  VAULTBOX_ORDERS,
} from "../db/vaultboxes.ts";
import { policyInForce } from "../encryption_policy.ts";
import { AppError } from "../errors.ts";
import { NIL_UUID, UUID_REGEXP } from "../http/auth.ts";
import { createLog } from "../log.ts";
import { parseAddress, parseDomain } from "../mail/address.ts";
import { openApp } from "../open.ts";
import { createOperatorVaultbox, createVaultbox } from "../vaultbox/create.ts";
import { policyDetails } from "../vaultbox/encryption_policy.ts";
import { hostDomain, removeDomain } from "../vaultbox/domains.ts";
import { reconcile } from "../vaultbox/reconcile.ts";
import { removeVaultbox } from "../vaultbox/remove.ts";
import { EXIT, type Io, loadConfig, UsageError } from "./command.ts";
import { keyKindOf } from "./key_kind.ts";
import { readPem } from "./standard_input.ts";

/** The operator acts for everybody. */
export const OPERATOR: Actor = {
  owner: undefined,
  name: "operator",
  isAdmin: true,
  isService: true,
  requestId: undefined,
};

/** Rows that a list fetches at a time. */
const PAGE = 1000;

/** Who may hold the key of a vaultbox. */
const CUSTODIES = ["server", "client", "external"] as const;

/** Options of a command line. */
export type Options = Readonly<Record<string, { type: "string" | "boolean" }>>;

/** A parsed command line. */
export interface Parsed {
  /** Options that were given. */
  readonly values: Readonly<Record<string, string | boolean | undefined>>;
  /** Arguments that are no options. */
  readonly positionals: readonly string[];
}

/** `migrate`. */
export async function runMigrate(
  args: readonly string[],
  io: Io,
): Promise<number> {
  parse(args, {}, 0);
  const config = loadConfig(io);
  const sql = connect(config.databaseUrl, { max: 1 });
  try {
    const applied = await migrate(sql);
    for (const name of applied) io.print(`Applied ${name}`);
    if (applied.length === 0) io.print("Schema is up to date");
  } finally {
    await sql.end();
  }
  return EXIT.ok;
}

/** `reconcile`. */
export async function runReconcile(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values } = parse(args, { "dry-run": { type: "boolean" } }, 0);
  const dryRun = values["dry-run"] === true;
  await using app = await open(io);
  const { routes, orphanedKeys } = await reconcile(app, { dryRun });
  for (const { map, key, value } of routes.set) {
    io.print(`set ${map} ${key} ${value}`);
  }
  for (const { map, key } of routes.drop) io.print(`drop ${map} ${key}`);
  for (const id of orphanedKeys) io.print(`key without certificate ${id}`);
  if (routes.set.length + routes.drop.length === 0) {
    io.print("Maps agree with the database");
  } else if (dryRun) {
    io.print("Nothing was changed");
  }
  return EXIT.ok;
}

/** `domain add`. */
export async function runDomainAdd(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values, positionals } = parse(args, { user: { type: "string" } }, 1);
  const domain = parseDomain(positionals[0]!);
  const userId = userOf(values);
  await using app = await open(io);
  const isNew = await hostDomain(app, OPERATOR, domain, userId, "declared");
  io.print(isNew ? `Hosting ${domain}` : `${domain} is hosted already`);
  return EXIT.ok;
}

/** `domain list`. */
export async function runDomainList(
  args: readonly string[],
  io: Io,
): Promise<number> {
  parse(args, {}, 0);
  await using app = await open(io);
  for (const { domain, userId } of await listDomains(app.sql)) {
    io.print(`${domain}\t${userId}`);
  }
  return EXIT.ok;
}

/** `domain remove`. */
export async function runDomainRemove(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const domain = parseDomain(parse(args, {}, 1).positionals[0]!);
  await using app = await open(io);
  await removeDomain(app, OPERATOR, domain);
  io.print(`No longer hosting ${domain}`);
  return EXIT.ok;
}

/** `vaultbox create`. */
export async function runVaultboxCreate(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values, positionals } = parse(args, {
    user: { type: "string" },
    name: { type: "string" },
    operator: { type: "boolean" },
    custody: { type: "string" },
    "key-type": { type: "string" },
  }, 1);
  const isOperator = values["operator"] === true;
  if (isOperator && values["user"] !== undefined) {
    throw new UsageError("give either --operator or --user");
  }
  const address = parseAddress(positionals[0]!);
  const custody = custodyOf(values["custody"] ?? "server");
  const keyKind = keyKindOf(values["key-type"]);
  if (custody === "external" && keyKind !== undefined) {
    throw new UsageError("with custody external no key is made: no --key-type");
  }
  const pem = custody === "external" ? await readPem(io.stdin) : undefined;
  const isRequest = pem?.includes("-----BEGIN CERTIFICATE REQUEST-----");
  const input = {
    ...address,
    custody,
    keyKind,
    ...isRequest ? { requestPem: pem } : { certificatePem: pem },
    userId: isOperator ? NIL_UUID : userOf(values),
    name: String(values["name"] ?? `${address.alias}@${address.domain}`),
    mayClaimDomain: true,
  };
  await using app = await open(io);
  const vaultbox = isOperator
    ? await createOperatorVaultbox(app, OPERATOR, input)
    : await createVaultbox(app, OPERATOR, input);
  io.print(vaultbox.id);
  if (isRequest) {
    const [issued] = await listCertificates(app.sql, vaultbox.id);
    io.print(issued!.publicCertPem.trimEnd());
  }
  return EXIT.ok;
}

/** `vaultbox list`. */
export async function runVaultboxList(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values } = parse(args, {
    user: { type: "string" },
    domain: { type: "string" },
  }, 0);
  const owner = values["user"] === undefined ? undefined : userOf(values);
  const viewer = { owner, isAdmin: true };
  const domain = values["domain"] === undefined
    ? undefined
    : parseDomain(String(values["domain"]));
  await using app = await open(io);
  let after: readonly string[] | undefined;
  do {
    const page = { limit: PAGE, after, order: VAULTBOX_ORDERS.created_at };
    const { rows, next } = await listVaultboxes(app.sql, viewer, page, {
      domain,
    });
    for (const row of rows) {
      io.print(
        [
          row.id,
          addressOf(row),
          row.messageCount,
          row.totalBytes,
          row.userId,
        ].join("\t"),
      );
    }
    after = next;
  } while (after !== undefined);
  return EXIT.ok;
}

/** `vaultbox show`. */
export async function runVaultboxShow(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { positionals } = parse(args, {}, 1);
  await using app = await open(io);
  const vaultbox = await find(app, positionals[0]!);
  const lines: [string, unknown][] = [
    ["id", vaultbox.id],
    ["address", addressOf(vaultbox)],
    ["name", vaultbox.name],
    ["user", vaultbox.userId],
    ["status", vaultbox.status],
    ["custody", vaultbox.custody],
    ...Object.entries(
      policyDetails(policyInForce(vaultbox, app.config.encryption)),
    ).map(([name, word]): [string, unknown] => [
      name.replace("_", " "),
      word,
    ]),
    ["user name", vaultbox.username ?? "none: no credential yet"],
    ["messages ever", vaultbox.messageCount],
    ["  octets", vaultbox.totalBytes],
    ["messages now", limited(vaultbox.usedMessages, vaultbox.maxMessages)],
    ["  octets", limited(vaultbox.usedBytes, vaultbox.maxBytes)],
    ["last received", vaultbox.lastReceived?.toISOString() ?? "never"],
    ["created", vaultbox.createdAt.toISOString()],
  ];
  const of = { vaultboxId: vaultbox.id };
  for (const { domain, alias } of await listAddressesOf(app.sql, of)) {
    lines.push(["receives for", `${alias}@${domain}`]);
  }
  for (const each of await listCertificates(app.sql, vaultbox.id)) {
    const handedOut = (each.handedOutAt === null ? "" : ", handed out") +
      (each.retiredAt === null ? "" : ", retired");
    lines.push([
      "certificate",
      `${each.fingerprintSha256} until ${each.notAfter.toISOString()}${handedOut}`,
    ]);
  }
  for (const [name, value] of lines) io.print(`${name.padEnd(18)}${value}`);
  return EXIT.ok;
}

/** `vaultbox delete`. */
export async function runVaultboxDelete(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values, positionals } = parse(args, { yes: { type: "boolean" } }, 1);
  await using app = await open(io);
  const vaultbox = await find(app, positionals[0]!);
  if (values["yes"] !== true) {
    const certificates = await listCertificates(app.sql, vaultbox.id);
    const keys = certificates.filter(({ keyState }) => keyState === "kept");
    io.print(
      `${
        addressOf(vaultbox)
      } would be lost for good: ${vaultbox.usedMessages} message(s) with ${vaultbox.usedBytes} octets, ${certificates.length} certificate(s), ${keys.length} private key(s) here, all credentials`,
    );
    io.print("Nothing was changed; --yes deletes it");
    return EXIT.ok;
  }
  await removeVaultbox(app, OPERATOR, vaultbox.id);
  io.print(`Deleted ${addressOf(vaultbox)}`);
  return EXIT.ok;
}

/**
 * Opens the world with a log that shows only what is wrong.
 *
 * @param io The process.
 * @returns The world.
 */
export async function open(io: Io): Promise<App & AsyncDisposable> {
  const config = loadConfig(io);
  const level = config.logLevel === "info" ? "warn" : config.logLevel;
  return await openApp(config, createLog(io.warn, level));
}

/**
 * Takes a command line apart.
 *
 * @param args Arguments behind the command's name.
 * @param options Known options.
 * @param count Number of arguments that are no options; undefined for any.
 * @returns Options and arguments.
 * @throws {UsageError} If it does not fit.
 */
export function parse(
  args: readonly string[],
  options: Options,
  count: number | undefined,
): Parsed {
  let parsed: Parsed;
  try {
    parsed = parseArgs({
      args: [...args],
      options,
      allowPositionals: true,
      strict: true,
    }) as Parsed;
  } catch (error) {
    // Its second sentence is advice about arguments that begin with a dash.
    const [text] = (error as Error).message.split(". ");
    throw new UsageError(text, { cause: error });
  }
  if (count !== undefined && parsed.positionals.length !== count) {
    throw new UsageError(`${count} argument(s) expected`);
  }
  return parsed;
}

/**
 * Finds a vaultbox.
 *
 * @param app Uses `sql`.
 * @param wanted Its own address, or its UUID.
 * @returns The vaultbox.
 * @throws {AppError} `not_found` if there is none.
 */
export async function find(
  app: Pick<App, "sql">,
  wanted: string,
): Promise<Vaultbox> {
  if (UUID_REGEXP.test(wanted)) {
    return await getVaultbox(app.sql, wanted, OPERATOR);
  }
  const address = parseAddress(wanted);
  const found = await findVaultboxByAddress(app.sql, address, undefined);
  if (found === undefined) throw new AppError("not_found", "No such vaultbox");
  return found;
}

function limited(used: number, max: number | null): string {
  return max === null ? `${used}, no limit` : `${used} of ${max}`;
}

/**
 * Writes the own address of a vaultbox.
 *
 * @param vaultbox The vaultbox.
 * @returns The address.
 */
export function addressOf(vaultbox: Vaultbox): string {
  return `${vaultbox.alias}@${vaultbox.domain}`;
}

/**
 * Reads the option `--user`.
 *
 * @param values Options that were given.
 * @returns UUID of the user.
 * @throws {UsageError} If it is not there or no UUID.
 */
export function userOf(values: Parsed["values"]): string {
  const user = values["user"];
  if (typeof user === "string" && UUID_REGEXP.test(user)) {
    return user.toLowerCase();
  }
  throw new UsageError(
    user === undefined ? "--user is missing" : "--user must be a UUID",
  );
}

/**
 * Reads a custody.
 *
 * @param text What was given.
 * @returns The custody.
 * @throws {UsageError} If it is none.
 */
export function custodyOf(text: unknown): Vaultbox["custody"] {
  const found = CUSTODIES.find((each) => each === text);
  if (found !== undefined) return found;
  throw new UsageError(`custody must be ${CUSTODIES.join(", ")}`);
}
