/**
 * What has come into a vaultbox: when, from where, how much; nothing of what
 * stands in it.
 *
 * @module
 */

import type { Message } from "../../../clients/typescript/encimap.ts";
import { type Bar, BarChart } from "../chart.tsx";
import { bytes, Pager, Table, Time } from "../layout.tsx";
import {
  type DashboardRoute,
  EVERY_ROLE,
  type PageRequest,
  type Reply,
} from "../route.ts";
import { TEXTS } from "../texts.ts";
import type { DashboardWorld } from "../world.ts";
import { framed } from "./vaultbox_frame.tsx";

/** Rows of a page. */
const ROWS = 50;

/** Days of the chart. */
const DAYS = 30;

/** Messages that the chart counts; the API gives no more at once. */
const COUNTED = 1000;

const DAY_MS = 86_400_000;

/**
 * Lists the pages.
 *
 * @param world The dashboard's world.
 * @returns The pages.
 */
export function messageRoutes(
  { now }: Pick<DashboardWorld, "now">,
): DashboardRoute[] {
  return [{
    method: "GET",
    path: "/vaultboxes/:id/messages",
    roles: EVERY_ROLE,
    handle: (request) => page(request, now()),
  }];
}

async function page(
  { who, params, query }: PageRequest,
  now: Date,
): Promise<Reply> {
  const texts = TEXTS.messages;
  const id = params["id"]!;
  const { cursor } = query;
  // Whole days, with the one that it is.
  const first = Math.floor(now.getTime() / DAY_MS) - (DAYS - 1);
  const [vaultbox, listed, counted] = await Promise.all([
    who.api.getVaultbox(id),
    who.api.listMessages({
      "vaultbox_id": id,
      limit: ROWS,
      ...cursor !== undefined && { cursor },
    }),
    who.api.listMessages({
      "vaultbox_id": id,
      limit: COUNTED,
      "received_from": new Date(first * DAY_MS).toISOString(),
    }),
  ]);
  const path = `/vaultboxes/${id}/messages`;
  const isPart = counted.nextCursor !== undefined;
  return framed(who, vaultbox, {
    section: "messages",
    main: listed.data.length === 0 && cursor === undefined
      ? <p>{texts.empty}</p>
      : (
        <>
          <p>{texts.help}</p>
          <h2>{texts.chart(DAYS)}</h2>
          <BarChart
            title={texts.chartWords(DAYS, counted.data.length, isPart)}
            bars={days(counted.data, first)}
          />
          {isPart && <p class="help">{texts.part(COUNTED)}</p>}
          <Table
            caption={TEXTS.sections.messages}
            heads={[texts.at, texts.from, texts.to, texts.size, texts.by]}
            rows={listed.data.map((each) => [
              <Time at={each["received_at"]} />,
              each["from_domain"] ?? TEXTS.none,
              each["to_alias"],
              bytes(each["size_bytes"]),
              texts.encrypters[each["encrypted_by"]],
            ])}
          />
          <Pager path={path} query={query} nextCursor={listed.nextCursor} />
        </>
      ),
  });
}

/** Messages of each day. */
function days(messages: readonly Message[], first: number): Bar[] {
  const counts = new Array<number>(DAYS).fill(0);
  for (const { "received_at": at } of messages) {
    const day = Math.floor(new Date(at).getTime() / DAY_MS) - first;
    if (day >= 0 && day < DAYS) counts[day]!++;
  }
  return counts.map((value, day) => ({
    label: new Date((first + day) * DAY_MS).toISOString().slice(0, 10),
    value,
  }));
}
