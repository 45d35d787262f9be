/**
 * Domains, and the DNS records that they need.
 *
 * @module
 */

import type {
  CheckedDnsRecord,
  DnsRecord,
  Vaultbox,
} from "../../../clients/typescript/encimap.ts";
import { AppError } from "../../errors.ts";
import type { Html } from "../html.ts";
import { Done, Field, Form, Once, Pager, Problem, Table } from "../layout.tsx";
import { isNotFound, onceOf, refusal } from "../refused.ts";
import {
  ADMINS,
  type DashboardRoute,
  type Reply,
  type SignedIn,
} from "../route.ts";
import { TEXTS } from "../texts.ts";
import { addressOf } from "./vaultbox_frame.tsx";

/** Rows of a page. */
const ROWS = 50;

const PATH = "/domains/:domain";

/** What a page says beside its content. */
interface More {
  readonly query?: Readonly<Record<string, string>>;
  readonly problem?: string;
}

/**
 * Lists the pages.
 *
 * @returns The pages.
 */
export function domainRoutes(): DashboardRoute[] {
  return [
    {
      method: "GET",
      path: "/domains",
      roles: ADMINS,
      handle: ({ who, query }) => listPage(who, { query }),
    },
    {
      method: "POST",
      path: "/domains",
      roles: ADMINS,
      async handle({ who, form }) {
        const domain = (form["domain"] ?? "").trim().toLowerCase();
        const owner = who.grant.role === "operator"
          ? { "user_id": (form["customer"] ?? "").trim() }
          : {};
        try {
          await who.api.registerDomain({ ...owner, domain }, onceOf(form));
        } catch (error) {
          return await listPage(who, { problem: refusal(error) });
        }
        return { to: `/domains/${encodeURIComponent(domain)}?done=added` };
      },
    },
    {
      method: "GET",
      path: PATH,
      roles: ADMINS,
      handle: ({ who, params, query }) =>
        domainPage(who, params["domain"]!, { query }),
    },
    {
      method: "POST",
      path: `${PATH}/verify`,
      roles: ADMINS,
      async handle({ who, params }) {
        const domain = params["domain"]!;
        try {
          await who.api.verifyDomain(domain);
        } catch (error) {
          return await domainPage(who, domain, { problem: refusal(error) });
        }
        return { to: `/domains/${encodeURIComponent(domain)}?done=verified` };
      },
    },
    {
      method: "POST",
      path: `${PATH}/catch-all`,
      roles: ADMINS,
      async handle({ who, params, form }) {
        const domain = params["domain"]!;
        const path = `/domains/${encodeURIComponent(domain)}`;
        if (form["address"] === undefined) {
          await who.api.deleteCatchAll(domain);
          return { to: `${path}?done=deleted` };
        }
        try {
          const id = await vaultboxOf(who, form["address"]);
          await who.api.setCatchAll(domain, { "vaultbox_id": id });
        } catch (error) {
          return await domainPage(who, domain, { problem: refusal(error) });
        }
        return { to: `${path}?done=saved` };
      },
    },
    {
      method: "POST",
      path: `${PATH}/delete`,
      roles: ADMINS,
      async handle({ who, params }) {
        const domain = params["domain"]!;
        try {
          await who.api.deleteDomain(domain);
        } catch (error) {
          return await domainPage(who, domain, { problem: refusal(error) });
        }
        return { to: "/domains?done=deleted" };
      },
    },
  ];
}

async function listPage(
  who: SignedIn,
  { query = {}, problem }: More,
): Promise<Reply> {
  const texts = TEXTS.domains;
  const { cursor } = query;
  const { data, nextCursor } = await who.api.listDomains({
    limit: ROWS,
    ...cursor !== undefined && { cursor },
  });
  return {
    title: texts.title,
    status: problem === undefined ? 200 : 400,
    main: (
      <>
        <Done query={query} />
        <Problem text={problem} />
        {data.length === 0 ? <p>{texts.empty}</p> : (
          <Table
            caption={texts.title}
            heads={[texts.domain, texts.status]}
            rows={data.map(({ domain, status }) => [
              <a href={`/domains/${encodeURIComponent(domain)}`}>{domain}</a>,
              texts[status],
            ])}
          />
        )}
        <Pager path="/domains" query={query} nextCursor={nextCursor} />
        <h2>{texts.add}</h2>
        <Form who={who} action="/domains" stack>
          <Once />
          <Field
            label={texts.domain}
            name="domain"
            required
            maxlength={255}
            isCode
          />
          {who.grant.role === "operator" && (
            <Field
              label={texts.customer}
              name="customer"
              required
              maxlength={36}
              isCode
            />
          )}
          <button type="submit">{texts.addButton}</button>
        </Form>
      </>
    ),
  };
}

