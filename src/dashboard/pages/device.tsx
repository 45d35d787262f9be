/**
 * "Set up a device": a mail password, the key, and what to do in the program.
 *
 * @module
 */

import type {
  Certificate,
  NewSetupLink,
  SetupLink,
  Vaultbox,
} from "../../../clients/typescript/encimap.ts";
import {
  CLIENT_GUIDES,
  type ClientGuide,
  ELLIPTIC_CURVE_WARNING,
} from "../../vaultbox/client_guides.ts";
import type { Html } from "../html.ts";
import { Field, Form, Lines, Once, Table, Tick, Time } from "../layout.tsx";
import { QrPicture } from "../qr_picture.tsx";
import { onceOf, refusal } from "../refused.ts";
import {
  type DashboardRoute,
  EVERY_ROLE,
  type Reply,
  type SignedIn,
} from "../route.ts";
import { TEXTS } from "../texts.ts";
import type { DashboardWorld } from "../world.ts";
import { download, type KeyFile } from "./key_files.ts";
import { framed, type More } from "./vaultbox_frame.tsx";

const PATH = "/vaultboxes/:id/device";

/** Rows of the list of links, and certificates that are looked at. */
const ROWS = 20;

/** Kinds of devices. */
export type DeviceKind = keyof typeof TEXTS.device.kinds;

/** The file that a kind takes, and whose instructions it has. */
const KINDS: Readonly<
  Record<DeviceKind, { file: KeyFile; guides: RegExp }>
> = {
  apple: { file: "profile", guides: /^(iPhone|Apple)/ },
  thunderbird: { file: "p12", guides: /^Thunderbird/ },
  outlook: { file: "p12", guides: /Outlook/ },
  android: { file: "p12-compatible", guides: /^Android/ },
  other: { file: "bundle", guides: /^(KMail|Evolution|mutt|OpenSSL)/ },
};

/**
 * Says whether a text names a kind of devices.
 *
 * @param text The text.
 * @returns Whether it does.
 */
export function isKind(text: string | undefined): text is DeviceKind {
  return text !== undefined && Object.hasOwn(KINDS, text);
}

/**
 * Lists the pages.
 *
 * @param world The dashboard's world.
 * @returns The pages.
 */
export function deviceRoutes(world: DashboardWorld): DashboardRoute[] {
  return [
    {
      method: "GET",
      path: PATH,
      roles: EVERY_ROLE,
      handle({ who, params, query }) {
        const id = params["id"]!;
        const kind = query["for"];
        return isKind(kind)
          ? kindPage(world, who, id, { kind, query })
          : choicePage(who, id, { query });
      },
    },
    {
      method: "POST",
      path: `${PATH}/file`,
      roles: EVERY_ROLE,
      async handle({ who, params, form }) {
        const id = params["id"]!;
        try {
          return await download(who, id, form);
        } catch (error) {
          const problem = refusal(error);
          const { kind, password } = form;
          return isKind(kind)
            ? await kindPage(world, who, id, { kind, password, problem })
            : await choicePage(who, id, { problem });
        }
      },
    },
    {
      method: "POST",
      path: `${PATH}/link`,
      roles: EVERY_ROLE,
      async handle({ who, params, form }) {
        const id = params["id"]!;
        try {
          const made = await who.api.createSetupLink(id, {
            "with_credential": form["withCredential"] === "yes",
          }, onceOf(form));
          return await linkPage(who, id, made);
        } catch (error) {
          return await choicePage(who, id, { problem: refusal(error) });
        }
      },
    },
    {
      method: "POST",
      path: `${PATH}/link/:link/delete`,
      roles: EVERY_ROLE,
      async handle({ who, params }) {
        const id = params["id"]!;
        await who.api.deleteSetupLink(id, params["link"]!);
        return { to: `/vaultboxes/${id}/device?done=deleted` };
      },
    },
  ];
}

async function choicePage(
  who: SignedIn,
  id: string,
  more: More,
): Promise<Reply> {
  const texts = TEXTS.device;
  const [vaultbox, links] = await Promise.all([
    who.api.getVaultbox(id),
    who.api.listSetupLinks(id, { limit: ROWS }),
  ]);
  return framed(who, vaultbox, {
    ...more,
    section: "device",
    main: (
      <>
        <p>{texts.which}</p>
        <ul class="cards">
          {(Object.keys(KINDS) as DeviceKind[]).map((kind) => (
            <li>
              <a href={`/vaultboxes/${id}/device?for=${kind}`}>
                {texts.kinds[kind]}
              </a>
            </li>
          ))}
        </ul>
        {vaultbox.custody === "server" && (
          <Links who={who} id={id} rows={links.data} />
        )}
      </>
    ),
  });
}

function Links(
  { who, id, rows }: { who: SignedIn; id: string; rows: SetupLink[] },
): Html {
  const texts = TEXTS.device;
  const path = `/vaultboxes/${id}/device/link`;
  const isOpen = (link: SetupLink): boolean =>
    link["used_at"] === null && new Date(link["expires_at"]) > new Date();
  const open = rows.filter(isOpen);
  return (
    <section aria-labelledby="links">
      <h2 id="links">{texts.other}</h2>
      <p>{texts.otherHelp}</p>
      <Form who={who} action={path} stack>
        <Once />
        <Tick name="withCredential" label={texts.withCredential} isTicked />
        <button type="submit">{texts.makeLink}</button>
      </Form>
      {open.length > 0 && (
        <Table
          caption={texts.openLinks}
          heads={[texts.openLinks, texts.until, ""]}
          rows={open.map((link) => [
            <Time at={link["created_at"]} />,
            <Time at={link["expires_at"]} />,
            <Form who={who} action={`${path}/${link.id}/delete`}>
              <button type="submit" class="plain">{texts.takeBack}</button>
            </Form>,
          ])}
        />
      )}
    </section>
  );
}

