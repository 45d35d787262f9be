/**
 * Certificates of a vaultbox: which are in use, and which were.
 *
 * @module
 */

import type {
  Certificate,
  CertificateUses,
  Vaultbox,
} from "../../../clients/typescript/encimap.ts";
import type { Content, Html } from "../html.ts";
import { Field, Form, Once, Table, TextArea, Time } from "../layout.tsx";
import { onceOf, refusal } from "../refused.ts";
import {
  ADMINS,
  type DashboardRoute,
  EVERY_ROLE,
  type Reply,
  type SignedIn,
} from "../route.ts";
import { TEXTS } from "../texts.ts";
import { addressOf, framed, type More } from "./vaultbox_frame.tsx";

const PATH = "/vaultboxes/:id/certificates";

const ONE = `${PATH}/:certificate`;

/** Certificates that are shown; a vaultbox has 20 at most. */
const ROWS = 100;

/**
 * Lists the pages.
 *
 * @returns The pages.
 */
export function certificateRoutes(): DashboardRoute[] {
  return [
    {
      method: "GET",
      path: PATH,
      roles: EVERY_ROLE,
      handle: ({ who, params, query }) =>
        listPage(who, params["id"]!, { query }),
    },
    {
      method: "POST",
      path: `${PATH}/renew`,
      roles: ADMINS,
      async handle({ who, params, form }) {
        const id = params["id"]!;
        const email = addressOf(await who.api.getVaultbox(id));
        try {
          await who.api.generateCertificate({ email }, onceOf(form));
        } catch (error) {
          return await listPage(who, id, { problem: refusal(error) });
        }
        return { to: `/vaultboxes/${id}/certificates?done=renewed` };
      },
    },
    {
      method: "POST",
      path: `${PATH}/upload`,
      roles: ADMINS,
      async handle({ who, params, form }) {
        const id = params["id"]!;
        const { certificate = "" } = form;
        try {
          await who.api.uploadCertificate(id, { certificate }, onceOf(form));
        } catch (error) {
          return await listPage(who, id, { problem: refusal(error) });
        }
        return { to: `/vaultboxes/${id}/certificates?done=added` };
      },
    },
    {
      method: "GET",
      path: ONE,
      roles: EVERY_ROLE,
      handle: ({ who, params, query }) => onePage(who, params, { query }),
    },
    {
      method: "GET",
      path: `${ONE}/download`,
      roles: EVERY_ROLE,
      async handle({ who, params: { id, certificate }, query }) {
        const format = query["format"] === "der" ? "der" : "pem";
        const octets = await who.api.downloadCertificate(id!, certificate!, {
          format,
        });
        return {
          octets: new Uint8Array(octets),
          mediaType: "application/octet-stream",
          filename: format === "der" ? "certificate.cer" : "certificate.pem",
        };
      },
    },
    changing(
      "retire",
      ({ api }, id, certificate) => api.retireCertificate(id, certificate),
    ),
    changing(
      "restore",
      ({ api }, id, certificate) => api.restoreCertificate(id, certificate),
    ),
    changing(
      "destroy",
      ({ api }, id, certificate, form) =>
        api.destroyKey(id, certificate, {
          "fingerprint_sha256": (form["fingerprint"] ?? "").trim(),
        }),
    ),
  ];
}

/** Something that is done to one certificate. */
function changing(
  name: string,
  change: (
    who: SignedIn,
    id: string,
    certificate: string,
    form: Readonly<Record<string, string>>,
  ) => Promise<unknown>,
): DashboardRoute {
  return {
    method: "POST",
    path: `${ONE}/${name}`,
    roles: ADMINS,
    async handle({ who, params, form }) {
      const { id, certificate } = params;
      try {
        await change(who, id!, certificate!, form);
      } catch (error) {
        return await onePage(who, params, { problem: refusal(error) });
      }
      return { to: `/vaultboxes/${id}/certificates/${certificate}?done=saved` };
    },
  };
}

async function listPage(
  who: SignedIn,
  id: string,
  more: More,
): Promise<Reply> {
  const texts = TEXTS.certificates;
  const [vaultbox, { data }] = await Promise.all([
    who.api.getVaultbox(id),
    who.api.listCertificates(id, { limit: ROWS }),
  ]);
  const path = `/vaultboxes/${id}/certificates`;
  return framed(who, vaultbox, {
    ...more,
    section: "certificates",
    main: (
      <>
        <p>{texts.help}</p>
        <Table
          caption={TEXTS.sections.certificates}
          heads={[texts.certificate, texts.state, texts.ends, texts.key]}
          rows={data.map((each) => [
            <a href={`${path}/${each.id}`}>
              <code>{each["fingerprint_sha256"].slice(0, 16)}…</code>
            </a>,
            stateOf(each),
            <Time at={each["not_after"]} />,
            texts.keyStates[each["key_state"]],
          ])}
        />
        {ADMINS.includes(who.grant.role) && (
          <More who={who} vaultbox={vaultbox} path={path} />
        )}
      </>
    ),
  });
}

