/**
 * Public keys of tokens: a PEM file, a JWK Set in a file, or one behind a URL.
 *
 * @module
 * @see {@link https://www.rfc-editor.org/rfc/rfc7517#section-5 | RFC 7517}
 */

import {
  createLocalJWKSet,
  createRemoteJWKSet,
  customFetch,
  errors,
  importJWK,
  importSPKI,
  type JSONWebKeySet,
} from "jose";
import { AppError } from "../errors.ts";

/** Signatures by a private key that is not here, RFC 7518 and RFC 8037. */
export type PublicKeyAlgorithm = "RS256" | "ES256" | "EdDSA";

/** Header of a token, as far as it names a key. */
export type TokenHeader = {
  /** Algorithm, which has been checked. */
  readonly alg: string;
  /** Name of the key, RFC 7515 section 4.1.4. */
  readonly kid?: string;
};

/** Finds the key of a token. */
export type FindKey = (header: TokenHeader) => Promise<CryptoKey>;

/** Public keys of tokens. */
export interface TokenKeys {
  /** The one algorithm of all of them. */
  readonly algorithm: PublicKeyAlgorithm;
  /**
   * Finds a key by the `kid` of a token.
   *
   * @throws {AppError} `unavailable` if the keys cannot be had now.
   */
  readonly find: FindKey;
}

/** Octets of a JWK Set or PEM file, at most. */
const KEYS_MAX_BYTES = 65_536;

/** Milliseconds after which a file is looked at again. */
const FILE_COOLDOWN_MS = 1000;

/** Milliseconds after which an unknown `kid` fetches a JWK Set again. */
const URL_COOLDOWN_MS = 30_000;

/** Milliseconds after which a failed fetch is tried again. */
const FAILURE_COOLDOWN_MS = 5000;

/** Milliseconds for which a fetched JWK Set is used. */
const URL_MAX_AGE_MS = 600_000;

/** Bits of an RSA key, at least: RFC 7518 section 3.3. */
const RSA_MIN_BITS = 2048;

/**
 * Opens keys. A file is read at once; a URL is fetched when a token comes.
 *
 * @param algorithm The algorithm, which no token chooses.
 * @param source ENCIMAP_TOKEN_KEYS: an absolute path or a URL.
 * @param options `cooldownMs` is how long what was had is not asked for again,
 * in place of one second for a file and thirty for a URL.
 * @returns The keys.
 * @throws {Error} If a file cannot be read or has no such key.
 */
export async function openTokenKeys(
  algorithm: PublicKeyAlgorithm,
  source: string,
  options: { cooldownMs?: number } = {},
): Promise<TokenKeys> {
  const find = source.startsWith("/")
    ? await fileKeys(algorithm, source, options.cooldownMs)
    : remoteKeys(new URL(source), options.cooldownMs);
  return {
    algorithm,
    async find(header) {
      try {
        return await find(header);
      } catch (error) {
        if (isTokensFault(error)) throw error;
        throw new AppError("unavailable", "Keys of tokens cannot be had", {
          cause: error,
        });
      }
    },
  };
}

/**
 * Reads a text with public keys.
 *
 * @param algorithm The algorithm.
 * @param text PEM of a SubjectPublicKeyInfo (RFC 7468 section 13), or a JWK Set.
 * @returns What finds a key in it; the one key of a PEM is any token's.
 * @throws {Error} If there is no key for the algorithm, or a private one.
 */
export async function parseTokenKeys(
  algorithm: PublicKeyAlgorithm,
  text: string,
): Promise<FindKey> {
  if (text.length > KEYS_MAX_BYTES) throw new Error("is too large");
  if (text.trimStart().startsWith("-----BEGIN")) {
    const key = await importSPKI(text.trim(), algorithm).catch((cause) => {
      throw new Error(`has no public key for ${algorithm}`, { cause });
    });
    checkStrength(key);
    return () => Promise.resolve(key);
  }
  const set = parseSet(text);
  let usable = 0;
  for (const jwk of set.keys) {
    if ("d" in jwk || jwk.kty === "oct") {
      throw new Error("has a key that is not public");
    }
    if (jwk.alg !== undefined && jwk.alg !== algorithm) continue;
    const key = await importJWK(jwk, algorithm).catch(() => undefined);
    if (key === undefined || key instanceof Uint8Array) continue;
    checkStrength(key);
    usable++;
  }
  if (usable === 0) throw new Error(`has no public key for ${algorithm}`);
  return createLocalJWKSet(set);
}

async function fileKeys(
  algorithm: PublicKeyAlgorithm,
  path: string,
  cooldownMs = FILE_COOLDOWN_MS,
): Promise<FindKey> {
  let text = await Deno.readTextFile(path);
  let known = await parseTokenKeys(algorithm, text);
  let keys = Promise.resolve(known);
  let readAt = performance.now();
  const readAgain = async (): Promise<FindKey> => {
    const read = await Deno.readTextFile(path);
    if (read === text) return known;
    known = await parseTokenKeys(algorithm, read);
    text = read;
    return known;
  };
  return async (header) => {
    if (performance.now() - readAt >= cooldownMs) {
      readAt = performance.now();
      keys = readAgain();
    }
    return (await keys)(header);
  };
}

function remoteKeys(
  url: URL,
  cooldownMs = URL_COOLDOWN_MS,
): FindKey {
  const failureMs = Math.min(cooldownMs, FAILURE_COOLDOWN_MS);
  let failedAt = -Infinity;
  return createRemoteJWKSet(url, {
    cooldownDuration: cooldownMs,
    cacheMaxAge: URL_MAX_AGE_MS,
    async [customFetch](href, init) {
      // Else each forged token would be a request to a server that is down.
      if (performance.now() - failedAt < failureMs) {
        throw new Error("the last fetch has failed");
      }
      try {
        const response = await fetch(href, init);
        const text = await limitedText(response);
        if (response.status !== 200) {
          throw new Error(`status ${response.status}`);
        }
        parseSet(text);
        return new Response(text);
      } catch (error) {
        failedAt = performance.now();
        throw error;
      }
    },
  });
}

function parseSet(text: string): JSONWebKeySet {
  let set: unknown;
  try {
    set = JSON.parse(text);
    createLocalJWKSet(set as JSONWebKeySet);
  } catch {
    // The parser's error quotes the text.
    throw new Error("is neither PEM nor a JWK Set");
  }
  return set as JSONWebKeySet;
}

async function limitedText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > KEYS_MAX_BYTES) throw new Error("is too large");
  }
  return text;
}

function checkStrength(key: CryptoKey): void {
  const { modulusLength: bits } = key.algorithm as RsaKeyAlgorithm;
  if (bits !== undefined && bits < RSA_MIN_BITS) {
    throw new Error(
      `has an RSA key of ${bits} bits, less than ${RSA_MIN_BITS}`,
    );
  }
}

/** Whether the keys are there and the token names none of them. */
function isTokensFault(error: unknown): boolean {
  return error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported;
}
