/**
 * Bearer tokens of other services: HS256 JWT, RFC 7519 and RFC 8725.
 *
 * @module
 */

import { jwtVerify, SignJWT } from "jose";
import { AppError } from "../errors.ts";

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

/** Key and audience of tokens. */
export interface TokenSettings {
  /** JWT_SECRET. */
  readonly secret: string;
  /** ENCIMAP_TOKEN_AUDIENCE. */
  readonly audience: string;
}

/** The algorithm is ours to say, never the token's: RFC 8725 section 3.1. */
const ALGORITHM = "HS256";

/** A token longer than this is not looked at, in characters. */
const TOKEN_MAX = 4096;

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
 * @param settings Key and audience.
 * @param authorization Value of the Authorization header.
 * @param now The time.
 * @returns Who asks.
 * @throws {AppError} `unauthorized`, without a reason that would help to forge.
 */
export async function authenticate(
  settings: TokenSettings,
  authorization: string | undefined,
  now: Date,
): Promise<Caller> {
  const match = /^Bearer ([\w.-]+)$/i.exec(authorization ?? "");
  if (match === null || match[1]!.length > TOKEN_MAX) throw unauthorized();
  let claims: Readonly<Record<string, unknown>>;
  try {
    const { payload } = await jwtVerify(match[1]!, keyOf(settings), {
      algorithms: [ALGORITHM],
      audience: settings.audience,
      requiredClaims: ["exp", "aud"],
      currentDate: now,
    });
    claims = payload;
  } catch (error) {
    throw unauthorized(error);
  }
  const { role, "user_id": userId } = claims;
  if (role === "service" && userId === undefined) {
    return { userId: undefined, scopes: new Set(SCOPES) };
  }
  if (
    role === undefined && typeof userId === "string" &&
    UUID_REGEXP.test(userId) && userId !== NIL_UUID
  ) {
    const scopes = SCOPES.filter((scope) => scope !== "admin");
    return { userId: userId.toLowerCase(), scopes: new Set(scopes) };
  }
  throw unauthorized(new Error("neither role nor user_id"));
}

/**
 * Makes a token.
 *
 * @param settings Key and audience.
 * @param caller Whom it is for.
 * @param lifetime `now` is the time, `seconds` how long it is valid.
 * @returns The token, in compact form.
 */
export async function mintToken(
  settings: TokenSettings,
  caller: Pick<Caller, "userId">,
  lifetime: { now: Date; seconds: number },
): Promise<string> {
  const issuedAt = Math.floor(lifetime.now.getTime() / 1000);
  const claims = caller.userId === undefined
    ? { role: "service" }
    : { "user_id": caller.userId };
  return await new SignJWT(claims)
    .setProtectedHeader({ alg: ALGORITHM, typ: "JWT" })
    .setAudience(settings.audience)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + lifetime.seconds)
    .sign(keyOf(settings));
}

function keyOf(settings: TokenSettings): Uint8Array {
  return new TextEncoder().encode(settings.secret);
}

function unauthorized(cause?: unknown): AppError {
  return new AppError("unauthorized", "Token is missing or not valid", {
    cause,
  });
}
