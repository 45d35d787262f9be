/**
 * Who holds the private keys of a vaultbox, and handing them over.
 *
 * @module
 */

import type {
  Custody,
  DestructionReceipt,
  Vaultbox,
} from "../../../clients/typescript/encimap.ts";
import type { Html } from "../html.ts";
import { Choice, Field, Form, Lines, Table, Time } from "../layout.tsx";
import { isNotFound, refusal } from "../refused.ts";
import {
  ADMINS,
  type DashboardRoute,
  EVERY_ROLE,
  type Reply,
  type SignedIn,
} from "../route.ts";
import { TEXTS } from "../texts.ts";
import { framed, type More } from "./vaultbox_frame.tsx";

const PATH = "/vaultboxes/:id/custody";

/** Hexadecimal SHA-256, as programs print it. */
const SHA256_REGEXP = /[0-9a-f]{64}/i;

/**
 * Lists the pages.
 *
 * @returns The pages.
 */
export function custodyRoutes(): DashboardRoute[] {
  return [
    {
      method: "GET",
      path: PATH,
      roles: EVERY_ROLE,
      handle: ({ who, params, query }) => page(who, params["id"]!, { query }),
    },
    {
      method: "POST",
      path: PATH,
      roles: ADMINS,
      async handle({ who, params, form }) {
        const id = params["id"]!;
        const custody = custodyOf(form);
        const isConfirmed = form["confirmed"] === "yes";
        try {
          const { warnings } = await who.api.setCustody(id, {
            custody,
            "dry_run": !isConfirmed,
          });
          return isConfirmed
            ? { to: `/vaultboxes/${id}/custody?done=saved` }
            : await confirmPage(who, id, custody, warnings);
        } catch (error) {
          return await page(who, id, { problem: refusal(error) });
        }
      },
    },
    {
      method: "POST",
      path: `${PATH}/confirm`,
      roles: EVERY_ROLE,
      async handle({ who, params, form }) {
        const id = params["id"]!;
        // Of "SHA256(bundle.zip)= …" and "… bundle.zip", too.
        const [sha256] = SHA256_REGEXP.exec(form["sha256"] ?? "") ?? [];
        if (sha256 === undefined) {
          return await page(who, id, { problem: TEXTS.custody.noDigest });
        }
        try {
          const receipt = await who.api.confirmHandOut(id, { sha256 });
          return await receiptPage(who, id, receipt);
        } catch (error) {
          const problem = isNotFound(error)
            ? TEXTS.custody.wrongDigest
            : refusal(error);
          return await page(who, id, { problem });
        }
      },
    },
    {
      method: "POST",
      path: `${PATH}/take-back`,
      roles: ADMINS,
      async handle({ who, params }) {
        const id = params["id"]!;
        try {
          await who.api.takeHandOutBack(id);
        } catch (error) {
          return await page(who, id, { problem: refusal(error) });
        }
        return { to: `/vaultboxes/${id}/custody?done=saved` };
      },
    },
  ];
}

function custodyOf(
  { custody }: Readonly<Record<string, string>>,
): Vaultbox["custody"] {
  return custody === "client" || custody === "external" ? custody : "server";
}

async function page(
  who: SignedIn,
  id: string,
  more: More,
): Promise<Reply> {
  const texts = TEXTS.custody;
  const [vaultbox, custody] = await Promise.all([
    who.api.getVaultbox(id),
    who.api.getCustody(id),
  ]);
  const path = `/vaultboxes/${id}/custody`;
  const mayChange = ADMINS.includes(who.grant.role);
  return framed(who, vaultbox, {
    ...more,
    section: "custody",
    main: (
      <>
        <Facts custody={custody} />
        {custody["hand_out"] !== null && (
          <HandOut who={who} handOut={custody["hand_out"]} path={path} />
        )}
        {mayChange && (
          <section aria-labelledby="change">
            <h2 id="change">{texts.change}</h2>
            <Form who={who} action={path}>
              <Choice
                label={TEXTS.vaultbox.custody}
                name="custody"
                value={custody.custody}
                options={Object.entries(TEXTS.custodies)}
              />
              <button type="submit">{texts.next}</button>
            </Form>
            <p class="help">{texts.changeHelp}</p>
          </section>
        )}
      </>
    ),
  });
}

