/**
 * The operator's commands on the custody of private keys.
 *
 * @module
 */

import { getCertificateUses } from "../vaultbox/certificate_uses.ts";
import { changeCustody, getCustody } from "../vaultbox/custody.ts";
import { confirmHandOut, takeHandOutBack } from "../vaultbox/hand_out.ts";
import { destroyKey, type Receipt } from "../vaultbox/key_destruction.ts";
import { certificateOf } from "./certificates.ts";
import { EXIT, type Io } from "./command.ts";
import { find, open, OPERATOR, parse } from "./operator.ts";
import { custodyOf } from "./vaultboxes.ts";
import { readAll } from "./standard_input.ts";

/** Octets of a bundle, at most: a hundred generations are far less. */
const BUNDLE_MAX = 16_777_216;

/** `custody show`. */
export async function runCustodyShow(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { positionals } = parse(args, {}, 1);
  await using app = await open(io);
  const { id } = await find(app, positionals[0]!);
  const { custody, keysKept, keysDestroyed, newest, handOut } =
    await getCustody(app, OPERATOR, id);
  const lines: [string, unknown][] = [
    ["custody", custody],
    ["keys here", keysKept],
    ["  destroyed", keysDestroyed],
    ["newest until", newest.notAfter.toISOString()],
    ["  renewed by", newest.renewedBy],
  ];
  if (handOut !== undefined) {
    lines.push(
      ["handed out", `${handOut.since.toISOString()}, unconfirmed`],
      ["  again until", handOut.repeatUntil.toISOString()],
    );
  }
  for (const [name, value] of lines) io.print(`${name.padEnd(15)}${value}`);
  return EXIT.ok;
}

/** `custody set`. */
export async function runCustodySet(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values, positionals } = parse(args, { yes: { type: "boolean" } }, 2);
  const custody = custodyOf(positionals[1]);
  const dryRun = values["yes"] !== true;
  await using app = await open(io);
  const { id: vaultboxId } = await find(app, positionals[0]!);
  const change = { vaultboxId, custody, dryRun };
  const warnings = await changeCustody(app, OPERATOR, change);
  for (const warning of warnings) io.print(warning);
  if (warnings.length === 0) io.print(`Custody is ${custody} already`);
  else if (dryRun) io.print("Nothing was changed; --yes changes it");
  else io.print(`Custody is ${custody} now`);
  return EXIT.ok;
}

/** `custody confirm`. */
export async function runCustodyConfirm(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { positionals } = parse(args, {}, 1);
  const file = await readAll(io.stdin, BUNDLE_MAX);
  const hash = await crypto.subtle.digest("SHA-256", file);
  const sha256 = new Uint8Array(hash).toHex();
  await using app = await open(io);
  const { id } = await find(app, positionals[0]!);
  printReceipt(io, await confirmHandOut(app, OPERATOR, id, sha256));
  return EXIT.ok;
}

/** `custody take-back`. */
export async function runCustodyTakeBack(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { positionals } = parse(args, {}, 1);
  await using app = await open(io);
  const { id } = await find(app, positionals[0]!);
  await takeHandOutBack(app, OPERATOR, id);
  io.print("A new key is made; hand it out with the old ones: encimap bundle");
  return EXIT.ok;
}

/** `custody destroy-key`. */
export async function runDestroyKey(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values, positionals } = parse(args, {
    fingerprint: { type: "string" },
  }, 2);
  const certificateId = certificateOf(positionals);
  const fingerprint = values["fingerprint"];
  await using app = await open(io);
  const { id: vaultboxId } = await find(app, positionals[0]!);
  const ids = { vaultboxId, certificateId };
  if (typeof fingerprint !== "string") {
    const { destroying } = await getCertificateUses(app, OPERATOR, ids);
    io.print(destroying ?? "Its key is not here.");
    io.print("Nothing was changed; --fingerprint HEX destroys the key");
    return EXIT.ok;
  }
  printReceipt(io, await destroyKey(app, OPERATOR, ids, fingerprint));
  return EXIT.ok;
}

function printReceipt(io: Io, { vaultboxId, keys }: Receipt): void {
  for (const { certificateId, fingerprintSha256, destroyedAt } of keys) {
    io.print(`destroyed    ${destroyedAt.toISOString()}`);
    io.print(`vaultbox     ${vaultboxId}`);
    io.print(`certificate  ${certificateId}`);
    io.print(`fingerprint  ${fingerprintSha256}`);
  }
  io.print(
    "Not covered: backups and snapshots of the machine, which may have these keys yet, and other copies of the bundle.",
  );
}
