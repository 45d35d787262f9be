/**
 * Who may sign in: everybody for the operator, the owners of a vaultbox for its
 * customer.
 *
 * @module
 */

import { AppError } from "../../errors.ts";
import { UUID_REGEXP } from "../../http/auth.ts";
import type { Html } from "../html.ts";
import {
  Choice,
  Done,
  Field,
  Form,
  Pager,
  Problem,
  Table,
  Time,
} from "../layout.tsx";
import type { Grant } from "../roles.ts";
import {
  ADMINS,
  type DashboardRoute,
  OPERATORS,
  type PageRequest,
  type Reply,
  type SignedIn,
} from "../route.ts";
import {
  deleteAccount,
  getAccount,
  insertInvitation,
} from "../store/accounts.ts";
import {
  countOwners,
  deleteInvitation,
  listAccounts,
  listInvitations,
} from "../store/people.ts";
import { TEXTS } from "../texts.ts";
import type { DashboardWorld } from "../world.ts";
import { framed } from "./vaultbox_frame.tsx";

/** Milliseconds for which a link works. */
const LINK_MS = 86_400_000;

/** Accounts and links of one vaultbox, at most: a customer makes them himself. */
const OWNERS_MAX = 20;

/** Rows of a page. */
const ROWS = 50;

/** Whom a page is about; null is everybody. */
type VaultboxId = string | null;

type Form = Readonly<Record<string, string>>;

/** Puts the people of a page into what stands around them. */
type Wrap = (
  who: SignedIn,
  params: Form,
  page: {
    title: string;
    main: Html;
    problem?: string | undefined;
    query?: Form;
  },
) => Promise<Reply> | Reply;

/**
 * Lists the pages.
 *
 * @param world The dashboard's world.
 * @returns The pages.
 */
export function peopleRoutes(world: DashboardWorld): DashboardRoute[] {
  const all = routesAt(world, {
    path: "/people",
    roles: OPERATORS,
    wrap: (_who, _params, { title, main, problem, query = {} }) => ({
      title,
      status: problem === undefined ? 200 : 400,
      main: (
        <>
          <Done query={query} />
          <Problem text={problem} />
          {main}
        </>
      ),
    }),
  });
  const owners = routesAt(world, {
    path: "/vaultboxes/:id/people",
    roles: ADMINS,
    // The API says whether the vaultbox is theirs, before anything is done.
    wrap: async (who, params, page) =>
      framed(who, await who.api.getVaultbox(params["id"]!), {
        ...page,
        section: "people",
      }),
  });
  return [...all, ...owners];
}

function routesAt(
  world: DashboardWorld,
  { path, roles, wrap }: {
    path: string;
    roles: typeof ADMINS;
    wrap: Wrap;
  },
): DashboardRoute[] {
  const { store, now, log } = world;
  const pathOf = ({ id = "" }: Form): string => path.replace(":id", id);
  const page = (
    { who, params, query }: PageRequest,
    problem?: string,
  ): Promise<Reply> | Reply => {
    const vaultboxId = params["id"] ?? null;
    return wrap(who, params, {
      title: TEXTS.people.title,
      problem,
      query,
      main: (
        <People
          who={who}
          world={world}
          vaultboxId={vaultboxId}
          path={pathOf(params)}
          query={query}
        />
      ),
    });
  };
  const shown = (
    { who, params }: PageRequest,
    invitation: { accountId: string | null; grant: Grant },
  ): Promise<Reply> | Reply => {
    const expiresAt = new Date(now().getTime() + LINK_MS);
    const secret = insertInvitation(store, { ...invitation, expiresAt });
    log.write("info", "invited", {
      by: who.session.accountId ?? undefined,
      role: invitation.grant.role,
    });
    const url = `${world.url}/invitation/${secret}`;
    return wrap(who, params, {
      title: TEXTS.people.link,
      main: <Link url={url} expiresAt={expiresAt} back={pathOf(params)} />,
    });
  };
  const post = (
    name: string,
    handle: (request: PageRequest) => Promise<Reply> | Reply,
  ): DashboardRoute => ({
    method: "POST",
    path: `${path}/${name}`,
    roles,
    async handle(request) {
      const { who, params: { id } } = request;
      if (id !== undefined) await who.api.getVaultbox(id);
      return await handle(request);
    },
  });
  return [
    { method: "GET", path, roles, handle: (request) => page(request) },
    post("invite", async (request) => {
      const { who, params, form } = request;
      const vaultboxId = params["id"] ?? null;
      const grant = vaultboxId === null
        ? grantOf(form)
        : await ownerOf(who, vaultboxId);
      if (grant === undefined) return page(request, TEXTS.people.noUuid);
      // From here to the link nothing waits: no other request comes in between.
      const isFull = vaultboxId !== null &&
        countOwners(store, now(), vaultboxId) >= OWNERS_MAX;
      if (isFull) return page(request, TEXTS.people.tooMany(OWNERS_MAX));
      return shown(request, { accountId: null, grant });
    }),
    post("reset", (request) => {
      const { id, grant } = accountOf(world, request);
      return shown(request, { accountId: id, grant });
    }),
    post("remove", (request) => {
      const { id } = accountOf(world, request);
      if (id === request.who.session.accountId) {
        return page(request, TEXTS.people.yourself);
      }
      deleteAccount(store, id);
      log.write("info", "account removed", {
        by: request.who.session.accountId ?? undefined,
        account: id,
      });
      return { to: `${pathOf(request.params)}?done=deleted` };
    }),
    post("take-back", ({ params, form: { digest = "" } }) => {
      deleteInvitation(store, digest, params["id"] ?? null);
      return { to: `${pathOf(params)}?done=deleted` };
    }),
  ];
}

