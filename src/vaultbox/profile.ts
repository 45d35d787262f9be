/**
 * The profile with which Apple's devices set the account up and import the
 * keys.
 *
 * @module
 * @see {@link https://developer.apple.com/documentation/devicemanagement | Device Management, profile-specific payload keys}
 */

import { createHash } from "node:crypto";
import type { Actor, App, ProfileSigner } from "../app.ts";
import { reason } from "../log.ts";
import { type Plist, plistXml } from "../mail/plist.ts";
import { pfx } from "../pkcs12/pfx.ts";
import { isSelfIssued, signedData } from "../smime/signed_data.ts";
import { pemDecodeAll } from "../x509/pem.ts";
import { getVaultbox } from "../db/vaultboxes.ts";
import { createAppCredential, removeAppCredential } from "./app_credentials.ts";
import type { BundleRequest } from "./bundle.ts";
import { bundlePassword } from "./bundle_password.ts";
import { friendlyName } from "./bundle_zip.ts";
import { checkUnconfirmedFile, handOut, type MakeFile } from "./hand_out.ts";
import { partyOf } from "./key_pool.ts";
import { imapServer, submissionServer } from "./login.ts";

/** A key in a profile. */
export interface ProfileKey {
  /** The key with its certificate, PKCS#12 in the compatible form. */
  readonly pkcs12: Uint8Array<ArrayBuffer>;
  /** Certificates of its issuers, DER, the nearest first; often none. */
  readonly chain: readonly Uint8Array<ArrayBuffer>[];
  /** SHA-256 of the certificate, 64 lower-case hexadecimal digits. */
  readonly fingerprintSha256: string;
  /** Last moment of validity. */
  readonly notAfter: Date;
}

/** What a profile is made of. */
export interface ProfileContents {
  /** UUID of the vaultbox. */
  readonly vaultboxId: string;
  /** Address of the vaultbox. */
  readonly address: string;
  /** For people. */
  readonly name: string;
  /** Keys, newest first; at least one. */
  readonly keys: readonly ProfileKey[];
  /** A credential that is put in; if left out, the device asks. */
  readonly login?: { readonly username: string; readonly password: string };
}

/** Checked input of a profile. */
export interface ProfileRequest extends BundleRequest {
  /** Whether a new app credential is put in. */
  readonly withCredential: boolean;
}

/** What that credential is. */
const CREDENTIAL = {
  label: "Apple profile",
  scope: "both",
  expiresAt: null,
  allowedNetworks: null,
} as const;

/**
 * Makes a profile of all generations whose key is kept here, signed if the
 * appliance has a certificate for that.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param request Checked input.
 * @returns The profile, `application/x-apple-aspen-config`.
 * @throws {AppError} As {@linkcode handOut}, and with a credential as
 * {@linkcode createAppCredential}; `conflict` with custody `client`.
 */
export async function vaultboxProfile(
  app: App,
  actor: Actor,
  request: ProfileRequest,
): Promise<Uint8Array<ArrayBuffer>> {
  const { vaultboxId, withCredential } = request;
  const vaultbox = await getVaultbox(app.sql, vaultboxId, actor);
  const address = `${vaultbox.alias}@${vaultbox.domain}`;
  const password = bundlePassword(request.password, address);
  await checkUnconfirmedFile(app, app.sql, vaultbox);
  const credential = withCredential
    ? await createAppCredential(app, actor, vaultboxId, CREDENTIAL)
    : undefined;
  const login = credential && {
    username: credential.login,
    password: credential.password,
  };
  const make: MakeFile = async ({ name }, generations) => {
    const keys: ProfileKey[] = [];
    for (const generation of generations) {
      const { privateKey, certificate, chain, fingerprintSha256 } = generation;
      keys.push({
        ...generation,
        pkcs12: await pfx({
          privateKey,
          certificate,
          chain,
          friendlyName: friendlyName(address, fingerprintSha256),
          password,
          format: "compatible",
        }),
      });
    }
    const contents = { vaultboxId, address, name, keys };
    return await profile(app, {
      ...contents,
      ...login !== undefined && { login },
    });
  };
  try {
    return await app.heavy.run(
      () => handOut(app, actor, { vaultboxId }, make),
      partyOf(actor),
    );
  } catch (error) {
    if (credential !== undefined) {
      await removeAppCredential(app, actor, credential);
    }
    throw error;
  }
}

/**
 * Makes a profile.
 *
 * Its UUIDs follow from the vaultbox and its certificates: installed again, it
 * replaces what was there instead of adding to it.
 *
 * @param app Uses `config`, `log`, `now` and `profileSigner`.
 * @param contents What it is made of.
 * @returns XML, or SignedData around it where there is a signer.
 * @throws {RangeError} If there is no key.
 */
