/**
 * Customers with what they use and their limits, for the operator.
 *
 * @module
 */

import type { Customer } from "../../../clients/typescript/encimap.ts";
import { bytes, Done, Field, Form, Pager, Problem, Table } from "../layout.tsx";
import { limitOf } from "../numbers.ts";
import { refusal } from "../refused.ts";
import {
  type DashboardRoute,
  OPERATORS,
  type PageRequest,
  type Reply,
  type SignedIn,
} from "../route.ts";
import { TEXTS } from "../texts.ts";

const PATH = "/customers/:customer";

/** Rows of a page. */
const ROWS = 50;

/** Octets of a megabyte, in which limits are typed. */
const MEGABYTE = 1_000_000;

/**
 * Lists the pages.
 *
 * @returns The pages.
 */
export function customerRoutes(): DashboardRoute[] {
  return [
    { method: "GET", path: "/customers", roles: OPERATORS, handle: listPage },
    {
      method: "GET",
      path: PATH,
      roles: OPERATORS,
      handle: ({ who, params, query }) =>
        onePage(who, params["customer"]!, { query }),
    },
    {
      method: "POST",
      path: PATH,
      roles: OPERATORS,
      async handle({ who, params, form }) {
        const id = params["customer"]!;
        try {
          await who.api.updateCustomer(id, {
            "max_vaultboxes": limitOf(form["vaultboxes"]),
            "max_messages": limitOf(form["messages"]),
            "max_bytes": limitOf(form["bytes"], MEGABYTE),
          });
        } catch (error) {
          return await onePage(who, id, { problem: refusal(error) });
        }
        return { to: `/customers/${id}?done=saved` };
      },
    },
  ];
}

async function listPage({ who, query }: PageRequest): Promise<Reply> {
  const texts = TEXTS.customers;
  const { cursor } = query;
  const { data, nextCursor } = await who.api.listCustomers({
    limit: ROWS,
    ...cursor !== undefined && { cursor },
  });
  return {
    title: texts.title,
    main: (
      <>
        {data.length === 0 ? <p>{texts.empty}</p> : (
          <Table
            caption={texts.title}
            heads={[
              texts.customer,
              texts.vaultboxes,
              texts.messages,
              texts.bytes,
            ]}
            rows={data.map((each) => [
              <a href={`/customers/${each["user_id"]}`}>
                <code>{each["user_id"]}</code>
              </a>,
              of(each["vaultbox_count"], each["max_vaultboxes"]),
              of(each["used_messages"], each["max_messages"]),
              of(each["used_bytes"], each["max_bytes"], bytes),
            ])}
          />
        )}
        <Pager path="/customers" query={query} nextCursor={nextCursor} />
      </>
    ),
  };
}

/** What is used, and of how much. */
function of(
  used: number | null,
  most: number | null,
  written: (count: number) => string = String,
): string {
  const words = used === null ? TEXTS.none : written(used);
  return most === null ? words : TEXTS.customers.of(words, written(most));
}

async function onePage(
  who: SignedIn,
  id: string,
  { query = {}, problem }: {
    query?: Readonly<Record<string, string>>;
    problem?: string;
  },
): Promise<Reply> {
  const texts = TEXTS.customers;
  const customer = await who.api.getCustomer(id);
  return {
    title: texts.one,
    status: problem === undefined ? 200 : 400,
    main: (
      <>
        <Done query={query} />
        <Problem text={problem} />
        <dl class="facts">
          <dt>{texts.customer}</dt>
          <dd>
            <code>{customer["user_id"]}</code>
          </dd>
          <dt>{texts.vaultboxes}</dt>
          <dd>{customer["vaultbox_count"]}</dd>
          <dt>{texts.messages}</dt>
          <dd>{of(customer["used_messages"], null)}</dd>
          <dt>{texts.bytes}</dt>
          <dd>{of(customer["used_bytes"], null, bytes)}</dd>
        </dl>
        <h2>{TEXTS.settings.limits}</h2>
        <Form who={who} action={`/customers/${id}`} stack>
          {fields(customer).map(([name, label, value]) => (
            <Field
              label={label}
              name={name}
              inputmode="numeric"
              value={value === null ? "" : String(value)}
              help={TEXTS.settings.noLimit}
            />
          ))}
          <button type="submit">{TEXTS.settings.save}</button>
        </Form>
        <p>
          <a href="/customers">{texts.title}</a>
        </p>
      </>
    ),
  };
}

function fields(
  customer: Customer,
): readonly (readonly [string, string, number | null])[] {
  const { settings, customers } = TEXTS;
  const maxBytes = customer["max_bytes"];
  return [
    ["vaultboxes", customers.vaultboxes, customer["max_vaultboxes"]],
    ["messages", settings.messages, customer["max_messages"]],
    ["bytes", settings.bytes, maxBytes === null ? null : maxBytes / MEGABYTE],
  ];
}