function Facts({ custody }: { custody: Custody }): Html {
  const texts = TEXTS.custody;
  const { newest } = custody;
  return (
    <dl class="facts">
      <dt>{TEXTS.vaultbox.custody}</dt>
      <dd>{TEXTS.custodies[custody.custody]}</dd>
      <dt>{texts.kept}</dt>
      <dd>{custody["keys_kept"]}</dd>
      <dt>{texts.destroyed}</dt>
      <dd>{custody["keys_destroyed"]}</dd>
      <dt>{texts.newestEnds}</dt>
      <dd>
        <Time at={newest["not_after"]} />
      </dd>
      <dt>{texts.renewedBy}</dt>
      <dd>{texts.renewers[newest["renewed_by"]]}</dd>
    </dl>
  );
}

function HandOut(
  { who, handOut, path }: {
    who: SignedIn;
    handOut: NonNullable<Custody["hand_out"]>;
    path: string;
  },
): Html {
  const texts = TEXTS.custody;
  return (
    <section aria-labelledby="hand-out">
      <h2 id="hand-out">{texts.handOut}</h2>
      <p>
        {texts.handOutSince(handOut.files)} <Time at={handOut.since} />.{" "}
        {texts.repeat} <Time at={handOut["repeat_until"]} />.
      </p>
      <p>{texts.confirmHelp}</p>
      <Lines lines={texts.digestCommands} />
      <Form who={who} action={`${path}/confirm`} stack>
        <Field
          label={texts.digest}
          name="sha256"
          required
          maxlength={200}
          autocomplete="off"
          isCode
        />
        <button type="submit" class="bad">{texts.confirm}</button>
      </Form>
      {ADMINS.includes(who.grant.role) && (
        <>
          <p>{texts.takeBackHelp}</p>
          <Form who={who} action={`${path}/take-back`}>
            <button type="submit" class="plain">{texts.takeBack}</button>
          </Form>
        </>
      )}
    </section>
  );
}

async function confirmPage(
  who: SignedIn,
  id: string,
  custody: Vaultbox["custody"],
  warnings: readonly string[],
): Promise<Reply> {
  const texts = TEXTS.custody;
  const vaultbox = await who.api.getVaultbox(id);
  const path = `/vaultboxes/${id}/custody`;
  return framed(who, vaultbox, {
    section: "custody",
    main: (
      <>
        <h2>{TEXTS.custodies[custody]}</h2>
        {warnings.length === 0 ? <p>{texts.already}</p> : (
          <>
            <ul>{warnings.map((warning) => <li>{warning}</li>)}</ul>
            <Form who={who} action={path}>
              <input type="hidden" name="custody" value={custody} />
              <input type="hidden" name="confirmed" value="yes" />
              <button type="submit" class="bad">{texts.change}</button>
            </Form>
          </>
        )}
        <p>
          <a href={path}>{texts.leave}</a>
        </p>
      </>
    ),
  });
}

async function receiptPage(
  who: SignedIn,
  id: string,
  receipt: DestructionReceipt,
): Promise<Reply> {
  const texts = TEXTS.custody;
  const vaultbox = await who.api.getVaultbox(id);
  return framed(who, vaultbox, {
    section: "custody",
    main: (
      <>
        <p class="done" role="status">{texts.receipt}</p>
        <Table
          caption={texts.receipt}
          heads={[TEXTS.certificates.fingerprint, texts.destroyedAt]}
          rows={receipt.keys.map((key) => [
            <code>{key["fingerprint_sha256"]}</code>,
            <Time at={key["destroyed_at"]} />,
          ])}
        />
        <p>{receipt["not_covered"]}</p>
        <p>
          <a href={`/vaultboxes/${id}/custody`}>{texts.leave}</a>
        </p>
      </>
    ),
  });
}
