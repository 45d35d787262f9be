/**
 * The first page: what there is, and what to do next.
 *
 * @module
 */

import type { Machine } from "../../../clients/typescript/encimap.ts";
import type { Content, Html } from "../html.ts";
import { bytes, Table, Time } from "../layout.tsx";
import {
  type DashboardRoute,
  EVERY_ROLE,
  type Reply,
  type SignedIn,
} from "../route.ts";
import { TEXTS } from "../texts.ts";
import { VaultboxTable } from "./vaultboxes.tsx";

/** Vaultboxes that are shown. */
const NEWEST = 5;

/** What services say when they work. */
const WORKING: readonly string[] = ["connected", "accessible", "running"];

/**
 * Lists the pages.
 *
 * @returns The pages.
 */
export function overviewRoutes(): DashboardRoute[] {
  return [{
    method: "GET",
    path: "/",
    roles: EVERY_ROLE,
    handle({ who }) {
      const { grant } = who;
      // An owner has the one page.
      if (grant.role === "owner") {
        return { to: `/vaultboxes/${grant.vaultboxId}` };
      }
      return overview(
        who,
        grant.role === "operator"
          ? machineParts(who)
          : customerParts(who, grant.userId),
      );
    },
  }];
}

/** Numbers with their words, and what stands above and below them. */
interface Parts {
  readonly above?: Html | null;
  readonly cards: readonly (readonly [Content, string])[];
  readonly below?: Html;
}

async function overview(
  { api }: SignedIn,
  parts: Promise<Parts>,
): Promise<Reply> {
  const texts = TEXTS.overview;
  const [{ above, cards, below }, vaultboxes, domains] = await Promise.all([
    parts,
    api.listVaultboxes({ limit: NEWEST, sort: "-created_at" }),
    api.listDomains({ limit: 1 }),
  ]);
  const isNew = vaultboxes.data.length === 0;
  return {
    title: texts.title,
    main: (
      <>
        {above}
        <ul class="cards">
          {cards.map(([number, words]) => (
            <li>
              <b>{number}</b>
              {words}
            </li>
          ))}
        </ul>
        {isNew ? <Begin hasDomain={domains.data.length > 0} /> : (
          <>
            <h2>{texts.newest}</h2>
            <VaultboxTable rows={vaultboxes.data} />
          </>
        )}
        {below}
      </>
    ),
  };
}

async function customerParts(
  { api }: SignedIn,
  userId: string,
): Promise<Parts> {
  const texts = TEXTS.overview;
  const customer = await api.getCustomer(userId);
  const { "used_messages": messages, "used_bytes": used } = customer;
  return {
    cards: [
      [customer["vaultbox_count"], texts.vaultboxes] as const,
      // Counted where the customer has a limit for them.
      ...messages === null ? [] : [[messages, texts.messages] as const],
      ...used === null ? [] : [[bytes(used), texts.used] as const],
    ],
  };
}

async function machineParts({ api }: SignedIn): Promise<Parts> {
  const texts = TEXTS.overview;
  const [{ certificates, sending }, machine] = await Promise.all([
    api.health(),
    api.getMachine(),
  ]);
  const { services, vaultboxes, doctor } = machine;
  const link = <a href="/machine">{TEXTS.machine.title}</a>;
  return {
    above: doctor?.status === "failed"
      ? <p class="problem">{texts.doctorFailed} {link}</p>
      : null,
    cards: [
      [
        vaultboxes === null
          ? TEXTS.none
          : vaultboxes.active + vaultboxes.suspended,
        texts.vaultboxes,
      ],
      [vaultboxes?.messages ?? TEXTS.none, texts.messages],
      [vaultboxes === null ? TEXTS.none : bytes(vaultboxes.bytes), texts.used],
      [<Time at={vaultboxes?.["last_received"] ?? null} />, texts.newestMail],
      [certificates?.expiring ?? TEXTS.none, texts.expiring],
      [certificates?.expired ?? TEXTS.none, texts.expired],
      [sending?.stopped ?? TEXTS.none, texts.stopped],
    ],
    below: (
      <>
        <Services services={services} />
        <p>{texts.more} {link}</p>
      </>
    ),
  };
}

/**
 * Which parts of the machine work.
 *
 * @internal
 */
export function Services(
  { services }: Pick<Machine, "services">,
): Html {
  const texts = TEXTS.overview;
  const isHealthy = Object.values(services)
    .every((state) => WORKING.includes(state));
  return (
    <section aria-labelledby="health">
      <h2 id="health">{texts.health}</h2>
      <p class={isHealthy ? "good" : "bad"}>
        {isHealthy ? texts.healthy : texts.unhealthy}
      </p>
      <Table
        caption={texts.health}
        heads={[texts.health, TEXTS.vaultbox.status]}
        rows={Object.entries(texts.services).map(([name, words]) => {
          const state = services[name as keyof typeof services];
          const kind = WORKING.includes(state) ? "good" : "bad";
          return [words, <span class={kind}>{state}</span>];
        })}
      />
    </section>
  );
}

function Begin({ hasDomain }: { hasDomain: boolean }): Html {
  const texts = TEXTS.overview;
  return (
    <section aria-labelledby="begin">
      <h2 id="begin">{texts.begin}</h2>
      <p>{hasDomain ? texts.beginVaultbox : texts.beginDomain}</p>
      <a class="button" href={hasDomain ? "/vaultboxes/new" : "/domains"}>
        {hasDomain ? TEXTS.create.title : TEXTS.domains.add}
      </a>
    </section>
  );
}
