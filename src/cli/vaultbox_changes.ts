/**
 * The operator's commands that change what a vaultbox and a customer may.
 *
 * @module
 */

import {
  type Customer,
  CUSTOMER_ORDERS,
  findCustomer,
  listCustomers,
} from "../db/customers.ts";
import type { VaultboxChanges } from "../db/vaultboxes.ts";
import {
  integer,
  MAX_BYTES,
  MAX_MESSAGES,
  nullable,
  optional,
} from "../http/fields.ts";
import { changeCustomer, changeVaultbox } from "../vaultbox/limits.ts";
import { EXIT, type Io, UsageError } from "./command.ts";
import {
  addressOf,
  find,
  open,
  OPERATOR,
  type Options,
  parse,
  userOf,
} from "./operator.ts";
import { optionFields } from "./options.ts";

/** Rows that a list fetches at a time. */
const PAGE = 1000;

const BOX_LIMITS = {
  "max_bytes": optional(MAX_BYTES),
  "max_messages": optional(MAX_MESSAGES),
};

const CUSTOMER_LIMITS = {
  "max_vaultboxes": optional(nullable(integer(0, 1_000_000_000))),
  ...BOX_LIMITS,
};

const BOX_OPTIONS: Options = {
  "max-bytes": { type: "string" },
  "max-messages": { type: "string" },
};

/** `vaultbox suspend`. */
export async function runVaultboxSuspend(
  args: readonly string[],
  io: Io,
): Promise<number> {
  return await change(args, io, { status: "suspended" }, "is suspended");
}

/** `vaultbox resume`. */
export async function runVaultboxResume(
  args: readonly string[],
  io: Io,
): Promise<number> {
  return await change(args, io, { status: "active" }, "is active");
}

async function change(
  args: readonly string[],
  io: Io,
  changes: VaultboxChanges,
  what: string,
): Promise<number> {
  const { positionals } = parse(args, {}, 1);
  await using app = await open(io);
  const vaultbox = await find(app, positionals[0]!);
  await changeVaultbox(app, OPERATOR, vaultbox.id, changes);
  io.print(`${addressOf(vaultbox)} ${what}`);
  return EXIT.ok;
}

/** `vaultbox publish`. */
export async function runVaultboxPublish(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { positionals } = parse(args, {}, 2);
  const [wanted, word] = positionals;
  if (word !== "on" && word !== "off") throw new UsageError("on or off");
  const isOn = word === "on";
  const what = isOn ? "publishes its certificate" : "publishes no certificate";
  return await change([wanted!], io, { publishCertificate: isOn }, what);
}

/** `vaultbox limits`. */
export async function runVaultboxLimits(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values, positionals } = parse(args, BOX_OPTIONS, 1);
  const limits = optionFields(BOX_LIMITS, values);
  await using app = await open(io);
  const { id } = await find(app, positionals[0]!);
  const { "max_bytes": maxBytes, "max_messages": maxMessages } = limits;
  const changed = await changeVaultbox(app, OPERATOR, id, {
    ...maxBytes !== undefined && { maxBytes },
    ...maxMessages !== undefined && { maxMessages },
  });
  printUse(io, "octets", changed.usedBytes, changed.maxBytes);
  printUse(io, "messages", changed.usedMessages, changed.maxMessages);
  return EXIT.ok;
}

/** `customer list`. */
export async function runCustomerList(
  args: readonly string[],
  io: Io,
): Promise<number> {
  parse(args, {}, 0);
  await using app = await open(io);
  const order = CUSTOMER_ORDERS["user_id"];
  let after: readonly string[] | undefined;
  do {
    const page = { limit: PAGE, order, after };
    const { rows, next } = await listCustomers(app.sql, page, undefined);
    for (const { userId, vaultboxCount, usedBytes, usedMessages } of rows) {
      io.print(
        [userId, vaultboxCount, usedMessages ?? "-", usedBytes ?? "-"]
          .join("\t"),
      );
    }
    after = next;
  } while (after !== undefined);
  return EXIT.ok;
}

/** `customer limits`. */
export async function runCustomerLimits(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values, positionals } = parse(args, {
    "max-vaultboxes": { type: "string" },
    ...BOX_OPTIONS,
  }, 1);
  const userId = userOf({ user: positionals[0]! });
  const {
    "max_vaultboxes": maxVaultboxes,
    "max_bytes": maxBytes,
    "max_messages": maxMessages,
  } = optionFields(CUSTOMER_LIMITS, values);
  await using app = await open(io);
  const customer: Customer = Object.keys(values).length === 0
    ? await findCustomer(app.sql, userId)
    : await changeCustomer(app, OPERATOR, userId, {
      ...maxVaultboxes !== undefined && { maxVaultboxes },
      ...maxBytes !== undefined && { maxBytes },
      ...maxMessages !== undefined && { maxMessages },
    });
  printUse(io, "vaultboxes", customer.vaultboxCount, customer.maxVaultboxes);
  printUse(io, "octets", customer.usedBytes, customer.maxBytes);
  printUse(io, "messages", customer.usedMessages, customer.maxMessages);
  return EXIT.ok;
}

function printUse(
  io: Io,
  what: string,
  used: number | null,
  max: number | null,
): void {
  const limit = max === null ? "no limit" : `at most ${max}`;
  io.print(`${what.padEnd(12)}${used ?? "not counted"}, ${limit}`);
}
