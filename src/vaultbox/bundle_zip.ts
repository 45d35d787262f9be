/**
 * The bundle: everything that a person needs to read a vaultbox, in one ZIP.
 *
 * @module
 */

import { X509Certificate } from "node:crypto";
import { type Zippable, zipSync } from "fflate";
import { pfx } from "../pkcs12/pfx.ts";
import { pemEncode } from "../x509/pem.ts";
import { bundleReadme } from "./bundle_readme.ts";

/** One certificate of a vaultbox with its key. */
export interface BundleGeneration {
  /** The certificate, DER. */
  readonly certificate: Uint8Array<ArrayBuffer>;
  /** Its private key, PKCS#8 DER. */
  readonly privateKey: Uint8Array<ArrayBuffer>;
  /** Certificates of its issuers, DER, the nearest first; often none. */
  readonly chain: readonly Uint8Array<ArrayBuffer>[];
  /** SHA-256 of the certificate, 64 lower-case hexadecimal digits. */
  readonly fingerprintSha256: string;
  /** Last moment of validity. */
  readonly notAfter: Date;
}

/** What goes into a bundle. */
export interface BundleZipOptions {
  /** Address of the vaultbox. */
  readonly address: string;
  /** Name of the mail server. */
  readonly hostname: string;
  /** User name for IMAP and SMTP; left out if there is no credential yet. */
  readonly username?: string;
  /** Whether the server's copy of the keys goes when the bundle has arrived. */
  readonly isOnlyCopy: boolean;
  /** Earlier keys that were destroyed here, and so are not in it. */
  readonly destroyedKeys: number;
  /** Password of every `.p12` file. */
  readonly password: string;
  /** Time that the files carry; from 1980 to 2099, which is what a ZIP knows. */
  readonly modified: Date;
  /** Certificates with their keys, newest first; at least one. */
  readonly generations: readonly BundleGeneration[];
  /** Makes the profile for Apple's devices. */
  readonly profile: (
    keys: readonly BundleKey[],
  ) => Promise<Uint8Array<ArrayBuffer>>;
}

/** What the profile is made of. */
export interface BundleKey extends BundleGeneration {
  /** `certificate-compatible.p12`. */
  readonly pkcs12: Uint8Array<ArrayBuffer>;
}

/** Port of IMAP with implicit TLS, RFC 8314 §3.2. */
const IMAP_PORT = 993;

/** Port of submission with STARTTLS, RFC 6409 §3.1. */
const SUBMISSION_PORT = 587;

/** Longest friendlyName, RFC 2985 appendix A. */
const UB_FRIENDLY_NAME = 255;

/** Digits of a fingerprint that tell the generations of a vaultbox apart. */
const SHORT_FINGERPRINT = 8;

/** Regular file, `rw-------`, in the upper half, as unzip on Unix reads it. */
const OWNER_ONLY = (0o100600 << 16) >>> 0;

/** Unix, in "version made by". */
const MADE_ON_UNIX = 3;

/**
 * Makes a bundle.
 *
 * `certificate.p12`, `certificate-compatible.p12` and `certificate.pem` are the
 * newest generation; `previous/1/` and so on are the ones before, newest first,
 * since mail that arrived under them opens with them only. `setup.mobileconfig`
 * has all of them and the account for Apple's devices. `issuer.pem` is there if
 * an authority has issued the certificate. Names are fixed: nothing of an
 * address ever becomes a path.
 *
 * The ZIP itself is not encrypted; the keys in it are.
 *
 * @param options What goes into it.
 * @returns The ZIP file. It takes about half a second per generation, with
 * turns for other work in between.
 * @throws {RangeError} If there is no generation, `modified` is not a time that
 * a ZIP knows, or what `pfx()` throws.
 */
export async function bundleZip(
  options: BundleZipOptions,
): Promise<Uint8Array<ArrayBuffer>> {
  const { address, hostname, username, isOnlyCopy, password } = options;
  const { modified, generations, destroyedKeys } = options;
  if (generations.length === 0) {
    throw new RangeError("Cannot bundle as there must be >= 1 generation");
  }
  const year = modified.getFullYear();
  // zipSync() takes the local time too, since a ZIP has no time zone.
  if (!(year >= 1980 && year <= 2099)) {
    throw new RangeError("Cannot bundle as modified must be from 1980 to 2099");
  }
  const encoder = new TextEncoder();
  const files: Zippable = {
    "README.txt": encoder.encode(bundleReadme({
      address,
      hostname,
      imapPort: IMAP_PORT,
      submissionPort: SUBMISSION_PORT,
      ...(username === undefined ? {} : { username }),
      isOnlyCopy,
      destroyedKeys,
      certificates: generations.map((each) => ({
        ...each,
        isIssued: each.chain.length > 0,
        isEllipticCurve: isEllipticCurve(each.certificate),
      })),
    })),
  };
  const keys: BundleKey[] = [];
  for (const [n, generation] of generations.entries()) {
    const { certificate, privateKey, chain } = generation;
    const folder = n === 0 ? "" : `previous/${n}/`;
    const contents = {
      privateKey,
      certificate,
      chain,
      friendlyName: friendlyName(address, generation.fingerprintSha256),
      password,
    };
    files[`${folder}certificate.p12`] = await pfx({
      ...contents,
      format: "modern",
    });
    const pkcs12 = await pfx({ ...contents, format: "compatible" });
    files[`${folder}certificate-compatible.p12`] = pkcs12;
    keys.push({ ...generation, pkcs12 });
    files[`${folder}certificate.pem`] = encoder.encode(
      pemEncode("CERTIFICATE", certificate),
    );
    if (chain.length > 0) {
      const issuers = chain.map((each) => pemEncode("CERTIFICATE", each));
      files[`${folder}issuer.pem`] = encoder.encode(issuers.join(""));
    }
  }
  files["setup.mobileconfig"] = await options.profile(keys);
  return zipSync(files, {
    mtime: modified,
    os: MADE_ON_UNIX,
    attrs: OWNER_ONLY,
  });
}

/**
 * Tells whether the key of a certificate is on an elliptic curve.
 *
 * @param certificate DER or PEM.
 * @returns Whether it is.
 * @throws {Error} If it is no certificate.
 */
export function isEllipticCurve(
  certificate: Uint8Array<ArrayBuffer> | string,
): boolean {
  const { publicKey } = new X509Certificate(certificate);
  return publicKey.asymmetricKeyType === "ec";
}

/**
 * Names a key and its certificate in key stores.
 *
 * Each generation has a name of its own: Java's keytool puts a key in the place
 * of another one of that name and says nothing.
 *
 * @param address Address of the vaultbox.
 * @param fingerprintSha256 SHA-256 of the certificate, hexadecimal.
 * @returns The address and the begin of the fingerprint, as long as a
 * friendlyName may be.
 */
export function friendlyName(
  address: string,
  fingerprintSha256: string,
): string {
  const short = fingerprintSha256.slice(0, SHORT_FINGERPRINT);
  return `${address.slice(0, UB_FRIENDLY_NAME - 1 - short.length)} ${short}`;
}
