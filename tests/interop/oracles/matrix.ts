/**
 * Which engine opens which form of message: what is tried, and what is known
 * not to work.
 *
 * @module
 */

import { equal } from "../../../src/mail/octets.ts";
import type { ContentCipher } from "../../../src/smime/content_encryption.ts";
import type { KeyTransport } from "../../../src/smime/key_trans_recipient_info.ts";
import { enveloped } from "../../helpers/enveloped.ts";
import { issue } from "../../helpers/openssl.ts";
import type { Issued, Octets } from "../../helpers/openssl.ts";
import type { Session } from "./session.ts";

/** How the content-encryption key goes to the recipient that opens it. */
export type Way = "PKCS1-v1_5" | "OAEP" | "ECDH P-256" | "ECDH P-384";

/** One form of message. */
export interface Combination {
  /** Cipher for the content. */
  readonly cipher: ContentCipher;
  /** How the key goes. */
  readonly way: Way;
  /** To the one that opens it alone, or to RSA, P-256 and P-384. */
  readonly recipients: 1 | 3;
}

/** Something that an engine does not open. */
export interface Limit {
  /** Name of the engine. */
  readonly engine: string;
  /** Whether a combination is concerned. */
  concerns(combination: Combination): boolean;
  /** Why. */
  readonly reason: string;
  /** What the engine says then. */
  readonly error: RegExp;
}

/** The recipients of all messages. */
export interface Recipients {
  /** RSA with 2048 bits. */
  readonly rsa: Issued;
  /** P-256. */
  readonly p256: Issued;
  /** P-384. */
  readonly p384: Issued;
}

const CIPHERS = ["aes-128-cbc", "aes-256-cbc", "aes-256-gcm"] as const;

const WAYS: Readonly<
  Record<Way, { key: keyof Recipients; keyTransport: KeyTransport }>
> = {
  "PKCS1-v1_5": { key: "rsa", keyTransport: "rsaes-pkcs1-v1_5" },
  "OAEP": { key: "rsa", keyTransport: "rsaes-oaep" },
  "ECDH P-256": { key: "p256", keyTransport: "rsaes-pkcs1-v1_5" },
  "ECDH P-384": { key: "p384", keyTransport: "rsaes-pkcs1-v1_5" },
};

/** All that are tried. */
export const COMBINATIONS: readonly Combination[] = CIPHERS.flatMap((cipher) =>
  (Object.keys(WAYS) as Way[]).flatMap((way) =>
    ([1, 3] as const).map((recipients) => ({ cipher, way, recipients }))
  )
);

/** The longest content; the others are its beginnings. */
const LONGEST = Uint8Array.from(
  { length: 5 * 2 ** 20 },
  (_, i) => (i * 31 + (i >> 8)) % 256,
);

/** Octets of the contents. */
const SIZES = [0, 1, 15, 16, 17, 65_536, LONGEST.length];

const isGcm = ({ cipher }: Combination) => cipher === "aes-256-gcm";
const isEcdh = ({ way }: Combination) => way.startsWith("ECDH");
const isOaep = ({ way }: Combination) => way === "OAEP";

/**
 * What does not work with the engines of Debian 12. The first that concerns a
 * combination counts. Where a newer engine does more, the test fails, and this
 * table and docs/clients.md are to be changed.
 */
export const LIMITS: readonly Limit[] = [
  ...["NSS", "Thunderbird's NSS"].map((engine) => ({
    engine,
    concerns: isGcm,
    reason: "NSS before 3.126 knows no AuthEnvelopedData",
    error: /SEC_ERROR_UNRECOGNIZED_OID/,
  })),
  {
    engine: "NSS",
    concerns: (combination) =>
      isEcdh(combination) || combination.recipients === 3,
    reason: "NSS before 3.100 decodes no message that has a " +
      "KeyAgreeRecipientInfo, not even for its RSA recipients",
    error: /SEC_ERROR_BAD_DER/,
  },
  {
    engine: "NSS",
    concerns: isOaep,
    reason: "NSS before 3.101 knows no RSAES-OAEP",
    error: /SEC_ERROR_UNSUPPORTED_KEYALG/,
  },
  {
    engine: "gpgsm",
    concerns: isEcdh,
    reason: "GnuPG 2.2 crashes when it imports a key on a curve from PKCS#12",
    error: /exit 139: .*Segmentation fault/s,
  },
  {
    engine: "gpgsm",
    concerns: isGcm,
    reason: "libksba reads GCM without aes-ICVlen only, which others do not",
    error: /Buffer too short/,
  },
  {
    engine: "gpgsm",
    concerns: isOaep,
    reason: "gpgsm knows no RSAES-OAEP",
    error: /error getting encrypted session key/,
  },
  {
    engine: "Bouncy Castle",
    concerns: (combination) => isGcm(combination) && isEcdh(combination),
    reason: "Bouncy Castle before 1.80 has no key agreement for " +
      "AuthEnvelopedData",
    error: /ClassNotFoundException: .*JceKeyAgreeAuthEnvelopedRecipient/,
  },
];

/**
 * Finds why a combination is not expected to open.
 *
 * @param engine Name of the engine.
 * @param combination The form of message.
 * @returns The limit; undefined if it is expected to open.
 */
export function limitOf(
  engine: string,
  combination: Combination,
): Limit | undefined {
  return LIMITS.find((limit) =>
    limit.engine === engine && limit.concerns(combination)
  );
}

/**
 * Makes the recipients.
 *
 * @returns One of each kind.
 */
export async function makeRecipients(): Promise<Recipients> {
  const curve = (name: string) => `ec -pkeyopt ec_paramgen_curve:${name}`;
  return {
    rsa: await issue("/CN=Cat"),
    p256: await issue("/CN=Cat", { newKey: curve("P-256") }),
    p384: await issue("/CN=Cat", { newKey: curve("P-384") }),
  };
}

/**
 * Has an engine open messages of one form. One that is not expected to is asked
 * for one of 17 octets alone.
 *
 * @param session The engine at work.
 * @param recipients The recipients.
 * @param combination The form.
 * @param limit Why it is not expected to open, if it is not.
 * @returns What the engine says if it refuses; undefined if it opened all, with
 * the right content.
 * @throws {Error} If it opened one with another content.
 */
export async function examine(
  session: Session,
  recipients: Recipients,
  combination: Combination,
  limit: Limit | undefined,
): Promise<string | undefined> {
  const { cipher, way } = combination;
  const { key, keyTransport } = WAYS[way];
  const all = combination.recipients === 1
    ? [recipients[key]]
    : Object.values<Issued>({ ...recipients });
  for (const size of limit === undefined ? SIZES : [17]) {
    const content = LONGEST.subarray(0, size);
    const contentInfo = await enveloped(content, all.map(({ der }) => der), {
      contentCipher: cipher,
      keyTransport,
    });
    let opened: Octets;
    try {
      opened = await session.open(recipients[key], contentInfo);
    } catch (error) {
      return String(error);
    }
    if (!equal(opened, content)) {
      throw new Error(`other content with ${size} octets`);
    }
  }
  return undefined;
}
