/**
 * The operator's commands on app credentials: one for each device or program.
 *
 * @module
 */

import {
  APP_CREDENTIAL_ORDERS,
  type AppCredential,
} from "../db/app_credentials.ts";
import { appCredentialJson } from "../http/credential_answers.ts";
import {
  type Field,
  integer,
  listOf,
  oneOf,
  optional,
  plainText,
} from "../http/fields.ts";
import { NETWORK } from "../http/networks.ts";
import { UUID_REGEXP } from "../http/auth.ts";
import {
  appCredentialsOf,
  createAppCredential,
  type NewAppCredential,
  regenerateAppPassword,
  removeAppCredential,
} from "../vaultbox/app_credentials.ts";
import { EXIT, type Io, UsageError } from "./command.ts";
import { find, open, OPERATOR, parse } from "./operator.ts";
import { optionFields } from "./options.ts";

/** More than a vaultbox may have. */
const PAGE = 100;

const DAY_MS = 86_400_000;

const FIELDS = {
  label: optional(plainText(100)),
  scope: optional(oneOf("imap", "smtp", "both")),
  days: optional(integer(1, 36_500)),
  networks: optional(withCommas(listOf(NETWORK, 20))),
};

function withCommas<T>(list: Field<T>): Field<T> {
  return {
    ...list,
    parse: (text, name) => list.parse(String(text).split(","), name),
  };
}

/** `credential create`. */
export async function runCredentialCreate(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values, positionals } = parse(args, {
    label: { type: "string" },
    scope: { type: "string" },
    days: { type: "string" },
    networks: { type: "string" },
  }, 1);
  const { label = "operator", scope = "both", days, networks } = optionFields(
    FIELDS,
    values,
  );
  await using app = await open(io);
  const { id } = await find(app, positionals[0]!);
  const made = await createAppCredential(app, OPERATOR, id, {
    label,
    scope,
    expiresAt: days === undefined
      ? null
      : new Date(app.now().getTime() + days * DAY_MS),
    allowedNetworks: networks ?? null,
  });
  printNew(io, made);
  return EXIT.ok;
}

/** `credential list`. */
export async function runCredentialList(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values, positionals } = parse(args, { json: { type: "boolean" } }, 1);
  await using app = await open(io);
  const { id } = await find(app, positionals[0]!);
  const page = { limit: PAGE, order: APP_CREDENTIAL_ORDERS["created_at"] };
  const { rows } = await appCredentialsOf(app, OPERATOR, id, page);
  for (const row of rows) {
    io.print(
      values["json"] === true
        ? JSON.stringify(appCredentialJson(app, row))
        : described(row),
    );
  }
  return EXIT.ok;
}

function described(credential: AppCredential): string {
  const { id, login, scope, label, expiresAt, lastUsedAt } = credential;
  return [
    id,
    login,
    scope,
    expiresAt === null ? "no end" : `until ${expiresAt.toISOString()}`,
    lastUsedAt === null ? "never used" : `used ${lastUsedAt.toISOString()}`,
    credential.allowedNetworks?.join(",") ?? "from anywhere",
    label,
  ].join("\t");
}

/** `credential password`. */
export async function runCredentialPassword(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const [wanted, id] = idsOf(args);
  await using app = await open(io);
  const { id: vaultboxId } = await find(app, wanted);
  printNew(io, await regenerateAppPassword(app, OPERATOR, { vaultboxId, id }));
  return EXIT.ok;
}

/** `credential delete`. */
export async function runCredentialDelete(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const [wanted, id] = idsOf(args);
  await using app = await open(io);
  const { id: vaultboxId } = await find(app, wanted);
  await removeAppCredential(app, OPERATOR, { vaultboxId, id });
  io.print("Deleted; it opens nothing from now on");
  return EXIT.ok;
}

function idsOf(args: readonly string[]): [vaultbox: string, id: string] {
  const [wanted, id] = parse(args, {}, 2).positionals;
  if (!UUID_REGEXP.test(id!)) {
    throw new UsageError("CREDENTIAL must be an id of `credential list`");
  }
  return [wanted!, id!.toLowerCase()];
}

function printNew(io: Io, { id, login, password }: NewAppCredential): void {
  io.print(`id        ${id}`);
  io.print(`user name ${login}`);
  io.print(`password  ${password}`);
  io.warn("The password is shown this once");
}
