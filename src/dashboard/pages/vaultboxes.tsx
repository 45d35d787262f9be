/**
 * The list of vaultboxes, and a new one.
 *
 * @module
 */

import type {
  ListVaultboxesQuery,
  Vaultbox,
} from "../../../clients/typescript/encimap.ts";
import type { Html } from "../html.ts";
import {
  bytes,
  Choice,
  Done,
  Field,
  Form,
  Once,
  Pager,
  Problem,
  Table,
  Time,
} from "../layout.tsx";
import { onceOf, refusal } from "../refused.ts";
import {
  ADMINS,
  type DashboardRoute,
  type PageRequest,
  type Reply,
  type SignedIn,
} from "../route.ts";
import { TEXTS } from "../texts.ts";

/** Rows of a page. */
const ROWS = 50;

/** Domains that are offered to choose from; of more the name is typed. */
const CHOICE_MAX = 100;

/**
 * Lists the pages.
 *
 * @returns The pages.
 */
export function vaultboxesRoutes(): DashboardRoute[] {
  return [
    { method: "GET", path: "/vaultboxes", roles: ADMINS, handle: listPage },
    {
      method: "GET",
      path: "/vaultboxes/new",
      roles: ADMINS,
      handle: ({ who }) => newPage(who, {}),
    },
    {
      method: "POST",
      path: "/vaultboxes/new",
      roles: ADMINS,
      async handle({ who, form }) {
        try {
          const id = await create(who, form);
          return { to: `/vaultboxes/${id}?done=created` };
        } catch (error) {
          return await newPage(who, form, refusal(error));
        }
      },
    },
  ];
}

async function create(
  { api, grant }: SignedIn,
  form: Readonly<Record<string, string>>,
): Promise<string> {
  const { alias = "", domain = "", name = "", custody } = form;
  const own = domain.trim().toLowerCase();
  // It belongs to whose the domain is; the API knows a customer by the token.
  const owner = grant.role === "operator"
    ? { "user_id": (await api.getDomain(own))["user_id"] }
    : {};
  const made = await api.createVaultbox({
    ...owner,
    domain: own,
    alias: alias.trim().toLowerCase(),
    ...name.trim() !== "" && { name: name.trim() },
    custody: custody === "client" ? "client" : "server",
  }, onceOf(form));
  return made["vaultbox_id"];
}

async function listPage({ who, query }: PageRequest): Promise<Reply> {
  const texts = TEXTS.vaultboxes;
  let problem: string | undefined;
  let rows: Vaultbox[] = [];
  let next: string | undefined;
  try {
    const page = await who.api.listVaultboxes(filterOf(query));
    [rows, next] = [page.data, page.nextCursor];
  } catch (error) {
    problem = refusal(error);
  }
  const { q, status, sort, cursor } = query;
  const isAll = !q && !status && cursor === undefined;
  return {
    title: texts.title,
    status: problem === undefined ? 200 : 400,
    main: (
      <>
        <Done query={query} />
        <Problem text={problem} />
        <p>
          <a class="button" href="/vaultboxes/new">{texts.add}</a>{" "}
          <a href="/vaultboxes/many">{TEXTS.bulk.title}</a>
        </p>
        <form action="/vaultboxes" class="row" role="search">
          <Field
            label={texts.search}
            name="q"
            type="search"
            value={q ?? ""}
            help={texts.searchHelp}
            maxlength={320}
            isCode
          />
          <Choice
            label={texts.status}
            name="status"
            value={status}
            options={[["", texts.anyStatus], ...Object.entries(TEXTS.states)]}
          />
          <Choice
            label={texts.sort}
            name="sort"
            value={sort}
            options={Object.entries(texts.sorts)}
          />
          <button type="submit">{texts.find}</button>
        </form>
        {rows.length > 0
          ? <VaultboxTable rows={rows} />
          : <p>{isAll ? texts.empty : texts.notFound}</p>}
        <Pager path="/vaultboxes" query={query} nextCursor={next} />
      </>
    ),
  };
}

/**
 * Rows of the list, each with a link.
 *
 * @internal
 */
export function VaultboxTable({ rows }: { rows: Vaultbox[] }): Html {
  const texts = TEXTS.vaultboxes;
  return (
    <Table
      caption={texts.title}
      heads={[
        texts.address,
        texts.name,
        texts.status,
        texts.messages,
        texts.used,
        texts.newestMail,
      ]}
      rows={rows.map((each) => [
        <a href={`/vaultboxes/${each.id}`}>{`${each.alias}@${each.domain}`}</a>,
        each.name,
        TEXTS.states[each.status],
        each["used_messages"],
        bytes(each["used_bytes"]),
        <Time at={each["last_received"]} />,
      ])}
    />
  );
}

/** What is searched for: an address, a domain behind an @ or a name before it. */
function filterOf(
  query: Readonly<Record<string, string>>,
): ListVaultboxesQuery {
  const { q = "", status, sort = "-created_at", cursor } = query;
  const [before, behind = ""] = q.trim().toLowerCase().split("@", 2);
  const isName = q.includes("@") || !before!.includes(".");
  const alias = isName ? before! : "";
  const domain = isName ? behind : before!;
  return {
    limit: ROWS,
    // The API says which words it takes.
    sort: sort as NonNullable<ListVaultboxesQuery["sort"]>,
    ...alias !== "" && { alias },
    ...domain !== "" && { domain },
    ...status && { status: status as Vaultbox["status"] },
    ...cursor !== undefined && { cursor },
  };
}

async function newPage(
  who: SignedIn,
  form: Readonly<Record<string, string>>,
  problem?: string,
): Promise<Reply> {
  const texts = TEXTS.create;
  const { data: domains, nextCursor } = await who.api.listDomains({
    limit: CHOICE_MAX,
    status: "hosted",
  });
  if (domains.length === 0) {
    return {
      title: texts.title,
      main: (
        <>
          <p>{texts.noDomain}</p>
          <a class="button" href="/domains">{TEXTS.domains.add}</a>
        </>
      ),
    };
  }
  const { server, client } = TEXTS.custodies;
  return {
    title: texts.title,
    status: problem === undefined ? 200 : 400,
    main: (
      <Form who={who} action="/vaultboxes/new" stack>
        <Problem text={problem} />
        <Once />
        <Field
          label={texts.alias}
          name="alias"
          value={form["alias"] ?? ""}
          required
          maxlength={64}
          autocomplete="off"
          isCode
        />
        {nextCursor === undefined
          ? (
            <Choice
              label={texts.domain}
              name="domain"
              value={form["domain"]}
              options={domains.map(({ domain }) => [domain, domain] as const)}
            />
          )
          : (
            <Field
              label={texts.domain}
              name="domain"
              value={form["domain"] ?? ""}
              required
              isCode
            />
          )}
        <Field
          label={texts.name}
          name="name"
          value={form["name"] ?? ""}
          help={texts.nameHelp}
          maxlength={255}
        />
        <Choice
          label={texts.custody}
          name="custody"
          value={form["custody"]}
          help={texts.custodyHelp}
          options={[["server", server], ["client", client]]}
        />
        <button type="submit">{texts.button}</button>
      </Form>
    ),
  };
}
