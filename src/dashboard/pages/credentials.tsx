/**
 * Mail passwords of devices: part of a vaultbox's page, and what is shown once.
 *
 * @module
 */

import type {
  AppCredential,
  MailServer,
  NewAppCredential,
} from "../../../clients/typescript/encimap.ts";
import type { Html } from "../html.ts";
import { Choice, Field, Form, Once, Table, Time } from "../layout.tsx";
import { onceOf, refusal } from "../refused.ts";
import {
  type DashboardRoute,
  EVERY_ROLE,
  type Reply,
  type SignedIn,
} from "../route.ts";
import { TEXTS } from "../texts.ts";
import { isKind } from "./device.tsx";
import { vaultboxPage } from "./vaultbox.tsx";

const PATH = "/vaultboxes/:id/credentials";

/** What a password can be for. */
type CredentialScope = AppCredential["scope"];

/**
 * Lists the pages.
 *
 * @returns The pages.
 */
export function credentialRoutes(): DashboardRoute[] {
  return [
    {
      method: "POST",
      path: PATH,
      roles: EVERY_ROLE,
      async handle({ who, params, form }) {
        const id = params["id"]!;
        const { label = "", scope = "both" } = form;
        try {
          const made = await who.api.createAppCredential(id, {
            label: label.trim(),
            // The API says which words it takes.
            scope: scope as CredentialScope,
          }, onceOf(form));
          return passwordPage(id, made, form["device"]);
        } catch (error) {
          return await vaultboxPage(who, id, { problem: refusal(error) });
        }
      },
    },
    {
      method: "POST",
      path: `${PATH}/:credential/revoke`,
      roles: EVERY_ROLE,
      async handle({ who, params }) {
        const id = params["id"]!;
        await who.api.deleteAppCredential(id, params["credential"]!);
        return { to: `/vaultboxes/${id}?done=deleted` };
      },
    },
  ];
}

/**
 * The list of a vaultbox's passwords, and the form for another one.
 *
 * @internal
 */
export function Credentials(
  { who, id, rows }: { who: SignedIn; id: string; rows: AppCredential[] },
): Html {
  const texts = TEXTS.vaultbox;
  const path = `/vaultboxes/${id}/credentials`;
  return (
    <section aria-labelledby="credentials">
      <h2 id="credentials">{texts.credentials}</h2>
      <p class="help">{texts.credentialsHelp}</p>
      {rows.length === 0 ? <p>{texts.noCredentials}</p> : (
        <Table
          caption={texts.credentials}
          heads={[texts.label, texts.scope, texts.lastUsed, ""]}
          rows={rows.map((each) => [
            each.label,
            texts.scopes[each.scope],
            <Time at={each["last_used_at"]} />,
            <Form who={who} action={`${path}/${each.id}/revoke`}>
              <button
                type="submit"
                class="plain"
                aria-label={texts.revoke(each.label)}
              >
                {texts.revoke("")}
              </button>
            </Form>,
          ])}
        />
      )}
      <Form who={who} action={path}>
        <Once />
        <Field
          label={texts.label}
          name="label"
          required
          maxlength={100}
          help={texts.labelHelp}
        />
        <Choice
          label={texts.scope}
          name="scope"
          options={Object.entries(texts.scopes)}
        />
        <button type="submit">{texts.make}</button>
      </Form>
    </section>
  );
}

function passwordPage(
  id: string,
  made: NewAppCredential,
  device: string | undefined,
): Reply {
  const texts = TEXTS.password;
  const path = `/vaultboxes/${id}`;
  return {
    title: texts.title,
    main: (
      <>
        <p class="done" role="status">{texts.once}</p>
        <dl class="facts">
          <dt>{texts.username}</dt>
          <dd>
            <code>{made.username}</code>
          </dd>
          <dt>{texts.password}</dt>
          <dd>
            <span class="secret">{made.password}</span>
          </dd>
          <Server name={texts.imap} server={made.servers.imap} />
          <Server name={texts.submission} server={made.servers.submission} />
        </dl>
        <p>
          {isKind(device)
            ? (
              <a
                class="button"
                href={`${path}/device?for=${device}#file-step`}
              >
                {texts.goOn}
              </a>
            )
            : <a class="button" href={path}>{texts.back}</a>}
        </p>
      </>
    ),
  };
}

function Server(
  { name, server }: { name: string; server: MailServer | null },
): Html | null {
  if (server === null) return null;
  const { host, port, "security_type": security } = server;
  return (
    <>
      <dt>{name}</dt>
      <dd>{TEXTS.password.server(host, port, security)}</dd>
    </>
  );
}
