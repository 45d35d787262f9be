/**
 * The audit log: who did what, when.
 *
 * @module
 */

import type { AuditEntry } from "../../../clients/typescript/encimap.ts";
import type { Content } from "../html.ts";
import { Field, Pager, Problem, Table, Time } from "../layout.tsx";
import { refusal } from "../refused.ts";
import {
  ADMINS,
  type DashboardRoute,
  type PageRequest,
  type Reply,
} from "../route.ts";
import { TEXTS } from "../texts.ts";

/** Rows of a page. */
const ROWS = 50;

/**
 * Lists the pages.
 *
 * @returns The pages.
 */
export function auditRoutes(): DashboardRoute[] {
  return [{ method: "GET", path: "/audit", roles: ADMINS, handle: page }];
}

async function page({ who, query }: PageRequest): Promise<Reply> {
  const texts = TEXTS.audit;
  const { cursor, vaultbox, action } = query;
  const filter = {
    ...vaultbox && { "vaultbox_id": vaultbox },
    ...action && { action },
  };
  let problem: string | undefined;
  let rows: AuditEntry[] = [];
  let next: string | undefined;
  try {
    const found = await who.api.listAudit({
      limit: ROWS,
      ...filter,
      ...cursor !== undefined && { cursor },
    });
    [rows, next] = [found.data, found.nextCursor];
  } catch (error) {
    problem = refusal(error);
  }
  return {
    title: texts.title,
    status: problem === undefined ? 200 : 400,
    main: (
      <>
        <Problem text={problem} />
        <form action="/audit" class="row" role="search">
          <Field
            label={texts.vaultbox}
            name="vaultbox"
            value={vaultbox ?? ""}
            maxlength={36}
            isCode
          />
          <Field
            label={texts.action}
            name="action"
            value={action ?? ""}
            help={texts.actionHelp}
            maxlength={64}
            isCode
          />
          <button type="submit">{TEXTS.vaultboxes.find}</button>
        </form>
        {rows.length === 0 ? <p>{texts.empty}</p> : (
          <Table
            caption={texts.title}
            heads={[
              texts.at,
              texts.actor,
              texts.action,
              texts.about,
              texts.details,
            ]}
            rows={rows.map((each) => [
              <Time at={each.at} />,
              each.actor,
              <code>{each.action}</code>,
              about(each),
              <code>{detailsOf(each)}</code>,
            ])}
          />
        )}
        <Pager path="/audit" query={query} nextCursor={next} />
      </>
    ),
  };
}

/** Whom it is about: the vaultbox, its domain or the customer. */
function about(entry: AuditEntry): Content {
  const id = entry["vaultbox_id"];
  const words = entry.domain ?? entry["user_id"] ?? TEXTS.none;
  return id === null
    ? words
    : <a href={`/vaultboxes/${id}`}>{`${words} ${id.slice(0, 8)}`}</a>;
}

function detailsOf({ details }: AuditEntry): string {
  return Object.entries(details)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`).join(" ");
}
