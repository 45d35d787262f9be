/**
 * The operator's commands for how mail is encrypted.
 *
 * @module
 */

import { policyInForce } from "../encryption_policy.ts";
import { AppError } from "../errors.ts";
import { parseFields } from "../http/fields.ts";
import {
  CHANGED_POLICY,
  policyOf,
  WANTED_POLICY,
} from "../http/policy_fields.ts";
import { beginTrial, confirmTrial } from "../vaultbox/encryption_trial.ts";
import { policyDetails } from "../vaultbox/encryption_policy.ts";
import { changeVaultbox } from "../vaultbox/limits.ts";
import { EXIT, type Io, UsageError } from "./command.ts";
import { find, open, OPERATOR, parse, type Parsed } from "./operator.ts";
import { refusalLines } from "./refusal.ts";

const NAMES = ["content-cipher", "key-transport", "header-protection"];

/** `vaultbox encryption`. */
export async function runVaultboxEncryption(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values, positionals } = parse(args, {
    ...Object.fromEntries(NAMES.map((name) => [name, { type: "string" }])),
    explicit: { type: "boolean" },
    trial: { type: "boolean" },
  }, 1);
  const isTrial = values["trial"] === true;
  if (isTrial && values["explicit"] === true) {
    throw new UsageError("give either --explicit or --trial");
  }
  const body = bodyOf(values);
  const wanted = usage(() =>
    policyOf(parseFields(isTrial ? WANTED_POLICY : CHANGED_POLICY, body))
  );
  await using app = await open(io);
  const vaultbox = await find(app, positionals[0]!);
  const { id } = vaultbox;
  if (Object.keys(values).length === 0) {
    const chosen = policyDetails(vaultbox);
    const inForce = policyInForce(vaultbox, app.config.encryption);
    for (const [name, word] of Object.entries(policyDetails(inForce))) {
      const isDefault = chosen[name] === null ? " (default)" : "";
      io.print(`${name.replace("_", " ").padEnd(18)}${word}${isDefault}`);
    }
    return EXIT.ok;
  }
  if (Object.keys(body).length === 0) {
    throw new UsageError("nothing to change is named");
  }
  if (isTrial) {
    const policy = policyOf(parseFields(WANTED_POLICY, body));
    const { expiresAt } = await beginTrial(app, OPERATOR, id, policy);
    io.print(`Trial mail sent; confirm it until ${expiresAt.toISOString()}`);
    return EXIT.ok;
  }
  const isExplicit = values["explicit"] === true;
  await changeVaultbox(app, OPERATOR, id, wanted, { isExplicit });
  io.print("Changed");
  return EXIT.ok;
}

/** `vaultbox confirm`. */
export async function runVaultboxConfirm(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { positionals } = parse(args, {}, 2);
  await using app = await open(io);
  const { id } = await find(app, positionals[0]!);
  await confirmTrial(app, OPERATOR, id, positionals[1]!);
  io.print("Confirmed: new mail is encrypted as the trial mail");
  return EXIT.ok;
}

/** Options as the API's fields. */
function bodyOf(values: Parsed["values"]): Record<string, unknown> {
  return Object.fromEntries(
    NAMES.filter((name) => values[name] !== undefined).map((name) => [
      name.replace("-", "_"),
      values[name] === "default" ? null : values[name],
    ]),
  );
}

/** A wrong word is a mistake in the command line. */
function usage<T>(check: () => T): T {
  try {
    return check();
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    throw new UsageError(refusalLines(error)[0], { cause: error });
  }
}
