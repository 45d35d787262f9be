/**
 * One vaultbox.
 *
 * @module
 */

import type { Alias, Vaultbox } from "../../../clients/typescript/encimap.ts";
import type { Html } from "../html.ts";
import { bytes, Field, Form, Once, Problem, Time } from "../layout.tsx";
import { onceOf, refusal } from "../refused.ts";
import {
  ADMINS,
  type DashboardRoute,
  EVERY_ROLE,
  OPERATORS,
  type Reply,
  type SignedIn,
} from "../route.ts";
import { TEXTS } from "../texts.ts";
import { Credentials } from "./credentials.tsx";
import { addressOf, framed, type More } from "./vaultbox_frame.tsx";

/** Rows of each list on the page. */
const ROWS = 100;

const PATH = "/vaultboxes/:id";

/**
 * Lists the pages.
 *
 * @returns The pages.
 */
export function vaultboxRoutes(): DashboardRoute[] {
  return [
    {
      method: "GET",
      path: PATH,
      roles: EVERY_ROLE,
      handle: ({ who, params, query }) =>
        vaultboxPage(who, params["id"]!, { query }),
    },
    {
      method: "POST",
      path: `${PATH}/status`,
      // Whom the operator has stopped does not start himself again.
      roles: OPERATORS,
      async handle({ who, params, form }) {
        const id = params["id"]!;
        const status = form["status"] === "suspended" ? "suspended" : "active";
        await who.api.updateVaultbox(id, { status });
        return { to: `/vaultboxes/${id}?done=saved` };
      },
    },
    {
      method: "POST",
      path: `${PATH}/aliases`,
      roles: ADMINS,
      async handle({ who, params, form }) {
        const id = params["id"]!;
        const address = (form["address"] ?? "").trim().toLowerCase();
        try {
          await who.api.createAlias(id, { address }, onceOf(form));
        } catch (error) {
          return await vaultboxPage(who, id, { problem: refusal(error) });
        }
        return { to: `/vaultboxes/${id}?done=added` };
      },
    },
    {
      method: "POST",
      path: `${PATH}/aliases/remove`,
      roles: ADMINS,
      async handle({ who, params, form }) {
        const id = params["id"]!;
        await who.api.deleteAlias(id, form["address"] ?? "");
        return { to: `/vaultboxes/${id}?done=deleted` };
      },
    },
    {
      method: "GET",
      path: `${PATH}/delete`,
      roles: ADMINS,
      handle: ({ who, params }) => deletePage(who, params["id"]!),
    },
    {
      method: "POST",
      path: `${PATH}/delete`,
      roles: ADMINS,
      async handle({ who, params, form }) {
        const id = params["id"]!;
        const vaultbox = await who.api.getVaultbox(id);
        const typed = (form["address"] ?? "").trim().toLowerCase();
        if (typed !== addressOf(vaultbox)) {
          return await deletePage(who, id, TEXTS.remove.wrong);
        }
        await who.api.deleteVaultbox(id);
        return { to: "/vaultboxes?done=deleted" };
      },
    },
  ];
}

/**
 * Writes the page of a vaultbox.
 *
 * @param who Who sees it.
 * @param id UUID of the vaultbox.
 * @param more What was done before, or what was wrong with a form.
 * @returns The page.
 */
export async function vaultboxPage(
  who: SignedIn,
  id: string,
  more: More,
): Promise<Reply> {
  const { api } = who;
  const [vaultbox, aliases, credentials] = await Promise.all([
    api.getVaultbox(id),
    api.listAliases(id, { limit: ROWS }),
    api.listAppCredentials(id, { limit: ROWS }),
  ]);
  const isNew = credentials.data.length === 0;
  return framed(who, vaultbox, {
    ...more,
    section: "facts",
    main: (
      <>
        {isNew && (
          <p>
            <a class="button" href={`/vaultboxes/${id}/device`}>
              {TEXTS.sections.device}
            </a>
          </p>
        )}
        <Facts vaultbox={vaultbox} />
        <Credentials who={who} id={id} rows={credentials.data} />
        <Addresses who={who} vaultbox={vaultbox} rows={aliases.data} />
        {ADMINS.includes(who.grant.role) && (
          <Ends who={who} vaultbox={vaultbox} />
        )}
      </>
    ),
  });
}

