/**
 * What every page has around it, and the parts that pages are made of.
 *
 * @module
 */

import { STYLE } from "./assets.ts";
import type { Content, Html } from "./html.ts";
import type { Role } from "./roles.ts";
import type { SignedIn } from "./route.ts";
import { TEXTS } from "./texts.ts";

/** Entries of the navigation: path, text, who sees it. */
const NAVIGATION: readonly (readonly [string, string, readonly Role[]])[] = [
  ["/", TEXTS.nav.overview, ["operator", "customer", "owner"]],
  ["/vaultboxes", TEXTS.nav.vaultboxes, ["operator", "customer"]],
  ["/domains", TEXTS.nav.domains, ["operator", "customer"]],
  ["/customers", TEXTS.nav.customers, ["operator"]],
  ["/people", TEXTS.nav.people, ["operator"]],
  ["/audit", TEXTS.nav.audit, ["operator", "customer"]],
  ["/machine", TEXTS.nav.machine, ["operator"]],
  ["/tokens", TEXTS.nav.tokens, ["operator"]],
  ["/account", TEXTS.nav.account, ["operator", "customer", "owner"]],
];

/**
 * Writes a page.
 *
 * @param page Its title, what stands in it, who sees it, and its path.
 * @returns HTML.
 */
export function document(
  page: {
    title: string;
    main: Html;
    who: SignedIn | undefined;
    path: string;
  },
): string {
  const { title, main, who, path } = page;
  const html = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>{`${title} – ${TEXTS.product}`}</title>
        <link rel="stylesheet" href={STYLE.path} />
        <link rel="icon" href="data:," />
      </head>
      <body>
        <a class="skip" href="#content">{TEXTS.skip}</a>
        <header>
          <strong>{TEXTS.product}</strong>
          {who && <Navigation who={who} path={path} />}
        </header>
        <main id="content" tabindex={-1} class={who ? "" : "narrow"}>
          <h1>{title}</h1>
          {main}
        </main>
      </body>
    </html>
  );
  return `<!DOCTYPE html>${html}`;
}

function Navigation(
  { who, path }: { who: SignedIn; path: string },
): Html {
  const { role } = who.grant;
  return (
    <>
      <nav aria-label={TEXTS.navigation}>
        {NAVIGATION.filter(([, , roles]) => roles.includes(role)).map((
          [href, text],
        ) => (
          <a
            href={href}
            aria-current={isUnder(path, href) ? "page" : undefined}
          >
            {text}
          </a>
        ))}
      </nav>
      <span class="soft">{`${who.session.name} (${TEXTS.roles[role]})`}</span>
      <Form who={who} action="/sign-out">
        <button type="submit" class="plain">{TEXTS.signOut}</button>
      </Form>
    </>
  );
}

function isUnder(path: string, href: string): boolean {
  return path === href || href !== "/" && path.startsWith(`${href}/`);
}

/** A form that changes something: it carries the session's token. */
export function Form(
  { who, action, stack = false, children }: {
    who: SignedIn;
    action: string;
    stack?: boolean;
    children?: Content;
  },
): Html {
  return (
    <form method="post" action={action} class={stack ? "stack" : "row"}>
      <input type="hidden" name="formToken" value={who.formToken} />
      {children}
    </form>
  );
}

/** A field of a form. What is not said here is as in HTML's `input`. */
export interface FieldProps {
  /** Its label. */
  readonly label: string;
  /** Its name, and its id. */
  readonly name: string;
  /** A sentence below it. */
  readonly help?: string;
  /** `text` if left out. */
  readonly type?: "password" | "search" | "number" | "file";
  /** What stands in it. */
  readonly value?: string;
  /** Whether it must not be empty. */
  readonly required?: boolean;
  /** Characters at least. */
  readonly minlength?: number;
  /** Characters at most. */
  readonly maxlength?: number;
  /** What browsers fill in. */
  readonly autocomplete?: string;
  /** Whether it is a name or a code: telephones make no capitals. */
  readonly isCode?: boolean;
  /** Which keyboard telephones show. */
  readonly inputmode?: "numeric" | "email";
}

/** Names a form, so that it does nothing a second time. */
export function Once(): Html {
  return <input type="hidden" name="once" value={crypto.randomUUID()} />;
}

/** A labelled field. */
export function Field(
  { label, name, help, isCode = false, ...attributes }: FieldProps,
): Html {
  return (
    <div>
      <label for={name}>{label}</label>
      <input
        id={name}
        name={name}
        {...help !== undefined && { "aria-describedby": `${name}-help` }}
        {...isCode && { autocapitalize: "none" }}
        {...attributes}
      />
      {help !== undefined && <p class="help" id={`${name}-help`}>{help}</p>}
    </div>
  );
}

