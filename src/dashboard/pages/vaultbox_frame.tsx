/**
 * What all pages of one vaultbox have around them.
 *
 * @module
 */

import type { Vaultbox } from "../../../clients/typescript/encimap.ts";
import type { Html } from "../html.ts";
import { Done, Problem } from "../layout.tsx";
import type { Role } from "../roles.ts";
import { ADMINS, EVERY_ROLE, type Reply, type SignedIn } from "../route.ts";
import { TEXTS } from "../texts.ts";

/** Part of a path behind the vaultbox's; its page. */
export type Section = keyof typeof TEXTS.sections;

const ROLES: Readonly<Record<Section, readonly Role[]>> = {
  facts: EVERY_ROLE,
  device: EVERY_ROLE,
  messages: EVERY_ROLE,
  certificates: EVERY_ROLE,
  custody: EVERY_ROLE,
  people: ADMINS,
  settings: ADMINS,
};

/** What a page says beside its content. */
export interface More {
  /** Of its path: what was done before. */
  readonly query?: Readonly<Record<string, string>>;
  /** What was wrong with a form. */
  readonly problem?: string | undefined;
}

/**
 * Gets the address of a vaultbox.
 *
 * @internal
 */
export function addressOf(
  { alias, domain }: Pick<Vaultbox, "alias" | "domain">,
): string {
  return `${alias}@${domain}`;
}

/**
 * Puts a page of a vaultbox together: its section, what stands in it, and what
 * is said beside.
 *
 * @internal
 */
export function framed(
  who: SignedIn,
  vaultbox: Vaultbox,
  page: More & { section: Section; main: Html },
): Reply {
  const { section, main, query = {}, problem } = page;
  const address = addressOf(vaultbox);
  const name = TEXTS.sections[section];
  return {
    title: section === "facts" ? address : `${address}: ${name}`,
    status: problem === undefined ? 200 : 400,
    main: (
      <>
        <nav aria-label={address} class="sections">
          {(Object.keys(ROLES) as Section[])
            .filter((each) => ROLES[each].includes(who.grant.role))
            .map((each) => (
              <a
                href={pathOf(vaultbox.id, each)}
                aria-current={each === section ? "page" : undefined}
              >
                {TEXTS.sections[each]}
              </a>
            ))}
        </nav>
        <Done query={query} />
        <Problem text={problem} />
        {main}
      </>
    ),
  };
}

function pathOf(id: string, section: Section): string {
  return `/vaultboxes/${id}${section === "facts" ? "" : `/${section}`}`;
}
