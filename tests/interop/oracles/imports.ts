/**
 * Which program imports which bundle: what is tried, and what is known not to
 * work.
 *
 * @module
 */

import { unzipSync } from "fflate";
import { equal, latin1 } from "../../../src/mail/octets.ts";
import type { PfxFormat } from "../../../src/pkcs12/pfx.ts";
import { encryptMessage } from "../../helpers/encrypt.ts";
import {
  type BundleGeneration,
  bundleZip,
} from "../../../src/vaultbox/bundle_zip.ts";
import { fingerprintSha256 } from "../../../src/x509/fingerprint.ts";
import { issuerCertificate } from "../../../src/x509/issuer.ts";
import {
  generateKey,
  type KeyKind,
  publicKeyOf,
} from "../../../src/x509/key_pair.ts";
import { leafCertificate } from "../../../src/x509/leaf.ts";
import { selfSignedCertificate } from "../../../src/x509/self_signed.ts";
import { readRecipient } from "../../../src/smime/recipient.ts";
import type { Octets } from "../../helpers/openssl.ts";
import { ENTITY } from "../pkcs12_oracles.ts";
import type { Import, ImportSession } from "./importers.ts";

/** What a bundle has in it. */
export interface Contents {
  /** Kind of each key, the newest first. */
  readonly keys: readonly KeyKind[];
  /** Who has signed the newest certificate; the others sign for themselves. */
  readonly signer: "itself" | "issuer";
  /** Letters of the password. */
  readonly password: keyof typeof PASSWORDS;
}

/** One import. */
export interface ImportCase extends Contents {
  /** Which of the files. */
  readonly format: PfxFormat;
}

/** Something that a program does not import. */
export interface ImportLimit {
  /** Name of the program. */
  readonly importer: string;
  /** Whether a case is concerned. */
  concerns(each: ImportCase): boolean;
  /** Why. */
  readonly reason: string;
  /** What the program says then. */
  readonly error: RegExp;
}

const PASSWORDS = {
  ASCII: `it's "my" pass\\word`,
  "Latin-1": "Schlüssel für die Tür",
  Cyrillic: "пароль от ящика",
} as const;

const ADDRESS = "cat@example.com";
const DAY_MS = 86_400_000;
const MESSAGE = `From: dog@example.com\r\nSubject: News\r\n${ENTITY}`;

const FORMATS = ["modern", "compatible"] as const;
const CONTENTS: readonly Contents[] = [
  ...(["rsa-2048", "rsa-3072", "rsa-4096", "p-256"] as const)
    .map((key): Contents => ({
      keys: [key],
      signer: "itself",
      password: "ASCII",
    })),
  { keys: ["rsa-2048"], signer: "issuer", password: "ASCII" },
  { keys: ["p-256"], signer: "issuer", password: "ASCII" },
  {
    keys: ["rsa-3072", "rsa-2048", "rsa-2048"],
    signer: "issuer",
    password: "ASCII",
  },
  { keys: ["rsa-2048"], signer: "itself", password: "Latin-1" },
  { keys: ["rsa-2048"], signer: "itself", password: "Cyrillic" },
];

/** All that are tried. */
export const IMPORT_CASES: readonly ImportCase[] = CONTENTS.flatMap((each) =>
  FORMATS.map((format) => ({ ...each, format }))
);

const hasCurve = ({ keys }: ImportCase) => keys.includes("p-256");
const isModern = ({ format }: ImportCase) => format === "modern";

/**
 * What does not work with the programs of Debian 12. The first that concerns a
 * case counts. Where a newer one does more, the test fails, and this table and
 * README.txt are to be changed.
 */
export const IMPORT_LIMITS: readonly ImportLimit[] = [
  {
    importer: "NSS",
    concerns: hasCurve,
    reason: "NSS before 3.100 imports the key, but decodes no message that " +
      "has a KeyAgreeRecipientInfo",
    error: /SEC_ERROR_BAD_DER/,
  },
  {
    importer: "gpgsm",
    concerns: isModern,
    reason: "GnuPG 2.2 knows no PBES2 with HMAC-SHA-256",
    error: /error at "pkcs5PBES2-params"/,
  },
  {
    importer: "gpgsm",
    concerns: hasCurve,
    reason: "GnuPG 2.2 crashes when it imports a key on a curve from PKCS#12",
    error: /exit 139: .*Segmentation fault/s,
  },
  {
    importer: "gpgsm",
    concerns: ({ password }) => password === "Cyrillic",
    reason: "GnuPG tries the password in some charsets, not in UTF-16",
    error: /possibly bad passphrase given/,
  },
  {
    importer: "keytool",
    concerns: ({ password }) => password !== "ASCII",
    reason: "keytool 17 takes ASCII passwords only",
    error: /keystore password was incorrect/,
  },
];