async function linkPage(
  who: SignedIn,
  id: string,
  link: NewSetupLink,
): Promise<Reply> {
  const texts = TEXTS.device;
  const vaultbox = await who.api.getVaultbox(id);
  return framed(who, vaultbox, {
    section: "device",
    main: (
      <>
        <p class="done" role="status">{texts.linkOnce}</p>
        <p>
          <a class="secret" href={link.url} rel="noreferrer">{link.url}</a>
        </p>
        <QrPicture text={link.url} title={texts.qr} />
        <p>
          {texts.until} <Time at={link["expires_at"]} />
        </p>
        <p>
          <a href={`/vaultboxes/${id}/device`}>{texts.back}</a>
        </p>
      </>
    ),
  });
}

/** The page of a kind of devices: three steps, from top to bottom. */
async function kindPage(
  world: DashboardWorld,
  who: SignedIn,
  id: string,
  more: More & { kind: DeviceKind; password?: string | undefined },
): Promise<Reply> {
  const { api } = who;
  const texts = TEXTS.device;
  const { kind } = more;
  const [vaultbox, certificates, proposal] = await Promise.all([
    api.getVaultbox(id),
    api.listCertificates(id, { limit: ROWS }),
    more.password ?? api.generatePassword().then(({ password }) => password),
  ]);
  return framed(who, vaultbox, {
    ...more,
    section: "device",
    main: (
      <>
        <p>
          <strong>{texts.kinds[kind]}</strong>{" "}
          <a href={`/vaultboxes/${id}/device`}>{texts.another}</a>
        </p>
        <section aria-labelledby="password-step">
          <h2 id="password-step">{texts.passwordStep}</h2>
          <p>{kind === "apple" ? texts.applePassword : texts.passwordHelp}</p>
          <Form who={who} action={`/vaultboxes/${id}/credentials`}>
            <Once />
            <input type="hidden" name="device" value={kind} />
            <Field
              label={TEXTS.vaultbox.label}
              name="label"
              value={texts.labels[kind]}
              required
              maxlength={100}
            />
            <button type="submit" class={kind === "apple" ? "plain" : ""}>
              {TEXTS.vaultbox.make}
            </button>
          </Form>
        </section>
        <section aria-labelledby="file-step">
          <h2 id="file-step">{texts.fileStep}</h2>
          <KeyStep
            who={who}
            kind={kind}
            vaultbox={vaultbox}
            certificates={certificates.data}
            proposal={proposal}
          />
        </section>
        <section aria-labelledby="program-step">
          <h2 id="program-step">{texts.programStep}</h2>
          <Steps kind={kind} custody={vaultbox.custody} />
          <p class="help">
            {texts.account(
              `${vaultbox.alias}@${vaultbox.domain}`,
              world.hostname,
            )}
          </p>
        </section>
      </>
    ),
  });
}

function KeyStep(
  { who, kind, vaultbox, certificates, proposal }: {
    who: SignedIn;
    kind: DeviceKind;
    vaultbox: Vaultbox;
    certificates: readonly Certificate[];
    proposal: string;
  },
): Html {
  const texts = TEXTS.device;
  const { id, custody } = vaultbox;
  if (custody === "external") return <p>{texts.external}</p>;
  // What goes out is confirmed by its digest, which a device that takes a
  // profile at once does not tell.
  const file = custody === "client" ? "bundle" : KINDS[kind].file;
  const hasCurve = certificates.some(({ algorithm }) => algorithm === "EC");
  return (
    <>
      <p>{texts.fileHelp}</p>
      {custody === "client" && (
        <p class="problem">
          {texts.onlyCopy}{" "}
          <a href={`/vaultboxes/${id}/custody`}>{TEXTS.sections.custody}</a>
        </p>
      )}
      {hasCurve && <p class="problem">{ELLIPTIC_CURVE_WARNING}</p>}
      <Form who={who} action={`/vaultboxes/${id}/device/file`} stack>
        <input type="hidden" name="kind" value={kind} />
        <Field
          label={texts.filePassword}
          name="password"
          value={proposal}
          help={texts.filePasswordHelp}
          required
          minlength={12}
          maxlength={128}
          autocomplete="off"
          isCode
        />
        {file === "profile" && (
          <Tick name="withCredential" label={texts.withCredential} isTicked />
        )}
        <div class="row">
          <button type="submit" name="file" value={file}>
            {texts.files[file]}
          </button>
          {file !== "bundle" && (
            <button type="submit" name="file" value="bundle" class="plain">
              {texts.files.bundle}
            </button>
          )}
        </div>
      </Form>
    </>
  );
}

function Steps(
  { kind, custody }: { kind: DeviceKind; custody: Vaultbox["custody"] },
): Html {
  const texts = TEXTS.device;
  const guides = CLIENT_GUIDES
    .filter(({ title }) => KINDS[kind].guides.test(title))
    .map((guide) => <Guide guide={guide} />);
  if (KINDS[kind].file !== "profile" || custody !== "server") {
    return <>{guides}</>;
  }
  return (
    <>
      <ol>{texts.appleSteps.map((step) => <li>{step}</li>)}</ol>
      <details>
        <summary>{texts.longWay}</summary>
        {guides}
      </details>
    </>
  );
}

function Guide(
  { guide: { title, steps, notes, commands } }: { guide: ClientGuide },
): Html {
  return (
    <>
      <h3>{title}</h3>
      {steps.length > 0 && <ol>{steps.map((step) => <li>{step}</li>)}</ol>}
      {commands && <Lines lines={commands} />}
      {notes.map((note) => <p class="help">{note}</p>)}
    </>
  );
}