/** The account that a form names, if it is one of the page's. */
function accountOf(
  { store }: DashboardWorld,
  { form, params }: PageRequest,
): { id: string; grant: Grant } {
  const account = getAccount(store, form["account"] ?? "");
  const { grant } = account;
  const vaultboxId = params["id"];
  const isOurs = vaultboxId === undefined ||
    grant.role === "owner" && grant.vaultboxId === vaultboxId;
  if (isOurs) return account;
  throw new AppError("not_found", "No such account");
}

async function ownerOf({ api }: SignedIn, vaultboxId: string): Promise<Grant> {
  const { id, "user_id": userId } = await api.getVaultbox(vaultboxId);
  return { role: "owner", userId, vaultboxId: id };
}

function grantOf(form: Form): Grant | undefined {
  if (form["role"] === "operator") return { role: "operator" };
  const userId = (form["customer"] ?? "").trim().toLowerCase();
  return UUID_REGEXP.test(userId) ? { role: "customer", userId } : undefined;
}

function People(
  { who, world: { store, now }, vaultboxId, path, query }: {
    who: SignedIn;
    world: DashboardWorld;
    vaultboxId: VaultboxId;
    path: string;
    query: Form;
  },
): Html {
  const texts = TEXTS.people;
  const { q = "", cursor = "" } = query;
  const found = listAccounts(store, {
    vaultboxId,
    search: q.trim(),
    after: cursor,
    limit: ROWS + 1,
  });
  const accounts = found.slice(0, ROWS);
  const next = found.length > ROWS ? accounts.at(-1)!.login : undefined;
  const links = listInvitations(store, now(), vaultboxId);
  return (
    <>
      {vaultboxId === null && (
        <form action={path} class="row" role="search">
          <Field
            label={texts.login}
            name="q"
            type="search"
            value={q}
            maxlength={254}
            isCode
          />
          <button type="submit">{TEXTS.vaultboxes.find}</button>
        </form>
      )}
      {accounts.length === 0
        ? <p>{q === "" ? texts.empty : texts.notFound}</p>
        : (
          <Table
            caption={texts.title}
            heads={[texts.login, texts.may, texts.codes, texts.seen, ""]}
            rows={accounts.map(({ id, login, grant, hasCodes, seenAt }) => [
              login,
              mayOf(grant),
              hasCodes ? texts.on : texts.off,
              <Time at={seenAt} />,
              <Form who={who} action={`${path}/remove`}>
                <input type="hidden" name="account" value={id} />
                <button
                  type="submit"
                  class="plain"
                  formaction={`${path}/reset`}
                  aria-label={texts.reset(login)}
                >
                  {texts.reset("")}
                </button>
                <button
                  type="submit"
                  class="plain"
                  aria-label={texts.remove(login)}
                >
                  {texts.remove("")}
                </button>
              </Form>,
            ])}
          />
        )}
      <Pager path={path} query={query} nextCursor={next} />
      {links.length > 0 && (
        <Table
          caption={texts.links}
          heads={[texts.links, texts.may, texts.until, ""]}
          rows={links.map(({ digest, login, grant, expiresAt }) => [
            login === null ? texts.newAccount : texts.newPassword(login),
            mayOf(grant),
            <Time at={expiresAt} />,
            <Form who={who} action={`${path}/take-back`}>
              <input type="hidden" name="digest" value={digest} />
              <button type="submit" class="plain">
                {TEXTS.device.takeBack}
              </button>
            </Form>,
          ])}
        />
      )}
      <h2>{texts.invite}</h2>
      <Form who={who} action={`${path}/invite`} stack>
        {vaultboxId === null ? <Whom /> : <p>{texts.ownerHelp}</p>}
        <button type="submit">{texts.inviteButton}</button>
      </Form>
    </>
  );
}

function Whom(): Html {
  const texts = TEXTS.people;
  return (
    <>
      <Choice
        label={texts.may}
        name="role"
        options={[
          ["customer", TEXTS.roles.customer],
          ["operator", TEXTS.roles.operator],
        ]}
      />
      <Field
        label={TEXTS.domains.customer}
        name="customer"
        help={texts.customerHelp}
        maxlength={36}
        isCode
      />
    </>
  );
}

function mayOf(grant: Grant): Html {
  const words = TEXTS.roles[grant.role];
  if (grant.role === "operator") return <>{words}</>;
  if (grant.role === "customer") {
    return (
      <>
        {words} <code>{grant.userId}</code>
      </>
    );
  }
  const { vaultboxId } = grant;
  return (
    <>
      {words} <a href={`/vaultboxes/${vaultboxId}`}>{vaultboxId.slice(0, 8)}</a>
    </>
  );
}

function Link(
  { url, expiresAt, back }: { url: string; expiresAt: Date; back: string },
): Html {
  const texts = TEXTS.people;
  return (
    <>
      <p class="done" role="status">{texts.linkHelp}</p>
      <span class="secret">{url}</span>
      <p>
        {texts.until} <Time at={expiresAt} />
      </p>
      <p>
        <a href={back}>{texts.title}</a>
      </p>
    </>
  );
}
