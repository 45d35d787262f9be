/**
 * What a page of the dashboard is: a path, who may see it, and an answer.
 *
 * @module
 */

import type { Api } from "./api_access.ts";
import type { Html } from "./html.ts";
import type { Grant, Role } from "./roles.ts";
import type { Session } from "./store/sessions.ts";

/** Somebody who is signed in, and what that opens. */
export interface SignedIn {
  /** The session. */
  readonly session: Session;
  /** What it may do. */
  readonly grant: Grant;
  /** The API, as far as it is open to the grant. */
  readonly api: Api;
  /** What every form carries. */
  readonly formToken: string;
}

/** A request, with what is known of its browser. */
export interface PageRequest<Who = SignedIn> {
  /** Who asks. */
  readonly who: Who;
  /** Parts of the path. */
  readonly params: Readonly<Record<string, string>>;
  /** Parameters behind the question mark. */
  readonly query: Readonly<Record<string, string>>;
  /** Fields of the form; empty for GET. */
  readonly form: Readonly<Record<string, string>>;
  /** Cookies. */
  readonly cookies: Readonly<Record<string, string>>;
  /** Address of the client, as the web server in front tells it. */
  readonly client: string;
  /** User-Agent. */
  readonly userAgent: string;
}

/** A page of HTML. */
export interface HtmlPage {
  /** Title of the page. */
  readonly title: string;
  /** What stands in it. */
  readonly main: Html;
  /** What comes below that while it is already shown. */
  readonly parts?: AsyncIterable<Html>;
  /** 200 if left out. */
  readonly status?: number;
  /** Seconds after which to try again. */
  readonly retryAfter?: number;
  /** Values of Set-Cookie. */
  readonly cookies?: readonly string[];
}

/** What is answered. */
export type Reply =
  | HtmlPage
  | {
    /** A file to be saved. */
    readonly octets: Uint8Array<ArrayBuffer>;
    /** Its media type. */
    readonly mediaType: string;
    /** Its name, without quotes. */
    readonly filename: string;
    /** Values of Set-Cookie. */
    readonly cookies?: readonly string[];
  }
  | {
    /** Path to go on with. */
    readonly to: string;
    /** Values of Set-Cookie. */
    readonly cookies?: readonly string[];
  };

/** A page for those who are signed in with one of some roles. */
export interface ClosedRoute {
  /** Method; HEAD is answered as GET. */
  readonly method: "GET" | "POST";
  /** Path with `:name` parts. */
  readonly path: string;
  /** Who may ask; to others it is not there. */
  readonly roles: readonly Role[];
  /** Answers. */
  handle(request: PageRequest): Promise<Reply> | Reply;
}

/** A page for everybody. */
export interface OpenRoute {
  /** Method. */
  readonly method: "GET" | "POST";
  /** Path with `:name` parts. */
  readonly path: string;
  /** Open to everybody. */
  readonly roles: "anybody";
  /** Origin whose pages may send the form, in place of the dashboard's own. */
  readonly from?: string;
  /** Answers. */
  handle(request: PageRequest<SignedIn | undefined>): Promise<Reply> | Reply;
}

/** A page. */
export type DashboardRoute = ClosedRoute | OpenRoute;

/** Everybody who is signed in. */
export const EVERY_ROLE: readonly Role[] = ["operator", "customer", "owner"];

/** Who has more than one vaultbox. */
export const ADMINS: readonly Role[] = ["operator", "customer"];

/** Who runs the machine. */
export const OPERATORS: readonly Role[] = ["operator"];
