/**
 * Pages of failures: what happened, and what to do.
 *
 * @module
 */

import { EncimapError } from "../../../clients/typescript/encimap.ts";
import { AppError, OUTCOMES, toAppError } from "../../errors.ts";
import type { Html } from "../html.ts";
import { Problem } from "../layout.tsx";
import { wordsOf } from "../refused.ts";
import type { HtmlPage } from "../route.ts";
import { TEXTS } from "../texts.ts";

/** A failure as a page has it. */
export interface Failure {
  /** HTTP status. */
  readonly status: number;
  /** What the API says; for people. */
  readonly message: string | undefined;
  /** Seconds after which to try again. */
  readonly retryAfter: number | undefined;
  /** Whether somebody has to look. */
  readonly isOurs: boolean;
  /** What was underneath, for the log. */
  readonly cause: unknown;
}

/**
 * Says what was thrown.
 *
 * @param thrown An error of the API, of ours, or a surprise.
 * @returns The failure.
 */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof EncimapError) {
    const { code, retryAfter } = thrown;
    // A scope that is missing, as anything of others, is as if it were not there.
    const status = code === "forbidden" ? 404 : thrown.status;
    return {
      // A token of ours that is refused is not the browser's.
      status: code === "unauthorized" ? 500 : status,
      message: code === "forbidden" ? undefined : wordsOf(thrown),
      retryAfter,
      isOurs: status >= 500 || code === "unauthorized",
      cause: thrown,
    };
  }
  if (thrown instanceof TypeError || isTimeout(thrown)) {
    // fetch(): nobody answers.
    const isFetch = isTimeout(thrown) ||
      /fetch|request|connect/i.test(thrown.message);
    const status = isFetch ? 503 : 500;
    const cause = thrown;
    return {
      status,
      message: undefined,
      retryAfter: undefined,
      isOurs: true,
      cause,
    };
  }
  const error = thrown instanceof AppError ? thrown : toAppError(thrown);
  const { http: status } = OUTCOMES[error.code];
  return {
    status,
    message: undefined,
    retryAfter: error.details?.["retry_after"] as number | undefined,
    isOurs: status >= 500,
    cause: error.cause ?? error,
  };
}

function isTimeout(thrown: unknown): thrown is DOMException {
  return thrown instanceof DOMException && thrown.name === "TimeoutError";
}

/**
 * Writes the page of a failure.
 *
 * @param failure The failure.
 * @param requestId Id of the request, which the log has, too.
 * @returns The page.
 */
export function errorPage(
  { status, message, retryAfter }: Pick<
    Failure,
    "status" | "message" | "retryAfter"
  >,
  requestId: string,
): HtmlPage {
  const known = String(status) in TEXTS.errors;
  const key = known ? status : status < 500 ? 400 : 500;
  const [title, help] = TEXTS.errors[String(key) as "400"];
  return {
    title,
    status,
    ...retryAfter !== undefined && { retryAfter },
    main: (
      <>
        {message && <p class="problem">{message}</p>}
        <p>{help}</p>
        <p>
          <a href="/">{TEXTS.errors.back}</a>
        </p>
        <p class="soft">{TEXTS.errors.request(requestId)}</p>
      </>
    ),
  };
}

/**
 * Writes a failure into a page that is shown already.
 *
 * @param page The page of the failure.
 * @returns What stands there.
 */
export function within({ title, main }: HtmlPage): Html {
  return (
    <>
      <Problem text={title} />
      {main}
    </>
  );
}
