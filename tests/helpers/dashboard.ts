/**
 * The dashboard as a real server, and a browser without JavaScript.
 *
 * @module
 */

import { buildDashboard } from "../../src/dashboard/server.ts";
import type { Grant } from "../../src/dashboard/roles.ts";
import { insertInvitation } from "../../src/dashboard/store/accounts.ts";
import { Store } from "../../src/dashboard/store/store.ts";
import type { DashboardWorld } from "../../src/dashboard/world.ts";
import { SECRET, testLog } from "./app.ts";
import { SETTINGS } from "./http.ts";
import bcrypt from "bcryptjs";

/** Where browsers of tests find the dashboard. */
export const ORIGIN = "https://mail.example.test";

/** Origin of the platform of tests. */
export const PLATFORM = "https://platform.example.test";

/** A password that is long enough. */
export const PASSWORD = "correct horse battery";

/** Nobody answers there. */
const NO_API = "http://127.0.0.1:9/s2s/v1";

/** A dashboard with its world. */
export interface TestDashboard extends AsyncDisposable {
  /** Its world; the clock can be set. */
  readonly world: DashboardWorld & { clock: Date | undefined; url: string };
  /** Where it listens. */
  readonly base: string;
  /** Lines of its log. */
  readonly lines: string[];
  /** A browser that has not been here. */
  browser(): Browser;
  /** A browser in which a new account with a grant is signed in. */
  signedIn(grant: Grant, login?: string): Promise<Browser>;
  /** Path of a new one-time link. */
  invite(grant: Grant): string;
}

/** Cheap hashes: what they cost is not what these tests are about. */
const PASSWORDS = {
  hash: (password: string) => bcrypt.hash(password, 4),
  verify: (password: string, hash: string) => bcrypt.compare(password, hash),
};

/**
 * Serves a dashboard.
 *
 * @param apiUrl URL of a served API with its prefix.
 */
export function testDashboard(
  apiUrl: string = NO_API,
): TestDashboard {
  const store = new Store(":memory:");
  const lines: string[] = [];
  const world = {
    clock: undefined as Date | undefined,
    url: ORIGIN,
    hostname: "mail.example.test",
    apiUrl,
    tokens: SETTINGS,
    platform: {
      origin: PLATFORM,
      tokens: {
        secret: SECRET,
        audience: "encimap.dashboard",
        maxSeconds: 300,
      },
    },
    store,
    passwords: PASSWORDS,
    log: testLog(lines),
    now: () => world.clock ?? new Date(),
  };
  const handler = buildDashboard(world);
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    handler,
  );
  const base = `http://127.0.0.1:${server.addr.port}`;
  const invite = (grant: Grant): string => {
    const expiresAt = new Date(world.now().getTime() + 60_000);
    const secret = insertInvitation(store, {
      accountId: null,
      grant,
      expiresAt,
    });
    return `/invitation/${secret}`;
  };
  return {
    world,
    base,
    lines,
    invite,
    browser: () => new Browser(base),
    async signedIn(grant, login = `${grant.role}-${crypto.randomUUID()}`) {
      const browser = new Browser(base);
      await browser.open(invite(grant));
      const page = await browser.submit({
        login,
        password: PASSWORD,
        again: PASSWORD,
      });
      if (page.path.startsWith("/invitation/")) {
        throw new Error(`Not signed in: ${page.text}`);
      }
      return browser;
    },
    async [Symbol.asyncDispose]() {
      await server.shutdown();
      store[Symbol.dispose]();
    },
  };
}

/** What a browser shows. */
export interface Shown {
  /** Path with the query. */
  readonly path: string;
  /** Status. */
  readonly status: number;
  /** Header fields. */
  readonly headers: Headers;
  /** The document. */
  readonly text: string;
  /** The octets of it. */
  readonly octets: Uint8Array<ArrayBuffer>;
}

/** Follows redirections, keeps cookies, sends the forms of its page. */
export class Browser {
  /** Cookies by name. */
  readonly cookies = new Map<string, string>();
  /** Values of Set-Cookie that came last. */
  setCookies: string[] = [];
  /** What it shows. */
  page: Shown | undefined;
  readonly #base: string;

  constructor(base: string) {
    this.#base = base;
  }

