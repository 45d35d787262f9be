/**
 * The operator's commands on certificates of vaultboxes and on bundles.
 *
 * @module
 */

import { listCertificates } from "../db/certificates.ts";
import { UUID_REGEXP } from "../http/auth.ts";
import { vaultboxBundle } from "../vaultbox/bundle.ts";
import { newBundlePassword } from "../vaultbox/bundle_password.ts";
import { generateCertificate } from "../vaultbox/certificate.ts";
import { issueCertificate } from "../vaultbox/certificate_request.ts";
import { getCertificateUses } from "../vaultbox/certificate_uses.ts";
import { setRetired } from "../vaultbox/generations.ts";
import { uploadCertificate } from "../vaultbox/upload.ts";
import { EXIT, type Io, UsageError } from "./command.ts";
import { keyKindOf } from "./key_kind.ts";
import { addressOf, find, open, OPERATOR, parse } from "./operator.ts";
import { readAll, readPem } from "./standard_input.ts";

/** Octets of a password, at most. */
const PASSWORD_MAX = 1024;

/** `certificate list`. */
export async function runCertificateList(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { positionals } = parse(args, {}, 1);
  await using app = await open(io);
  const { id } = await find(app, positionals[0]!);
  for (const each of await listCertificates(app.sql, id)) {
    io.print([
      each.id,
      each.fingerprintSha256,
      each.notAfter.toISOString(),
      `key ${each.keyState}`,
      each.handedOutAt === null ? "not handed out" : "handed out",
      each.retiredAt !== null
        ? "retired"
        : each.isRecipient
        ? "recipient"
        : "superseded",
    ].join("\t"));
  }
  return EXIT.ok;
}

/** `certificate generate`. */
export async function runCertificateGenerate(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values, positionals } = parse(args, {
    "key-type": { type: "string" },
  }, 1);
  const keyKind = keyKindOf(values["key-type"]);
  await using app = await open(io);
  const address = await find(app, positionals[0]!);
  const input = { address, keyKind };
  const made = await generateCertificate(app, OPERATOR, input);
  io.print(made.fingerprintSha256);
  return EXIT.ok;
}

/** `certificate upload`. */
export async function runCertificateUpload(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { positionals } = parse(args, {}, 1);
  const certificatePem = await readPem(io.stdin);
  await using app = await open(io);
  const { id: vaultboxId } = await find(app, positionals[0]!);
  const input = { vaultboxId, certificatePem };
  const { id, warnings } = await uploadCertificate(app, OPERATOR, input);
  for (const warning of warnings) io.warn(`encimap: warning: ${warning}`);
  io.print(id);
  return EXIT.ok;
}

/** `certificate request`. */
export async function runCertificateRequest(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { positionals } = parse(args, {}, 1);
  const requestPem = await readPem(io.stdin);
  await using app = await open(io);
  const { id: vaultboxId } = await find(app, positionals[0]!);
  const input = { vaultboxId, requestPem };
  const { certificatePem } = await issueCertificate(app, OPERATOR, input);
  io.print(certificatePem.trimEnd());
  return EXIT.ok;
}

/** `certificate retire`. */
export async function runCertificateRetire(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values, positionals } = parse(args, { yes: { type: "boolean" } }, 2);
  const certificateId = certificateOf(positionals);
  await using app = await open(io);
  const { id: vaultboxId } = await find(app, positionals[0]!);
  const ids = { vaultboxId, certificateId };
  const uses = await getCertificateUses(app, OPERATOR, ids);
  io.print(uses.retiring);
  if (values["yes"] !== true) {
    io.print("Nothing was changed; --yes retires it");
    return EXIT.ok;
  }
  await setRetired(app, OPERATOR, ids, true);
  io.print("Retired");
  return EXIT.ok;
}

/** `certificate restore`. */
export async function runCertificateRestore(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { positionals } = parse(args, {}, 2);
  const certificateId = certificateOf(positionals);
  await using app = await open(io);
  const { id: vaultboxId } = await find(app, positionals[0]!);
  await setRetired(app, OPERATOR, { vaultboxId, certificateId }, false);
  io.print("Restored");
  return EXIT.ok;
}

/** `bundle`. */
export async function runBundle(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const { values, positionals } = parse(args, {
    "password-stdin": { type: "boolean" },
  }, 1);
  // Before anything else: with custody client, this hands the keys out.
  if (io.isTerminal) {
    throw new UsageError(
      "the bundle is a ZIP file, and this is a terminal: end the line with >bundle.zip",
    );
  }
  const isGiven = values["password-stdin"] === true;
  const password = isGiven ? await readPassword(io) : newBundlePassword();
  await using app = await open(io);
  const vaultbox = await find(app, positionals[0]!);
  const request = { vaultboxId: vaultbox.id, password };
  io.write(await vaultboxBundle(app, OPERATOR, request));
  if (!isGiven) io.warn(`Password of the bundle, shown once: ${password}`);
  if (vaultbox.custody === "client") {
    io.warn(
      `Import it, open a message, then: encimap custody confirm ${
        addressOf(vaultbox)
      } <FILE`,
    );
  }
  return EXIT.ok;
}

/**
 * Reads a password from standard input, without its line end.
 *
 * @param io The process.
 * @returns The password.
 * @throws {UsageError} If there is none.
 */
export async function readPassword(io: Io): Promise<string> {
  const octets = await readAll(io.stdin, PASSWORD_MAX);
  return new TextDecoder().decode(octets).replace(/\r?\n$/, "");
}

/**
 * Reads the second argument of a command.
 *
 * @param positionals A vaultbox and a certificate.
 * @returns UUID of the certificate.
 * @throws {UsageError} If it is no UUID.
 */
export function certificateOf(positionals: readonly string[]): string {
  const id = positionals[1]!.toLowerCase();
  if (UUID_REGEXP.test(id)) return id;
  throw new UsageError("CERTIFICATE must be an id of `certificate list`");
}