function Facts({ vaultbox }: { vaultbox: Vaultbox }): Html {
  const texts = TEXTS.vaultbox;
  return (
    <dl class="facts">
      <dt>{TEXTS.vaultboxes.name}</dt>
      <dd>{vaultbox.name}</dd>
      <dt>{texts.status}</dt>
      <dd>{TEXTS.states[vaultbox.status]}</dd>
      <dt>{texts.custody}</dt>
      <dd>{TEXTS.custodies[vaultbox.custody]}</dd>
      <dt>{texts.messages}</dt>
      <dd>{vaultbox["used_messages"]}</dd>
      <dt>{texts.used}</dt>
      <dd>{bytes(vaultbox["used_bytes"])}</dd>
      <dt>{TEXTS.vaultboxes.newestMail}</dt>
      <dd>
        <Time at={vaultbox["last_received"]} />
      </dd>
      <dt>{texts.since}</dt>
      <dd>
        <Time at={vaultbox["created_at"]} />
      </dd>
    </dl>
  );
}

function Addresses(
  { who, vaultbox, rows }: {
    who: SignedIn;
    vaultbox: Vaultbox;
    rows: Alias[];
  },
): Html {
  const texts = TEXTS.vaultbox;
  const path = `/vaultboxes/${vaultbox.id}/aliases`;
  const mayChange = ADMINS.includes(who.grant.role);
  return (
    <section aria-labelledby="addresses">
      <h2 id="addresses">{texts.addresses}</h2>
      <p class="help">{texts.addressesHelp}</p>
      <ul>
        <li>{`${addressOf(vaultbox)} (${texts.own})`}</li>
        {rows.map(({ address }) => (
          <li>
            {address}
            {mayChange && (
              <Form who={who} action={`${path}/remove`}>
                <input type="hidden" name="address" value={address} />
                <button
                  type="submit"
                  class="plain"
                  aria-label={texts.remove(address)}
                >
                  {texts.remove("")}
                </button>
              </Form>
            )}
          </li>
        ))}
      </ul>
      {mayChange && (
        <Form who={who} action={path}>
          <Once />
          <Field
            label={texts.alias}
            name="address"
            required
            maxlength={320}
            isCode
          />
          <button type="submit">{texts.add}</button>
        </Form>
      )}
    </section>
  );
}

function Ends(
  { who, vaultbox }: { who: SignedIn; vaultbox: Vaultbox },
): Html {
  const texts = TEXTS.vaultbox;
  const isActive = vaultbox.status === "active";
  const verb = isActive ? texts.suspend : texts.resume;
  return (
    <section aria-labelledby="ends">
      <h2 id="ends">{texts.stop}</h2>
      {who.grant.role === "operator" && (
        <>
          <Form who={who} action={`/vaultboxes/${vaultbox.id}/status`}>
            <input
              type="hidden"
              name="status"
              value={isActive ? "suspended" : "active"}
            />
            <button type="submit" class="bad">{verb}</button>
          </Form>
          <p class="help">{texts.suspendHelp}</p>
        </>
      )}
      <p>
        <a class="bad" href={`/vaultboxes/${vaultbox.id}/delete`}>
          {texts.delete}
        </a>
      </p>
    </section>
  );
}

async function deletePage(
  who: SignedIn,
  id: string,
  problem?: string,
): Promise<Reply> {
  const address = addressOf(await who.api.getVaultbox(id));
  const texts = TEXTS.remove;
  return {
    title: texts.title(address),
    status: problem === undefined ? 200 : 400,
    main: (
      <>
        <Problem text={problem} />
        <p>{texts.help}</p>
        <Form who={who} action={`/vaultboxes/${id}/delete`} stack>
          <Field
            label={texts.confirm(address)}
            name="address"
            required
            autocomplete="off"
            isCode
          />
          <button type="submit" class="bad">{texts.button}</button>
        </Form>
      </>
    ),
  };
}
