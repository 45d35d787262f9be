/**
 * Queries on customers: users with limits over all of their vaultboxes.
 *
 * @module
 */

import { AppError } from "../errors.ts";
import type { Db, Pool } from "./connect.ts";
import { fetchPage, type Order, type Page, type Rows } from "./page.ts";

/** Limits of a customer; null is none. */
export interface CustomerLimits {
  /** Vaultboxes. */
  readonly maxVaultboxes: number | null;
  /** Octets in all Maildirs together. */
  readonly maxBytes: number | null;
  /** Messages in all Maildirs together. */
  readonly maxMessages: number | null;
}

/** A customer. */
export interface Customer extends CustomerLimits {
  /** UUID of the user. */
  readonly userId: string;
  /** Vaultboxes that it has. */
  readonly vaultboxCount: number;
  /** Octets in its Maildirs; null where no limit makes anybody count them. */
  readonly usedBytes: number | null;
  /** Messages in its Maildirs; null likewise. */
  readonly usedMessages: number | null;
}

/** Orders of the list. */
export const CUSTOMER_ORDERS: {
  readonly "user_id": Order;
  readonly "-user_id": Order;
} = {
  "user_id": { keys: [["user_id", "uuid"]], descending: false },
  "-user_id": { keys: [["user_id", "uuid"]], descending: true },
};

/** A user of whom nothing is known yet. */
const NOBODY: Omit<Customer, "userId"> = {
  maxVaultboxes: null,
  maxBytes: null,
  maxMessages: null,
  vaultboxCount: 0,
  usedBytes: null,
  usedMessages: null,
};

/**
 * Counts a new vaultbox.
 *
 * @param db Transaction that inserts it; it keeps other creations for the user
 * waiting.
 * @param userId UUID of the user.
 * @returns Whether the customer's mail is refused, as there is no room.
 * @throws {AppError} `quota_exceeded` if the user may have no more.
 */
export async function countVaultbox(
  db: Db,
  userId: string,
): Promise<boolean> {
  const [row] = await db<{ isFull: boolean }[]>`
    insert into customers (user_id, vaultbox_count) values (${userId}, 1)
    on conflict (user_id) do update
    set vaultbox_count = customers.vaultbox_count + 1
    where customers.max_vaultboxes is null
      or customers.vaultbox_count < customers.max_vaultboxes
    returning is_full
  `;
  if (row === undefined) throw tooManyVaultboxes();
  return row.isFull;
}

/**
 * Counts vaultboxes again where the count is wrong. Creations and deletions of
 * such a customer wait meanwhile.
 *
 * @param sql Pool.
 * @returns UUIDs of the users.
 */
export async function mendVaultboxCounts(sql: Pool): Promise<string[]> {
  const wrong = await sql<{ userId: string }[]>`
    select c.user_id from customers c left join (
      select user_id, count(*) as count from vaultboxes
      where not is_operator and not is_self_test group by user_id
    ) v on v.user_id = c.user_id
    where c.vaultbox_count <> coalesce(v.count, 0)
  `;
  for (const { userId } of wrong) {
    await sql.begin(async (tx) => {
      await tx`select from customers where user_id = ${userId} for update`;
      await tx`
        update customers set vaultbox_count = (
          select count(*) from vaultboxes
          where user_id = ${userId} and not is_operator
            and not is_self_test
        ) where user_id = ${userId}
      `;
    });
  }
  return wrong.map((row) => row.userId);
}

/**
 * Makes sure that a user may have one more vaultbox, as it looks now.
 *
 * @param db Pool or transaction.
 * @param userId UUID of the user.
 * @throws {AppError} `quota_exceeded` if it may not.
 */
export async function checkVaultboxCount(
  db: Db,
  userId: string,
): Promise<void> {
  const rows = await db`
    select from customers
    where user_id = ${userId} and vaultbox_count >= max_vaultboxes
  `;
  if (rows.length > 0) throw tooManyVaultboxes();
}

function tooManyVaultboxes(): AppError {
  return new AppError("quota_exceeded", "Customer may have no more vaultboxes");
}

/**
 * Finds a customer.
 *
 * @param db Pool or transaction.
 * @param userId UUID of the user.
 * @returns The customer; one without limits and vaultboxes if it has no row.
 */
export async function findCustomer(db: Db, userId: string): Promise<Customer> {
  const [row] = await db<Customer[]>`
    select ${columns(db)} from customers where user_id = ${userId}
  `;
  return row ?? { ...NOBODY, userId };
}

/**
 * Lists the customers that have a row.
 *
 * @param db Pool or transaction.
 * @param page Which part, in one of {@linkcode CUSTOMER_ORDERS}.
 * @param owner Who is listed alone; everybody if left out.
 * @returns The page.
 */
export function listCustomers(
  db: Db,
  page: Page,
  owner: string | undefined,
): Promise<Rows<Customer>> {
  return fetchPage<Customer>(db, page, {
    columns: columns(db),
    from: db`customers`,
    where: owner === undefined ? db`` : db`and user_id = ${owner}`,
  });
}

/** Sums that nobody keeps up are not shown. */
function columns(db: Db) {
  return db`
    user_id, max_vaultboxes, max_bytes, max_messages, vaultbox_count,
    case when num_nonnulls(max_bytes, max_messages) > 0 then used_bytes end
      as used_bytes,
    case when num_nonnulls(max_bytes, max_messages) > 0 then used_messages end
      as used_messages
  `;
}

/**
 * Changes limits, and adds up what the customer uses if it has one for mail.
 *
 * @param db Transaction.
 * @param userId UUID of the user.
 * @param limits Those to change, at least one.
 * @returns The customer as it is then.
 */
export async function setLimits(
  db: Db,
  userId: string,
  limits: Partial<CustomerLimits>,
): Promise<Customer> {
  await db`
    insert into customers (user_id) values (${userId}) on conflict do nothing
  `;
  // Waits for deliveries that have seen the customer without a limit.
  await db`select from customers where user_id = ${userId} for update`;
  const columns = Object.keys(limits) as (keyof CustomerLimits)[];
  await db`
    update customers set ${db(limits, ...columns)} where user_id = ${userId}
  `;
  await db`
    update customers set
      used_bytes = used.bytes, used_messages = used.messages
    from (
      select coalesce(sum(used_bytes), 0)::bigint as bytes,
        coalesce(sum(used_messages), 0)::bigint as messages
      from vaultboxes where user_id = ${userId}
    ) used
    where user_id = ${userId}
  `;
  return await findCustomer(db, userId);
}

/**
 * Adds to what a customer uses, if a limit makes that count, whether it fits or
 * not.
 *
 * @param db Transaction that changes a vaultbox of the customer's by as much.
 * @param userId UUID of the user.
 * @param more Octets and messages; negative if there are fewer.
 */
export async function addToCustomer(
  db: Db,
  userId: string,
  more: { bytes: number; messages: number },
): Promise<void> {
  // The lock keeps setLimits() waiting and nobody else. It must be taken without
  // a limit, too: that is when setLimits() has to wait.
  const [row] = await db<{ isLimited: boolean }[]>`
    select num_nonnulls(max_bytes, max_messages) > 0 as is_limited
    from customers where user_id = ${userId} for key share
  `;
  if (!row?.isLimited) return;
  await db`
    update customers set
      used_bytes = greatest(used_bytes + ${more.bytes}, 0),
      used_messages = greatest(used_messages + ${more.messages}, 0)
    where user_id = ${userId}
  `;
}