function More(
  { who, vaultbox, path }: { who: SignedIn; vaultbox: Vaultbox; path: string },
): Html {
  const texts = TEXTS.certificates;
  return (
    <>
      {vaultbox.custody !== "external" && (
        <section aria-labelledby="renew">
          <h2 id="renew">{texts.renew}</h2>
          <p>{texts.renewHelp}</p>
          <Form who={who} action={`${path}/renew`}>
            <Once />
            <button type="submit">{texts.renewButton}</button>
          </Form>
        </section>
      )}
      <section aria-labelledby="upload">
        <h2 id="upload">{texts.upload}</h2>
        <Form who={who} action={`${path}/upload`} stack>
          <Once />
          <TextArea
            label={texts.pem}
            name="certificate"
            help={texts.pemHelp}
            rows={6}
          />
          <button type="submit">{texts.uploadButton}</button>
        </Form>
      </section>
    </>
  );
}

function stateOf(certificate: Certificate): Content {
  const texts = TEXTS.certificates;
  if (certificate["retired_at"] !== null) return texts.retired;
  if (new Date(certificate["not_after"]) < new Date()) {
    return <span class="bad">{texts.ended}</span>;
  }
  return certificate["is_recipient"]
    ? <span class="good">{texts.inUse}</span>
    : texts.notInUse;
}

async function onePage(
  who: SignedIn,
  { id = "", certificate = "" }: Readonly<Record<string, string>>,
  more: More,
): Promise<Reply> {
  const texts = TEXTS.certificates;
  const [vaultbox, one, uses] = await Promise.all([
    who.api.getVaultbox(id),
    who.api.getCertificate(id, certificate),
    who.api.getCertificateUses(id, certificate),
  ]);
  const path = `/vaultboxes/${id}/certificates/${one.id}`;
  const facts: (readonly [string, Content])[] = [
    [texts.state, stateOf(one)],
    [texts.fingerprint, <code>{one["fingerprint_sha256"]}</code>],
    [texts.subject, one.subject],
    [texts.addresses, one.emails.join(", ")],
    [texts.algorithm, `${one.algorithm} ${one.bits}`],
    [texts.origin, texts.origins[one.origin]],
    [texts.begins, <Time at={one["not_before"]} />],
    [texts.ends, <Time at={one["not_after"]} />],
    [texts.key, texts.keyStates[one["key_state"]]],
    [texts.handedOut, <Time at={one["handed_out_at"]} />],
    [texts.messages, uses.messages],
  ];
  return framed(who, vaultbox, {
    ...more,
    section: "certificates",
    main: (
      <>
        <dl class="facts">
          {facts.map(([name, value]) => (
            <>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </>
          ))}
        </dl>
        <p class="row">
          <a class="button" href={`${path}/download`}>{texts.downloadPem}</a>
          <a href={`${path}/download?format=der`}>{texts.downloadDer}</a>
        </p>
        {ADMINS.includes(who.grant.role) && (
          <Changes who={who} certificate={one} uses={uses} path={path} />
        )}
        <p>
          <a href={`/vaultboxes/${id}/certificates`}>{texts.back}</a>
        </p>
      </>
    ),
  });
}

function Changes(
  { who, certificate, uses, path }: {
    who: SignedIn;
    certificate: Certificate;
    uses: CertificateUses;
    path: string;
  },
): Html {
  const texts = TEXTS.certificates;
  const isRetired = certificate["retired_at"] !== null;
  // Mail has to be encrypted to something.
  const isLast = uses["is_recipient"] && uses["other_recipients"] === 0;
  return (
    <>
      <section aria-labelledby="retire">
        <h2 id="retire">{isRetired ? texts.restore : texts.retire}</h2>
        {!isRetired && <p>{uses.retiring}</p>}
        {!isLast && (
          <Form
            who={who}
            action={`${path}/${isRetired ? "restore" : "retire"}`}
          >
            <button type="submit" class={isRetired ? "" : "bad"}>
              {isRetired ? texts.restore : texts.retire}
            </button>
          </Form>
        )}
      </section>
      {certificate["key_state"] === "kept" && uses.destroying !== null && (
        <section aria-labelledby="destroy">
          <h2 id="destroy">{texts.destroy}</h2>
          <p>{uses.destroying}</p>
          <Form who={who} action={`${path}/destroy`} stack>
            <Field
              label={texts.destroyConfirm}
              name="fingerprint"
              required
              minlength={64}
              maxlength={64}
              autocomplete="off"
              isCode
            />
            <button type="submit" class="bad">{texts.destroy}</button>
          </Form>
        </section>
      )}
    </>
  );
}
