/**
 * The operator's commands that create, list, show and delete vaultboxes.
 *
 * @module
 */

import { listAddressesOf } from "../db/addresses.ts";
import { listCertificates } from "../db/certificates.ts";
import {
  listVaultboxes,
  type Vaultbox,
  VAULTBOX_ORDERS,
} from "../db/vaultboxes.ts";
import { policyInForce } from "../encryption_policy.ts";
import { NIL_UUID } from "../http/auth.ts";
import { parseAddress, parseDomain } from "../mail/address.ts";
import { createOperatorVaultbox, createVaultbox } from "../vaultbox/create.ts";
import { policyDetails } from "../vaultbox/encryption_policy.ts";
import { removeVaultbox } from "../vaultbox/remove.ts";
import { EXIT, type Io, UsageError } from "./command.ts";
import { keyKindOf } from "./key_kind.ts";
import { addressOf, find, open, OPERATOR, parse, userOf } from "./operator.ts";
import { readPem } from "./standard_input.ts";

/** Rows that a list fetches at a time. */
const PAGE = 1000;

/** Who may hold the key of a vaultbox. */
const CUSTODIES = ["server", "client", "external"] as const;

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

function limited(used: number, max: number | null): string {
  return max === null ? `${used}, no limit` : `${used} of ${max}`;
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
