/**
 * JSON names of requests: bodies and parameters parsed.
 *
 * @module
 */

import type { Cursor } from "../db/vaultboxes.ts";
import { AppError } from "../errors.ts";
import { NIL_UUID, UUID_REGEXP } from "./auth.ts";
import { parseAddress, parseAlias, parseDomain } from "../mail/address.ts";
import type { SubmissionServer } from "../vaultbox/credentials.ts";

/** A decoded JSON object. */
export type Body = Readonly<Record<string, unknown>>;

const HOST_REGEXP =
  /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/i;

/** Vaultboxes of one page, at most and if the request does not say. */
const PAGE_MAX = 1000;

/**
 * Checks that a value is a UUID.
 *
 * @param value What came.
 * @param name Field that it came in.
 * @returns The UUID in lower case.
 * @throws {AppError} `invalid_request` that names the field.
 */
export function parseUuid(value: unknown, name: string): string {
  if (typeof value === "string" && UUID_REGEXP.test(value)) {
    return value.toLowerCase();
  }
  throw wrong(name, "must be a UUID");
}

/**
 * Checks the id of a vaultbox in a path. What is no UUID is not there either.
 *
 * @param value Segment of the path.
 * @returns The UUID in lower case.
 * @throws {AppError} `not_found`.
 */
export function parseVaultboxId(value: string | undefined): string {
  if (value !== undefined && UUID_REGEXP.test(value)) {
    return value.toLowerCase();
  }
  throw new AppError("not_found", "No such vaultbox");
}

/**
 * Checks the body of `POST /vaultboxes`.
 *
 * @param body Decoded JSON.
 * @returns The checked input; `userId` is undefined if the body has none.
 * @throws {AppError} `invalid_request` that names the first wrong field.
 */
export function parseNewVaultbox(
  body: Body,
): { userId: string | undefined; domain: string; alias: string; name: string } {
  allowFields(body, ["user_id", "domain", "alias", "name"]);
  const domain = parseDomain(text(body, "domain"));
  const alias = parseAlias(text(body, "alias"));
  const name = body["name"] === undefined
    ? `${alias}@${domain}`
    : text(body, "name").trim();
  if (!/^\P{Cc}{1,255}$/u.test(name)) {
    throw wrong("name", "must have 1 to 255 characters, no control characters");
  }
  return { userId: optionalUserId(body), domain, alias, name };
}

/**
 * Checks the body of `POST /vaultboxes/{id}/smtp-credentials`.
 *
 * @param body Decoded JSON.
 * @returns What the body says of the server.
 * @throws {AppError} `invalid_request` that names the first wrong field.
 */
export function parseSubmissionServer(body: Body): SubmissionServer {
  allowFields(body, ["host", "port", "security_type"]);
  const host = body["host"];
  if (
    host !== undefined && !(typeof host === "string" && HOST_REGEXP.test(host))
  ) {
    throw wrong("host", "must be a host name");
  }
  const port = body["port"];
  if (port !== undefined && !isInteger(port, 1, 65535)) {
    throw wrong("port", "must be an integer from 1 to 65535");
  }
  const securityType = body["security_type"];
  if (
    securityType !== undefined && securityType !== "STARTTLS" &&
    securityType !== "SSL/TLS"
  ) {
    throw wrong("security_type", "must be STARTTLS or SSL/TLS");
  }
  return { host, port, securityType };
}

/**
 * Checks the body of `POST /bundle`.
 *
 * @param body Decoded JSON.
 * @returns The checked input.
 * @throws {AppError} `invalid_request` that names the first wrong field.
 */
export function parseBundleRequest(
  body: Body,
): { vaultboxId: string; password: string } {
  allowFields(body, ["vaultbox_id", "password"]);
  return {
    vaultboxId: parseUuid(body["vaultbox_id"], "vaultbox_id"),
    password: text(body, "password"),
  };
}

/**
 * Checks the body of `POST /p12`.
 *
 * @param body Decoded JSON.
 * @returns The checked input.
 * @throws {AppError} `invalid_request` that names the first wrong field.
 */
