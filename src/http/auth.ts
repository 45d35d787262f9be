/**
 * Bearer tokens of other services: JWT, RFC 7519 and RFC 8725.
 *
 * @module
 */

import { type JWTPayload, jwtVerify, SignJWT } from "jose";
import { AppError } from "../errors.ts";
import type { TokenKeys } from "./token_keys.ts";

/** What a token may be allowed, RFC 8693 section 4.2. */
export const SCOPES = [
  "vaultbox:read",
  "vaultbox:write",
  "credential:write",
  "certificate:write",
  "domain:write",
  "admin",
] as const;

/** One of {@linkcode SCOPES}. */
export type Scope = typeof SCOPES[number];

/** Who asks. */
export interface Caller {
  /** UUID of the user for whom alone it acts; undefined is a service. */
  readonly userId: string | undefined;
  /** `sub` of a service's token. */
  readonly subject?: string | undefined;
  /** What it is allowed. */
  readonly scopes: ReadonlySet<Scope>;
}

/** What a token must have. */
export interface TokenRules {
  /** ENCIMAP_TOKEN_AUDIENCE. */
  readonly audience: string;
  /** ENCIMAP_TOKEN_ISSUER; undefined where any will do. */
  readonly issuer?: string | undefined;
  /** ENCIMAP_TOKEN_MAX_SECONDS; a day if left out. */
  readonly maxSeconds?: number;
}

/** What HS256 tokens are made and checked with. */
export interface SecretTokenSettings extends TokenRules {
  /** JWT_SECRET. */
  readonly secret: string;
}

/** What tokens of somebody else's private key are checked with. */
export interface KeysTokenSettings extends TokenRules {
  /** The public keys. */
  readonly keys: TokenKeys;
}

/**
 * What tokens are checked with. The algorithm follows from it and is never the
 * token's to say: RFC 8725 section 3.1.
 */
export type TokenSettings = SecretTokenSettings | KeysTokenSettings;

/** Algorithm of a {@linkcode SecretTokenSettings}. */
const SECRET_ALGORITHM = "HS256";

/** Seconds of ENCIMAP_TOKEN_MAX_SECONDS if that is left out. */
export const MAX_SECONDS = 86_400;

/** A token longer than this is not looked at, in characters. */
const TOKEN_MAX = 4096;

/** `sub` of a service; it stands in the audit log. */
export const SUBJECT_REGEXP: RegExp = /^[\x20-\x7e]{1,255}$/;

/** RFC 9562 section 5.9; the operator's vaultbox belongs to it. */
export const NIL_UUID = "00000000-0000-0000-0000-000000000000";

/** A UUID as a request, a token or an operator may write it, in any case. */
export const UUID_REGEXP: RegExp =
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/**
 * Checks the header of a request.
 *
 * A token has `exp`, `aud` and either `role: "service"` or `user_id`.
 *
 * @param settings What tokens are checked with.
 * @param authorization Value of the Authorization header.
 * @param now The time.
 * @returns Who asks.
 * @throws {AppError} `unauthorized`, without a reason that would help to forge;
 * `unavailable` if the keys cannot be had.
 */
export async function authenticate(
  settings: TokenSettings,
  authorization: string | undefined,
  now: Date,
): Promise<Caller> {
  const match = /^Bearer ([\w.-]+)$/i.exec(authorization ?? "");
  if (match === null || match[1]!.length > TOKEN_MAX) throw unauthorized();
  try {
    const claims = await verify(settings, match[1]!, now);
    checkLifetime(claims, now, settings.maxSeconds ?? MAX_SECONDS);
    return callerOf(claims);
  } catch (error) {
    throw error instanceof AppError ? error : unauthorized(error);
  }
}

async function verify(
  settings: TokenSettings,
  token: string,
  now: Date,
): Promise<JWTPayload> {
  const { audience, issuer } = settings;
  const rules = {
    audience,
    ...(issuer !== undefined && { issuer }),
    requiredClaims: ["exp", "aud"],
    currentDate: now,
  };
  const { payload } = "keys" in settings
    ? await jwtVerify(token, settings.keys.find, {
      ...rules,
      algorithms: [settings.keys.algorithm],
    })
    : await jwtVerify(token, keyOf(settings), {
      ...rules,
      algorithms: [SECRET_ALGORITHM],
    });
  return payload;
}