/** A labelled field of several lines. */
export function TextArea(
  { label, name, help, value = "", rows }: {
    label: string;
    name: string;
    help?: string;
    value?: string;
    rows: number;
  },
): Html {
  return (
    <div>
      <label for={name}>{label}</label>
      <textarea
        id={name}
        name={name}
        rows={rows}
        required
        autocapitalize="none"
        {...help !== undefined && { "aria-describedby": `${name}-help` }}
      >
        {value}
      </textarea>
      {help !== undefined && <p class="help" id={`${name}-help`}>{help}</p>}
    </div>
  );
}

/** A box that is ticked or not. */
export function Tick(
  { label, name, isTicked = false, isRequired = false }: {
    label: string;
    name: string;
    isTicked?: boolean;
    isRequired?: boolean;
  },
): Html {
  return (
    <div class="tick">
      <input
        type="checkbox"
        id={name}
        name={name}
        value="yes"
        checked={isTicked}
        required={isRequired}
      />
      <label for={name}>{label}</label>
    </div>
  );
}

/** What was wrong with what somebody has sent; nothing if nothing was. */
export function Problem(
  { text }: { text: string | undefined },
): Html | null {
  if (text === undefined) return null;
  return <p class="problem" role="alert">{text}</p>;
}

/** What was done before this page; nothing if nothing was. */
export function Done(
  { query }: { query: Readonly<Record<string, string>> },
): Html | null {
  const key = query["done"] ?? "";
  if (!Object.hasOwn(TEXTS.done, key)) return null;
  return <p class="done" role="status">{TEXTS.done[key]}</p>;
}

/** A field with a few values: value, and what people read. */
export function Choice(
  { label, name, options, value, help }: {
    label: string;
    name: string;
    options: readonly (readonly [string, string])[];
    value?: string | undefined;
    help?: string;
  },
): Html {
  return (
    <div>
      <label for={name}>{label}</label>
      <select
        id={name}
        name={name}
        {...help !== undefined && { "aria-describedby": `${name}-help` }}
      >
        {options.map(([each, text]) => (
          <option value={each} selected={each === value}>{text}</option>
        ))}
      </select>
      {help !== undefined && <p class="help" id={`${name}-help`}>{help}</p>}
    </div>
  );
}

/** A table that scrolls alone where the screen is narrow. */
export function Table(
  { caption, heads, rows }: {
    caption: string;
    heads: readonly string[];
    rows: Content[][];
  },
): Html {
  return (
    <div class="scroll" tabindex={0} role="region" aria-label={caption}>
      <table>
        <thead>
          <tr>{heads.map((head) => <th scope="col">{head}</th>)}</tr>
        </thead>
        <tbody>
          {rows.map((cells) => <tr>{cells.map((cell) => <td>{cell}</td>)}</tr>)}
        </tbody>
      </table>
    </div>
  );
}

/**
 * Links to the first and to the next rows of a list, with what it was asked for;
 * nothing where all rows are shown.
 */
export function Pager(
  { path, query, nextCursor }: {
    path: string;
    query: Readonly<Record<string, string>>;
    nextCursor: string | undefined;
  },
): Html | null {
  const { cursor, done: _done, ...filter } = query;
  if (cursor === undefined && nextCursor === undefined) return null;
  const to = (more: Record<string, string>): string => {
    const search = new URLSearchParams({ ...filter, ...more }).toString();
    return search === "" ? path : `${path}?${search}`;
  };
  return (
    <p>
      {cursor !== undefined && <a href={to({})}>{TEXTS.pager.first}</a>}{" "}
      {nextCursor !== undefined && (
        <a href={to({ cursor: nextCursor })} rel="next">{TEXTS.pager.next}</a>
      )}
    </p>
  );
}

/** Lines to type, which scroll alone where they are long. */
export function Lines({ lines }: { lines: readonly string[] }): Html {
  return <pre tabindex={0}><code>{lines.join("\n")}</code></pre>;
}

/** Octets for people. */
export function bytes(count: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let [unit, rest] = [0, count];
  while (rest >= 1000 && unit < units.length - 1) {
    rest /= 1000;
    unit++;
  }
  return `${rest >= 10 || unit === 0 ? Math.round(rest) : rest.toFixed(1)} ${
    units[unit]
  }`;
}

/** A time, in UTC. */
export function Time({ at }: { at: Date | string | null }): Html {
  if (at === null) return <>{TEXTS.none}</>;
  const iso = new Date(at).toISOString();
  return (
    <time datetime={iso}>{`${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`}</time>
  );
}
