/**
 * Settings of a vaultbox: its name, how its mail is encrypted, its limits.
 *
 * @module
 */

import type {
  BeginEncryptionTrialBody,
  UpdateVaultboxBody,
  Vaultbox,
} from "../../../clients/typescript/encimap.ts";
import type { Html } from "../html.ts";
import { bytes, Choice, Field, Form, Tick, Time } from "../layout.tsx";
import { limitOf } from "../numbers.ts";
import { refusal } from "../refused.ts";
import {
  ADMINS,
  type DashboardRoute,
  OPERATORS,
  type Reply,
  type SignedIn,
} from "../route.ts";
import { TEXTS } from "../texts.ts";
import { framed, type More } from "./vaultbox_frame.tsx";

const PATH = "/vaultboxes/:id/settings";

type Form = Readonly<Record<string, string>>;

/** What can be chosen of how mail is encrypted, by the API's names. */
const POLICY = [
  "content_cipher",
  "key_transport",
  "header_protection",
] as const;

type PolicyName = typeof POLICY[number];

/**
 * Lists the pages.
 *
 * @returns The pages.
 */
export function settingsRoutes(): DashboardRoute[] {
  return [
    {
      method: "GET",
      path: PATH,
      roles: ADMINS,
      handle: ({ who, params, query }) => page(who, params["id"]!, { query }),
    },
    saving("name", ({ name = "", publish }) => ({
      name: name.trim(),
      "publish_certificate": publish === "yes",
    })),
    saving("encryption", (form) => ({
      ...policyOf(form),
      ...form["explicit"] === "yes" && { explicit: true },
    })),
    {
      ...saving("limits", (form) => ({
        "max_bytes": limitOf(form["bytes"], 1_000_000),
        "max_messages": limitOf(form["messages"]),
      })),
      roles: OPERATORS,
    },
    {
      method: "POST",
      path: `${PATH}/trial`,
      roles: ADMINS,
      async handle({ who, params, form }) {
        const id = params["id"]!;
        try {
          const wanted = Object.fromEntries(
            Object.entries(policyOf(form)).filter(([, value]) =>
              value !== null
            ),
          ) as BeginEncryptionTrialBody;
          const trial = await who.api.beginEncryptionTrial(id, wanted);
          return await trialPage(who, id, { expiresAt: trial["expires_at"] });
        } catch (error) {
          return await page(who, id, { problem: refusal(error) });
        }
      },
    },
    {
      method: "POST",
      path: `${PATH}/trial/confirm`,
      roles: ADMINS,
      async handle({ who, params, form }) {
        const id = params["id"]!;
        const code = (form["code"] ?? "").trim();
        try {
          await who.api.confirmEncryptionTrial(id, { code });
        } catch (error) {
          return await trialPage(who, id, { problem: refusal(error) });
        }
        return { to: `/vaultboxes/${id}/settings?done=saved` };
      },
    },
  ];
}

/** A part of the settings that is saved alone. */
function saving(
  name: string,
  changes: (form: Form) => UpdateVaultboxBody,
): DashboardRoute {
  return {
    method: "POST",
    path: `${PATH}/${name}`,
    roles: ADMINS,
    async handle({ who, params, form }) {
      const id = params["id"]!;
      try {
        await who.api.updateVaultbox(id, changes(form));
      } catch (error) {
        return await page(who, id, { problem: refusal(error) });
      }
      return { to: `/vaultboxes/${id}/settings?done=saved` };
    },
  };
}

/** What was chosen; the API says which words it takes. */
function policyOf(form: Form): Pick<UpdateVaultboxBody, PolicyName> {
  return Object.fromEntries(
    POLICY.map((name) => [name, form[name] || null]),
  );
}

async function page(who: SignedIn, id: string, more: More): Promise<Reply> {
  const texts = TEXTS.settings;
  const vaultbox = await who.api.getVaultbox(id);
  const path = `/vaultboxes/${id}/settings`;
  return framed(who, vaultbox, {
    ...more,
    section: "settings",
    main: (
      <>
        <h2>{texts.name}</h2>
        <Form who={who} action={`${path}/name`} stack>
          <Field
            label={TEXTS.vaultboxes.name}
            name="name"
            value={vaultbox.name}
            required
            maxlength={255}
          />
          <Tick
            name="publish"
            label={texts.publish}
            isTicked={vaultbox["publish_certificate"]}
          />
          <button type="submit">{texts.save}</button>
        </Form>
        <Encryption who={who} vaultbox={vaultbox} path={path} />
        {who.grant.role === "operator" && (
          <Limits who={who} vaultbox={vaultbox} path={path} />
        )}
      </>
    ),
  });
}

interface PartProps {
  who: SignedIn;
  vaultbox: Vaultbox;
  path: string;
}

function Encryption({ who, vaultbox, path }: PartProps): Html {
  const texts = TEXTS.settings;
  return (
    <section aria-labelledby="encryption">
      <h2 id="encryption">{texts.encryption}</h2>
      <p>{texts.encryptionHelp}</p>
      <Form who={who} action={`${path}/encryption`} stack>
        {POLICY.map((name) => (
          <Choice
            label={texts.policy[name]}
            name={name}
            value={vaultbox[name] ?? ""}
            options={[
              ["", texts.unset(vaultbox.encryption[name])],
              ...Object.entries(texts.values[name]),
            ]}
          />
        ))}
        <Tick name="explicit" label={texts.explicit} />
        <div class="row">
          <button type="submit">{texts.save}</button>
          <button type="submit" class="plain" formaction={`${path}/trial`}>
            {texts.tryFirst}
          </button>
        </div>
      </Form>
    </section>
  );
}

function Limits({ who, vaultbox, path }: PartProps): Html {
  const texts = TEXTS.settings;
  const { "max_bytes": maxBytes, "max_messages": maxMessages } = vaultbox;
  return (
    <section aria-labelledby="limits">
      <h2 id="limits">{texts.limits}</h2>
      <p>
        {texts.usedNow(
          vaultbox["used_messages"],
          bytes(vaultbox["used_bytes"]),
        )}
      </p>
      <Form who={who} action={`${path}/limits`} stack>
        <Field
          label={texts.bytes}
          name="bytes"
          inputmode="numeric"
          value={maxBytes === null ? "" : String(maxBytes / 1_000_000)}
          help={texts.noLimit}
        />
        <Field
          label={texts.messages}
          name="messages"
          inputmode="numeric"
          value={maxMessages === null ? "" : String(maxMessages)}
          help={texts.noLimit}
        />
        <button type="submit">{texts.save}</button>
      </Form>
    </section>
  );
}

async function trialPage(
  who: SignedIn,
  id: string,
  { expiresAt, problem }: { expiresAt?: string; problem?: string },
): Promise<Reply> {
  const texts = TEXTS.settings;
  const vaultbox = await who.api.getVaultbox(id);
  const path = `/vaultboxes/${id}/settings`;
  return framed(who, vaultbox, {
    problem,
    section: "settings",
    main: (
      <>
        <h2>{texts.trial}</h2>
        <p>{texts.trialHelp}</p>
        {expiresAt !== undefined && (
          <p>
            {TEXTS.device.until} <Time at={expiresAt} />
          </p>
        )}
        <Form who={who} action={`${path}/trial/confirm`} stack>
          <Field
            label={texts.code}
            name="code"
            required
            maxlength={64}
            autocomplete="off"
            isCode
          />
          <button type="submit">{texts.confirm}</button>
        </Form>
        <p>
          <a href={path}>{TEXTS.custody.leave}</a>
        </p>
      </>
    ),
  });
}
