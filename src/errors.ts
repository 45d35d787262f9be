/**
 * The failures that a caller can act on, and what each means over HTTP and to
 * Postfix.
 *
 * @module
 */

/** What one failure means on each edge. */
export interface Outcome {
  /** HTTP status. */
  readonly http: number;
  /**
   * Exit status for pipe(8), as in sysexits.h. Postfix bounces on every value
   * but 71 and 75.
   */
  readonly exit: number;
  /** Reply code of LMTP, RFC 5321 section 4.2. */
  readonly reply: number;
  /** Enhanced status code, RFC 3463. */
  readonly status: string;
}

/**
 * The one table of failures. Mail may fail for good only with
 * `unknown_vaultbox`, `message_too_large` and `mail_loop`: every other row exits
 * with 75 and replies with 4xx, so that Postfix keeps the message and tries again.
 */
export const OUTCOMES = {
  invalid_request: { http: 400, exit: 75, reply: 451, status: "4.3.0" },
  unauthorized: { http: 401, exit: 75, reply: 451, status: "4.3.0" },
  forbidden: { http: 403, exit: 75, reply: 451, status: "4.3.0" },
  not_found: { http: 404, exit: 75, reply: 451, status: "4.3.0" },
  method_not_allowed: { http: 405, exit: 75, reply: 451, status: "4.3.0" },
  request_timeout: { http: 408, exit: 75, reply: 451, status: "4.3.0" },
  conflict: { http: 409, exit: 75, reply: 451, status: "4.3.0" },
  /** A customer has as many vaultboxes as it may have. */
  quota_exceeded: { http: 409, exit: 75, reply: 451, status: "4.3.0" },
  /** The vaultbox of a delivery takes no mail now. RFC 3463 X.2.1. */
  vaultbox_suspended: { http: 503, exit: 75, reply: 450, status: "4.2.1" },
  /** A message does not fit into its vaultbox. RFC 3463 X.2.2. */
  vaultbox_full: { http: 507, exit: 75, reply: 452, status: "4.2.2" },
  /** The vaultbox of a delivery is not in the database. RFC 3463 X.1.1. */
  unknown_vaultbox: { http: 404, exit: 67, reply: 550, status: "5.1.1" },
  /** Larger than ENCIMAP_MAX_MESSAGE_BYTES. RFC 3463 X.3.4. */
  message_too_large: { http: 413, exit: 65, reply: 552, status: "5.3.4" },
  /** A message that was delivered to the same address before. RFC 3463 X.4.6. */
  mail_loop: { http: 508, exit: 65, reply: 554, status: "5.4.6" },
  /** The disk of the mail store has no room. RFC 3463 X.3.1. */
  storage_full: { http: 507, exit: 75, reply: 452, status: "4.3.1" },
  unsupported_media_type: { http: 415, exit: 75, reply: 451, status: "4.3.0" },
  idempotency_mismatch: { http: 422, exit: 75, reply: 451, status: "4.3.0" },
  /** More than is worked on at a time. RFC 3463 X.3.2. */
  too_many_requests: { http: 429, exit: 75, reply: 451, status: "4.3.2" },
  headers_too_large: { http: 431, exit: 75, reply: 451, status: "4.3.0" },
  /** The database or the mail store, for now. RFC 3463 X.3.2. */
  unavailable: { http: 503, exit: 75, reply: 451, status: "4.3.2" },
  internal: { http: 500, exit: 75, reply: 451, status: "4.3.0" },
} as const satisfies Record<string, Outcome>;

/** Stable machine-readable reason of a failure; part of the API contract. */
export type ErrorCode = keyof typeof OUTCOMES;

/**
 * A failure that a caller can act on. `message` is shown to the caller, so it
 * names no host, path, query or key; put those in `cause`, which is only
 * logged.
 */
export class AppError extends Error {
  /** Reason, for programs. */
  readonly code: ErrorCode;
  /** More for programs, such as the name of a wrong field. */
  readonly details: Readonly<Record<string, unknown>> | undefined;

  /**
   * Makes a failure.
   *
   * @param code Reason, for programs.
   * @param message Reason, for people.
   * @param options `cause` is what went wrong underneath, for the log;
   * `details` is shown to the caller.
   */
  constructor(
    code: ErrorCode,
    message: string,
    options?: ErrorOptions & { details?: Readonly<Record<string, unknown>> },
  ) {
    super(message, options);
    this.name = "AppError";
    this.code = code;
    this.details = options?.details;
  }
}

/**
 * How the postgres package, the system and PostgreSQL (Appendix A: classes 08,
 * 53 and 57) name a database that cannot be asked now. 40P01: two changes waited
 * for each other, and this one was undone.
 */
const UNREACHABLE_CODES: ReadonlySet<string> = new Set([
  "CONNECTION_CLOSED",
  "CONNECTION_DESTROYED",
  "CONNECTION_ENDED",
  "CONNECT_TIMEOUT",
  "ECONNREFUSED",
  "ECONNRESET",
  "ENOENT",
  "EPIPE",
  "08006",
  "40P01",
  "53100",
  "53200",
  "53300",
  "57014",
  "57P01",
  "57P02",
  "57P03",
]);

/** How the system says that there is no room, errno(3). */
const FULL_CODES: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT"]);

/**
 * How the system says that files cannot be used now, errno(3): a disk that fails
 * or is mounted read-only, and no descriptors left.
 */
const NO_FILES_CODES: ReadonlySet<string> = new Set([
  "EIO",
  "EMFILE",
  "ENFILE",
  "EROFS",
]);

/** Whether it says that a file is missing, and not the database's socket. */
function isOfFile(error: Error & { code: unknown }): boolean {
  const isConnect = "syscall" in error && error.syscall === "connect";
  return error.code === "ENOENT" && !isConnect;
}

/**
 * Turns anything thrown into an {@linkcode AppError}.
 *
 * @param thrown What was caught.
 * @returns The same error if it is one of ours, `storage_full` for a full disk,
 * `unavailable` for a disk or a database that cannot be used now, else
 * `internal`: a bug of ours is a temporary failure for mail.
 */
export function toAppError(thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  if (thrown instanceof Error && "code" in thrown) {
    const code = String(thrown.code);
    const cause = thrown;
    if (FULL_CODES.has(code)) {
      return new AppError("storage_full", "Mail store is full", { cause });
    }
    if (NO_FILES_CODES.has(code)) {
      return new AppError("unavailable", "Storage is not available", { cause });
    }
    if (UNREACHABLE_CODES.has(code) && !isOfFile(thrown)) {
      return new AppError("unavailable", "Database is not available", {
        cause,
      });
    }
  }
  return new AppError("internal", "Internal error", { cause: thrown });
}