export async function profile(
  app: Pick<App, "config" | "log" | "now" | "profileSigner">,
  contents: ProfileContents,
): Promise<Uint8Array<ArrayBuffer>> {
  const { address, vaultboxId } = contents;
  const [newest] = contents.keys;
  if (newest === undefined) {
    throw new RangeError("Cannot make a profile as there must be >= 1 key");
  }
  const root = newest.chain.at(-1);
  const xml = plistXml({
    ...payload(app, vaultboxId, "profile", {
      type: "Configuration",
      name: `Encrypted mail ${address}`,
    }),
    PayloadDescription:
      `Sets up ${address} and imports the keys that open its mail.`,
    PayloadOrganization: app.config.hostname,
    PayloadRemovalDisallowed: false,
    PayloadContent: [
      ...contents.keys.map((key) => keyPayload(app, contents, key)),
      ...(root === undefined ? [] : [rootPayload(app, contents, root)]),
      mailPayload(app, contents, newest),
    ],
  });
  const octets = new TextEncoder().encode(xml);
  try {
    const signer = await app.profileSigner();
    return signer === undefined ? octets : signed(octets, signer, app.now());
  } catch (error) {
    // The keys are what matters, and every bundle has a profile.
    app.log.write("error", "profile is not signed", { cause: reason(error) });
    return octets;
  }
}

function signed(
  octets: Uint8Array<ArrayBuffer>,
  { certificatesPem, privateKeyPem }: ProfileSigner,
  now: Date,
): Uint8Array<ArrayBuffer> {
  const certificates = pemDecodeAll("CERTIFICATE", certificatesPem);
  const [own] = certificates;
  // A device would show such a signature as a fault, and none as none.
  if (own === undefined || isSelfIssued(own)) return octets;
  return signedData(octets, { certificates, privateKeyPem }, now);
}

function keyPayload(
  app: Pick<App, "config">,
  { vaultboxId, address }: ProfileContents,
  { pkcs12, fingerprintSha256, notAfter }: ProfileKey,
): Plist {
  const until = notAfter.toISOString().slice(0, 10);
  return {
    ...payload(app, vaultboxId, fingerprintSha256, {
      type: "com.apple.security.pkcs12",
      name: `Key of ${address}, certificate until ${until}`,
    }),
    PayloadCertificateFileName: `${fingerprintSha256.slice(0, 16)}.p12`,
    // iOS up to 17 and macOS up to 14 read this form alone.
    PayloadContent: pkcs12,
  };
}

function rootPayload(
  app: Pick<App, "config">,
  { vaultboxId }: ProfileContents,
  root: Uint8Array<ArrayBuffer>,
): Plist {
  return {
    ...payload(app, vaultboxId, "issuer", {
      type: "com.apple.security.root",
      name: `Issuer of ${app.config.hostname}`,
    }),
    PayloadCertificateFileName: "root.cer",
    PayloadContent: root,
  };
}

function mailPayload(
  app: Pick<App, "config">,
  { vaultboxId, address, name, login }: ProfileContents,
  newest: ProfileKey,
): Plist {
  const imap = imapServer(app);
  const submission = submissionServer(app);
  const username = login?.username ?? address;
  const key = uuidOf(vaultboxId, newest.fingerprintSha256);
  return {
    ...payload(app, vaultboxId, "mail", {
      type: "com.apple.mail.managed",
      name: address,
    }),
    EmailAccountType: "EmailTypeIMAP",
    EmailAccountDescription: address,
    EmailAccountName: name,
    EmailAddress: address,
    IncomingMailServerAuthentication: "EmailAuthPassword",
    IncomingMailServerHostName: imap.host,
    IncomingMailServerPortNumber: imap.port,
    IncomingMailServerUseSSL: true,
    IncomingMailServerUsername: username,
    OutgoingMailServerAuthentication: "EmailAuthPassword",
    OutgoingMailServerHostName: submission.host,
    OutgoingMailServerPortNumber: submission.port,
    OutgoingMailServerUseSSL: true,
    OutgoingMailServerUsername: username,
    // The two credentials of a vaultbox have a password each.
    OutgoingPasswordSameAsIncomingPassword: login !== undefined,
    ...(login !== undefined && { IncomingPassword: login.password }),
    // What mail to this account is opened with.
    SMIMEEncryptionEnabled: true,
    SMIMEEncryptionCertificateUUID: key,
    SMIMEEncryptionCertificateUUIDUserOverrideable: true,
    SMIMEEncryptByDefault: false,
    SMIMEEncryptByDefaultUserOverrideable: true,
    SMIMEEnableEncryptionPerMessageSwitch: true,
    // Nobody knows the certificate yet: signing is the user's to switch on.
    SMIMESigningEnabled: false,
    SMIMESigningUserOverrideable: true,
    SMIMESigningCertificateUUID: key,
    SMIMESigningCertificateUUIDUserOverrideable: true,
  };
}

/** What every payload has. */
function payload(
  app: Pick<App, "config">,
  vaultboxId: string,
  part: string,
  { type, name }: { type: string; name: string },
): Readonly<Record<string, Plist>> {
  const host = app.config.hostname.split(".").reverse().join(".");
  return {
    PayloadType: type,
    PayloadVersion: 1,
    PayloadIdentifier: `${host}.encimap.${vaultboxId}.${part}`,
    PayloadUUID: uuidOf(vaultboxId, part),
    PayloadDisplayName: name,
  };
}

/** RFC 9562 section 5.5, version 5, in the name space of the vaultbox. */
function uuidOf(vaultboxId: string, part: string): string {
  const octets = createHash("sha1")
    .update(Uint8Array.fromHex(vaultboxId.replaceAll("-", "")))
    .update(`encimap profile ${part}`)
    .digest()
    .subarray(0, 16);
  octets[6] = octets[6]! & 0x0f | 0x50;
  octets[8] = octets[8]! & 0x3f | 0x80;
  return octets.toString("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")
    .toUpperCase();
}