async function domainPage(
  who: SignedIn,
  name: string,
  { query = {}, problem }: More,
): Promise<Reply> {
  const texts = TEXTS.domains;
  const { domain, status, challenge } = await who.api.getDomain(name);
  const path = `/domains/${encodeURIComponent(domain)}`;
  const isChecked = query["check"] === "now";
  const [records, catchAll] = status === "hosted"
    ? await Promise.all([
      isChecked
        ? who.api.checkDnsRecords(domain)
        : who.api.listDnsRecords(domain),
      catchAllOf(who, name),
    ])
    : [[], undefined];
  return {
    title: domain,
    status: problem === undefined ? 200 : 400,
    main: (
      <>
        <Done query={query} />
        <Problem text={problem} />
        <p>{texts[status]}</p>
        {challenge !== null && (
          <section aria-labelledby="challenge">
            <h2 id="challenge">{texts.challenge}</h2>
            <p>{texts.challengeHelp}</p>
            <Records caption={texts.challenge} rows={[challenge]} />
            <Form who={who} action={`${path}/verify`}>
              <button type="submit">{texts.verify}</button>
            </Form>
          </section>
        )}
        {records.length > 0 && (
          <section aria-labelledby="records">
            <h2 id="records">{texts.records}</h2>
            <p>{texts.recordsHelp}</p>
            <p>
              <a class="button" href={`${path}?check=now#records`}>
                {texts.check}
              </a>
            </p>
            <Records caption={texts.records} rows={records} />
          </section>
        )}
        {status === "hosted" && (
          <CatchAll who={who} current={catchAll} path={`${path}/catch-all`} />
        )}
        <h2>{texts.giveUp}</h2>
        <p class="help">{texts.giveUpHelp}</p>
        <Form who={who} action={`${path}/delete`}>
          <button type="submit" class="bad">{texts.giveUp}</button>
        </Form>
      </>
    ),
  };
}

/** The vaultbox that gets what is for no other address of a domain. */
async function catchAllOf(
  { api }: SignedIn,
  domain: string,
): Promise<Vaultbox | undefined> {
  try {
    const { "vaultbox_id": id } = await api.getCatchAll(domain);
    return await api.getVaultbox(id);
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}

async function vaultboxOf(
  { api }: SignedIn,
  typed: string,
): Promise<string> {
  const [alias = "", domain = ""] = typed.trim().toLowerCase().split("@", 2);
  const { data: [found] } = await api.listVaultboxes({
    alias,
    domain,
    limit: 1,
  });
  if (found !== undefined) return found.id;
  throw new AppError("invalid_request", TEXTS.domains.noVaultbox);
}

function CatchAll(
  { who, current, path }: {
    who: SignedIn;
    current: Vaultbox | undefined;
    path: string;
  },
): Html {
  const texts = TEXTS.domains;
  return (
    <section aria-labelledby="catch-all">
      <h2 id="catch-all">{texts.catchAll}</h2>
      <p>{texts.catchAllHelp}</p>
      {current !== undefined && (
        <Form who={who} action={path}>
          <a href={`/vaultboxes/${current.id}`}>{addressOf(current)}</a>
          <button type="submit" class="plain">{texts.noCatchAll}</button>
        </Form>
      )}
      <Form who={who} action={path}>
        <Field
          label={texts.catchAllTo}
          name="address"
          required
          maxlength={320}
          isCode
        />
        <button type="submit">{TEXTS.settings.save}</button>
      </Form>
    </section>
  );
}

function Records(
  { caption, rows }: {
    caption: string;
    rows: readonly (DnsRecord | CheckedDnsRecord)[];
  },
): Html {
  const texts = TEXTS.domains;
  const isChecked = rows.some((row) => "state" in row);
  return (
    <Table
      caption={caption}
      heads={[
        ...isChecked ? [texts.found] : [],
        ...[texts.name, texts.type, texts.value],
      ]}
      rows={rows.map((row) => [
        ..."state" in row ? [<InDns record={row} />] : [],
        <code>{row.name}</code>,
        row.type,
        <code>{row.value}</code>,
      ])}
    />
  );
}

/** What DNS has in place of a record; that it is there, if it is. */
function InDns({ record }: { record: CheckedDnsRecord }): Html {
  const { state, found } = record;
  return (
    <>
      <span class={state === "ok" ? "good" : "bad"}>
        {TEXTS.domains.states[state]}
      </span>
      {state === "wrong" && found.map((each) => (
        <div>
          <code>{each}</code>
        </div>
      ))}
    </>
  );
}