/**
 * Finds why an import is not expected to succeed.
 *
 * @param importer Name of the program.
 * @param each The case.
 * @returns The limit; undefined if it is expected to succeed.
 */
export function importLimitOf(
  importer: string,
  each: ImportCase,
): ImportLimit | undefined {
  return IMPORT_LIMITS.find((limit) =>
    limit.importer === importer && limit.concerns(each)
  );
}

/**
 * Says what a case is.
 *
 * @param each The case.
 * @returns Format, keys, who signed, and letters of the password.
 */
export function caseName(each: ImportCase): string[] {
  const { keys, signer, password, format } = each;
  const names = keys.map((key) => key.toUpperCase().replace("RSA-", "RSA "));
  return [
    format,
    names.join(", "),
    signer === "issuer" ? "issued" : "self-signed",
    password,
  ];
}

/** Keys and bundles take long to make, and nothing here changes them. */
const bundles = new Map<Contents["keys"], Promise<Bundle>>();

interface Bundle {
  readonly files: Readonly<Record<string, Uint8Array>>;
  readonly generations: readonly BundleGeneration[];
}

function bundleOf(each: ImportCase): Promise<Bundle> {
  // Both formats of a case share the array.
  const bundle = bundles.get(each.keys) ?? makeBundle(each);
  bundles.set(each.keys, bundle);
  return bundle;
}

async function makeBundle({ keys, signer, password }: Contents) {
  const generations: BundleGeneration[] = [];
  for (const [n, kind] of keys.entries()) {
    const isIssued = n === 0 && signer === "issuer";
    generations.push(await generation(kind, isIssued, 1 + n));
  }
  const zip = await bundleZip({
    address: ADDRESS,
    hostname: "mail.example.com",
    isOnlyCopy: false,
    destroyedKeys: 0,
    password: PASSWORDS[password],
    modified: new Date(),
    generations,
    profile: () => Promise.resolve(new Uint8Array()),
  });
  return { files: unzipSync(zip), generations };
}

async function generation(
  kind: KeyKind,
  isIssued: boolean,
  daysAgo: number,
): Promise<BundleGeneration> {
  const privateKey = await generateKey(kind);
  const validity = {
    notBefore: new Date(Date.now() - daysAgo * DAY_MS),
    validityDays: 365,
  };
  const chain: Octets[] = [];
  let made = await selfSignedCertificate(ADDRESS, { ...validity, privateKey });
  if (isIssued) {
    const key = await generateKey("rsa-3072");
    const options = { ...validity, validityDays: 3650, privateKey: key };
    const { certificate } = await issuerCertificate(options);
    chain.push(certificate);
    made = await leafCertificate(ADDRESS, publicKeyOf(privateKey), {
      ...validity,
      signer: { certificate, privateKey: key },
    });
  }
  const { certificate, notAfter } = made;
  return {
    certificate,
    privateKey,
    chain,
    fingerprintSha256: await fingerprintSha256(certificate),
    notAfter,
  };
}

/**
 * Imports a bundle in the order of its README.txt, previous keys first, and
 * opens a message to each certificate.
 *
 * @param session The program.
 * @param each The case.
 * @returns What went wrong; undefined if all messages opened.
 */
export async function examineImport(
  session: ImportSession,
  each: ImportCase,
): Promise<string | undefined> {
  const { files, generations } = await bundleOf(each);
  const name = each.format === "modern"
    ? "certificate.p12"
    : "certificate-compatible.p12";
  const imports = await Promise.all(
    generations.map(async ({ certificate }, n): Promise<Import> => ({
      file: new Uint8Array(files[n === 0 ? name : `previous/${n}/${name}`]!),
      contentInfo: await contentInfo(certificate),
    })),
  );
  try {
    const password = PASSWORDS[each.password];
    const contents = await session.open(imports.reverse(), password);
    const expected = new TextEncoder().encode(ENTITY);
    const isRight = contents.length === generations.length &&
      contents.every((content) => equal(content, expected));
    return isRight ? undefined : "other content";
  } catch (error) {
    return (error as Error).message;
  }
}

/** Encrypts as the appliance does, and takes the ContentInfo out. */
/**
 * Encrypts a message with {@linkcode ENTITY} to one certificate.
 *
 * @param certificate The certificate, DER.
 * @returns Its CMS structure.
 */
export async function contentInfo(certificate: Octets): Promise<Octets> {
  const message = new TextEncoder().encode(MESSAGE);
  const { octets } = await encryptMessage(
    message,
    [readRecipient(certificate)],
    {
      traceFields: [],
    },
  );
  const text = latin1(octets);
  const base64 = text.slice(text.lastIndexOf("\r\n\r\n"));
  return Uint8Array.fromBase64(base64.replace(/\s/g, ""));
}