  /** What it sends as Cookie. */
  cookieHeader(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`)
      .join("; ");
  }

  /** Opens a path. */
  open(path: string): Promise<Shown> {
    return this.send(path, {});
  }

  /** Finds the form of the page with an action; the first if none is named. */
  formOf(action?: string): Form {
    const form = formsOf(this.page!.text)
      .find((each) =>
        each.method === "post" &&
        (action === undefined
          ? each.action !== "/sign-out"
          : each.action === action)
      );
    if (form === undefined) throw new Error(`No form ${action}`);
    return form;
  }

  /** Sends the form of the page whose action is the one that is named. */
  async submit(
    fields: Record<string, string>,
    action?: string,
  ): Promise<Shown> {
    const form = this.formOf(action);
    for (const name of Object.keys(fields)) {
      if (!form.names.has(name)) throw new Error(`No field ${name}`);
    }
    return await this.post(form.action, { ...form.values, ...fields });
  }

  /** Sends a form as a page of an origin would. */
  post(
    path: string,
    fields: Record<string, string>,
    headers: Record<string, string> = {},
  ): Promise<Shown> {
    return this.send(path, {
      method: "POST",
      headers: {
        origin: ORIGIN,
        "content-type": "application/x-www-form-urlencoded",
        ...headers,
      },
      body: new URLSearchParams(fields).toString(),
    });
  }

  /** Sends a request, and follows where it is sent. */
  async send(path: string, init: RequestInit): Promise<Shown> {
    const headers = new Headers(init.headers);
    headers.set("user-agent", "Test/1.0");
    if (this.cookies.size > 0) headers.set("cookie", this.cookieHeader());
    const response = await fetch(this.#base + path, {
      ...init,
      headers,
      redirect: "manual",
    });
    const set = response.headers.getSetCookie();
    if (set.length > 0) this.setCookies = set;
    for (const each of set) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(each)!;
      if (value === "") this.cookies.delete(name!);
      else this.cookies.set(name!, value!);
    }
    const octets = new Uint8Array(await response.arrayBuffer());
    const text = new TextDecoder().decode(octets);
    const to = response.headers.get("location");
    if (response.status === 303 && to !== null) return await this.open(to);
    const { status } = response;
    return this.page = {
      path,
      status,
      headers: response.headers,
      text,
      octets,
    };
  }
}

/** A form of a document. */
interface Form {
  readonly method: string;
  readonly action: string;
  /** All names that it can send. */
  readonly names: ReadonlySet<string>;
  /** What it sends if nothing is typed. */
  readonly values: Readonly<Record<string, string>>;
}

/** Reads the forms of a document, as far as our pages have them. */
export function formsOf(html: string): Form[] {
  return [...html.matchAll(/<form\b([^>]*)>(.*?)<\/form>/gs)].map(
    ([, open, inner]) => {
      const form = attributes(open!);
      const values: Record<string, string> = {};
      const names = new Set<string>();
      for (const [, tag] of inner!.matchAll(/<(?:input|button)\b([^>]*)>/g)) {
        const { name, value, type } = attributes(tag!);
        if (name === undefined) continue;
        names.add(name);
        const isSent = type === "checkbox"
          ? /\schecked\b/.test(tag!)
          : type !== "submit";
        if (isSent && value !== undefined) values[name] ??= value;
      }
      for (
        const [, tag, options] of inner!.matchAll(
          /<select\b([^>]*)>(.*?)<\/select>/gs,
        )
      ) {
        const { name } = attributes(tag!);
        names.add(name!);
        const chosen = /<option\b([^>]*\bselected\b[^>]*)>/.exec(options!) ??
          /<option\b([^>]*)>/.exec(options!);
        values[name!] = attributes(chosen?.[1] ?? "")["value"] ?? "";
      }
      for (const [, tag] of inner!.matchAll(/<textarea\b([^>]*)>/g)) {
        names.add(attributes(tag!)["name"]!);
      }
      return {
        method: form["method"] ?? "get",
        action: form["action"] ?? "",
        names,
        values,
      };
    },
  );
}

function attributes(tag: string): Record<string, string> {
  return Object.fromEntries(
    [...tag.matchAll(/([\w-]+)="([^"]*)"/g)].map(([, name, value]) => [
      name!,
      value!.replaceAll("&quot;", '"').replaceAll("&#39;", "'")
        .replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll(
          "&amp;",
          "&",
        ),
    ]),
  );
}
