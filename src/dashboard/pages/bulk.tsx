/**
 * Many new vaultboxes at once, from a list that somebody pastes.
 *
 * @module
 */

import {
  type BulkCreated,
  type BulkCreateVaultboxesBody,
  type BulkFailure,
  EncimapError,
} from "../../../clients/typescript/encimap.ts";
import type { Api } from "../api_access.ts";
import type { Content, Html } from "../html.ts";
import { Choice, Form, Once, Problem, TextArea } from "../layout.tsx";
import { isNotFound, onceOf, refusal } from "../refused.ts";
import {
  ADMINS,
  type DashboardRoute,
  type Reply,
  type SignedIn,
} from "../route.ts";
import { TEXTS } from "../texts.ts";

const PATH = "/vaultboxes/many";

/** Lines of a form: in a minute there are keys for as many. */
const LINES_MAX = 100;

/** Vaultboxes of a request: its keys are made within the client's patience. */
const CHUNK = 10;

/** Times that one asks again for what another page is at. */
const TRIES_MAX = 60;

/** A line of the list. */
interface Line {
  readonly address: string;
  readonly name: string;
}

type Items = BulkCreateVaultboxesBody["items"];

type Result = BulkCreated | BulkFailure;

/**
 * Lists the pages.
 *
 * @returns The pages.
 */
export function bulkRoutes(): DashboardRoute[] {
  return [
    {
      method: "GET",
      path: PATH,
      roles: ADMINS,
      handle: ({ who }) => formPage(who, {}),
    },
    {
      method: "POST",
      path: PATH,
      roles: ADMINS,
      async handle({ who, form }) {
        const { list = "", custody } = form;
        const lines = linesOf(list);
        const { idempotencyKey: once } = onceOf(form);
        const problem = problemOf(lines);
        if (problem !== undefined) {
          return formPage(who, { list, custody, problem });
        }
        let all: Items;
        try {
          all = await itemsOf(who, lines, custody);
        } catch (error) {
          const problem = isNotFound(error)
            ? TEXTS.bulk.noDomain
            : refusal(error);
          return formPage(who, { list, custody, problem });
        }
        return {
          title: TEXTS.bulk.results,
          main: <p>{TEXTS.bulk.wait(lines.length)}</p>,
          parts: results(who, { lines, all, once }),
        };
      },
    },
  ];
}

/** Addresses with names behind a comma, a semicolon or a tab, as in CSV. */
function linesOf(list: string): Line[] {
  return list.split(/\r?\n/).flatMap((line) => {
    const [address = "", name = ""] = line.split(/[,;\t]/, 2)
      .map((part) => part.trim().replace(/^"(.*)"$/, "$1").trim());
    return address === "" ? [] : [{ address: address.toLowerCase(), name }];
  });
}

function problemOf(lines: readonly Line[]): string | undefined {
  const texts = TEXTS.bulk;
  if (lines.length === 0) return texts.noLines;
  if (lines.length > LINES_MAX) return texts.tooMany(LINES_MAX);
  const wrong = lines.find(({ address }) => !/^[^@\s]+@[^@\s]+$/.test(address));
  return wrong && texts.noAddress(wrong.address.slice(0, 80));
}

/** A customer's belong to him, an operator's to whose the domain is. */
async function itemsOf(
  { api, grant }: SignedIn,
  lines: readonly Line[],
  custody: string | undefined,
): Promise<Items> {
  const owners = new Map<string, string>();
  if (grant.role === "operator") {
    const domains = new Set(lines.map(({ address }) => domainOf(address)));
    for (const domain of domains) {
      owners.set(domain, (await api.getDomain(domain))["user_id"]);
    }
  }
  return lines.map(({ address, name }) => {
    const domain = domainOf(address);
    const owner = owners.get(domain);
    return {
      ...owner !== undefined && { "user_id": owner },
      alias: address.slice(0, -domain.length - 1),
      domain,
      custody: custody === "client" ? "client" : "server",
      ...name !== "" && { name },
    };
  });
}

function domainOf(address: string): string {
  return address.slice(address.indexOf("@") + 1);
}

function formPage(
  who: SignedIn,
  { list = "", custody, problem }: {
    list?: string;
    custody?: string | undefined;
    problem?: string;
  },
): Reply {
  const texts = TEXTS.bulk;
  const { server, client } = TEXTS.custodies;
  return {
    title: texts.title,
    status: problem === undefined ? 200 : 400,
    main: (
      <Form who={who} action={PATH} stack>
        <Problem text={problem} />
        <Once />
        <TextArea
          label={texts.list}
          name="list"
          help={texts.listHelp(LINES_MAX)}
          value={list}
          rows={12}
        />
        <Choice
          label={TEXTS.create.custody}
          name="custody"
          value={custody}
          help={TEXTS.create.custodyHelp}
          options={[["server", server], ["client", client]]}
        />
        <button type="submit">{texts.button}</button>
        <p class="help">{texts.patience}</p>
      </Form>
    ),
  };
}

/** Makes them, and says of each what became of it as soon as it is known. */
async function* results(
  { api }: SignedIn,
  { lines, all, once }: { lines: readonly Line[]; all: Items; once: string },
): AsyncGenerator<Html> {
  const texts = TEXTS.bulk;
  let made = 0;
  let problem: string | undefined;
  for (let from = 0; from < lines.length; from += CHUNK) {
    const items = all.slice(from, from + CHUNK);
    let found: Result[] = [];
    if (problem === undefined) {
      try {
        found = await create(api, items, `${once}-${from}`);
      } catch (error) {
        problem = refusal(error);
        yield <Problem text={problem} />;
      }
    }
    made += found.filter(({ success }) => success).length;
    yield (
      <ol start={from + 1}>
        {lines.slice(from, from + CHUNK).map(({ address }, index) => (
          <li>{address}: {words(found[index])}</li>
        ))}
      </ol>
    );
  }
  yield (
    <>
      <p class="done" role="status">{texts.made(made, lines.length)}</p>
      <p>
        <a class="button" href="/vaultboxes">{TEXTS.vaultboxes.title}</a>
      </p>
    </>
  );
}

/**
 * Makes some. Sent again, by a second press or by loading the page again, they have
 * the same answers; those that the first page is at are waited for.
 */
async function create(
  api: Api,
  items: Items,
  idempotencyKey: string,
): Promise<Result[]> {
  for (let tries = 0;; tries++) {
    try {
      return await api.bulkCreateVaultboxes({ items }, { idempotencyKey });
    } catch (error) {
      const isUnderWay = error instanceof EncimapError &&
        error.code === "conflict" && error.retryAfter !== undefined;
      if (!isUnderWay || tries >= TRIES_MAX) throw error;
      const ms = error.retryAfter * 1000;
      await new Promise((resolve) => setTimeout(resolve, ms));
    }
  }
}

function words(result: Result | undefined): Content {
  if (result === undefined) return TEXTS.bulk.notTried;
  if (!result.success) return <span class="bad">{result.error.message}</span>;
  const path = `/vaultboxes/${result.data["vaultbox_id"]}`;
  return <a href={path}>{TEXTS.bulk.there}</a>;
}