/** A token that is stolen or not wanted any more must end soon. */
function checkLifetime(
  { exp = Infinity, iat }: JWTPayload,
  now: Date,
  maxSeconds: number,
): void {
  const seconds = Math.floor(now.getTime() / 1000);
  // A time of issue in the future would make a long life look short.
  const issuedAt = Math.min(iat ?? seconds, seconds);
  if (exp - issuedAt > maxSeconds) throw new Error("lives too long");
}

function callerOf(claims: JWTPayload): Caller {
  const { role, "user_id": userId, sub: subject } = claims;
  const named = scopesOf(claims);
  if (role === "service" && userId === undefined) {
    if (
      subject !== undefined &&
      (typeof subject !== "string" || !SUBJECT_REGEXP.test(subject))
    ) throw new Error("sub is not printable ASCII");
    const scopes = SCOPES.filter((scope) => named?.has(scope) ?? true);
    return { userId: undefined, subject, scopes: new Set(scopes) };
  }
  if (
    role === undefined && typeof userId === "string" &&
    UUID_REGEXP.test(userId) && userId !== NIL_UUID
  ) {
    const scopes = SCOPES.filter((scope) =>
      scope !== "admin" && (named?.has(scope) ?? true)
    );
    return { userId: userId.toLowerCase(), scopes: new Set(scopes) };
  }
  throw new Error("neither role nor user_id");
}

/**
 * What a token names as allowed, in `scope` (RFC 8693 section 4.2) or as a list
 * in `scp`; undefined if it names nothing at all.
 */
function scopesOf(
  { scope, scp }: JWTPayload,
): ReadonlySet<unknown> | undefined {
  if (typeof scope === "string") return new Set(scope.split(" "));
  if (scope !== undefined) throw new Error("scope is not text");
  if (Array.isArray(scp)) return new Set(scp);
  if (scp !== undefined) throw new Error("scp is not a list");
  return undefined;
}

/**
 * Makes sure that tokens can be checked.
 *
 * @param settings What tokens are checked with.
 * @throws {AppError} `unavailable` if the public keys cannot be had now.
 */
export async function checkKeys(settings: TokenSettings): Promise<void> {
  if (!("keys" in settings)) return;
  try {
    await settings.keys.find({ alg: settings.keys.algorithm });
  } catch (error) {
    // Several keys, and no kid that names one: they are there.
    if (error instanceof AppError) throw error;
  }
}

/**
 * Makes a token.
 *
 * @param settings Key and audience.
 * @param caller Whom it is for; without `scopes` all that it can have.
 * @param lifetime `now` is the time, `seconds` how long it is valid.
 * @returns The token, in compact form.
 */
export async function mintToken(
  settings: SecretTokenSettings,
  caller: Pick<Caller, "userId" | "subject"> & Partial<Pick<Caller, "scopes">>,
  lifetime: { now: Date; seconds: number },
): Promise<string> {
  const issuedAt = Math.floor(lifetime.now.getTime() / 1000);
  const { userId, subject, scopes } = caller;
  const token = new SignJWT({
    ...(userId === undefined ? { role: "service" } : { "user_id": userId }),
    ...(scopes !== undefined && { scope: [...scopes].join(" ") }),
  })
    .setProtectedHeader({ alg: SECRET_ALGORITHM, typ: "JWT" })
    .setAudience(settings.audience)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + lifetime.seconds);
  if (settings.issuer !== undefined) token.setIssuer(settings.issuer);
  if (subject !== undefined) token.setSubject(subject);
  return await token.sign(keyOf(settings));
}

function keyOf(settings: SecretTokenSettings): Uint8Array {
  return new TextEncoder().encode(settings.secret);
}

function unauthorized(cause?: unknown): AppError {
  return new AppError("unauthorized", "Token is missing or not valid", {
    cause,
  });
}