export function parsePfxRequest(
  body: Body,
): { vaultboxId: string; password: string; form: "modern" | "compat" } {
  const { format: form = "modern", ...rest } = body;
  if (form !== "modern" && form !== "compat") {
    throw wrong("format", "must be modern or compat");
  }
  return { ...parseBundleRequest(rest), form };
}

/**
 * Checks the body of a request that takes no fields.
 *
 * @param body Decoded JSON.
 * @throws {AppError} `invalid_request` that names the first field.
 */
export function parseNothing(body: Body): void {
  allowFields(body, []);
}

/**
 * Checks the body of `POST /generate-certificate`.
 *
 * @param body Decoded JSON.
 * @returns The checked input.
 * @throws {AppError} `invalid_request` that names the first wrong field.
 */
export function parseCertificateRequest(
  body: Body,
): {
  address: { domain: string; alias: string };
  validityDays: number | undefined;
} {
  allowFields(body, ["email", "days"]);
  const days = body["days"];
  if (days !== undefined && !isInteger(days, 1, 36500)) {
    throw wrong("days", "must be an integer from 1 to 36500");
  }
  return { address: parseAddress(text(body, "email")), validityDays: days };
}

/**
 * Checks the parameters of a list.
 *
 * @param query Parameters of the URL.
 * @returns Which part is wanted, and whose.
 * @throws {AppError} `invalid_request` that names the first wrong parameter.
 */
export function parsePage(
  query: Readonly<Record<string, string>>,
): {
  limit: number;
  after: Cursor | undefined;
  domain: string | undefined;
  userId: string | undefined;
} {
  allowFields(query, ["limit", "cursor", "domain", "user_id"]);
  const limit = query["limit"] === undefined
    ? PAGE_MAX
    : Number(query["limit"]);
  if (!isInteger(limit, 1, PAGE_MAX)) {
    throw wrong("limit", `must be an integer from 1 to ${PAGE_MAX}`);
  }
  return {
    limit,
    after: parseCursor(query["cursor"]),
    domain: query["domain"] === undefined
      ? undefined
      : parseDomain(query["domain"]),
    userId: optionalUserId(query),
  };
}

function parseCursor(value: string | undefined): Cursor | undefined {
  if (value === undefined) return undefined;
  let decoded = "";
  try {
    decoded = atob(value);
  } catch {
    // Judged below like any other wrong text.
  }
  const match = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z) (\S{36})$/.exec(
    decoded,
  );
  if (
    match === null || !UUID_REGEXP.test(match[2]!) ||
    !isTime(match[1]!)
  ) {
    throw wrong("cursor", "must be the next_cursor of an earlier answer");
  }
  return { createdAt: match[1]!, id: match[2]! };
}

/** Whether PostgreSQL takes it: 30 February is a day to Date.parse(). */
function isTime(text: string): boolean {
  const time = new Date(text);
  return !Number.isNaN(time.getTime()) && time.getTime() > 0 &&
    time.toISOString().slice(0, 19) === text.slice(0, 19);
}

function allowFields(body: Body, names: readonly string[]): void {
  for (const name of Object.keys(body)) {
    if (!names.includes(name)) {
      throw wrong(name.slice(0, 64), "is not known here");
    }
  }
}

function text(body: Body, name: string): string {
  const value = body[name];
  if (typeof value === "string") return value;
  throw wrong(name, value === undefined ? "is missing" : "must be a string");
}

/** The nil UUID is the operator's, whom no request stands for. */
function optionalUserId(body: Body): string | undefined {
  if (body["user_id"] === undefined) return undefined;
  const userId = parseUuid(body["user_id"], "user_id");
  if (userId !== NIL_UUID) return userId;
  throw wrong("user_id", "must not be the nil UUID");
}

function isInteger(value: unknown, min: number, max: number): value is number {
  return typeof value === "number" && Number.isInteger(value) &&
    value >= min && value <= max;
}

function wrong(name: string, problem: string): AppError {
  return new AppError("invalid_request", `${name} ${problem}`);
}
