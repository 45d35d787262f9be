/**
 * Changes of vaultboxes and of customers' limits, and what Postfix and Dovecot
 * have to know of them.
 *
 * @module
 */

import type { Actor, App } from "../app.ts";
import { listAddressesOf } from "../db/addresses.ts";
import { insertAudit } from "../db/audit.ts";
import {
  type Customer,
  type CustomerLimits,
  setLimits,
} from "../db/customers.ts";
import { insertEndingSessions } from "../db/sessions.ts";
import {
  getVaultbox,
  updateVaultbox,
  type Vaultbox,
  type VaultboxChanges,
} from "../db/vaultboxes.ts";
import { AppError } from "../errors.ts";
import { reason } from "../log.ts";
import { policyInForce } from "../encryption_policy.ts";
import { checkPolicy, policyDetails } from "./encryption_policy.ts";
import { publishAddresses, reconcileRoutes } from "./routes.ts";
import { endSessions } from "./sessions.ts";

/**
 * Changes a vaultbox.
 *
 * A suspended vaultbox keeps its mail. Its credentials open nothing from the
 * commit on; its sessions are ended, and Postfix refuses mail from and for it.
 * Whoever is told that this failed may ask for the same again.
 *
 * @param app The world.
 * @param actor Who asks, and whose the vaultbox must be.
 * @param id UUID.
 * @param changes What to change; an administrator alone may change limits, and
 * a service the status.
 * @param options `isExplicit` allows a policy that not every mail client reads.
 * @returns The vaultbox as it is then.
 * @throws {AppError} `not_found` if there is none or it is another's,
 * `forbidden` for limits and for the status, `conflict` if it is the operator's and would lose
 * mail or if a policy needs a trial, `unavailable` if Postfix cannot be told.
 */
export async function changeVaultbox(
  app: App,
  actor: Actor,
  id: string,
  changes: VaultboxChanges,
  { isExplicit = false }: { isExplicit?: boolean } = {},
): Promise<Vaultbox> {
  const { name, status, maxBytes, maxMessages, publishCertificate } = changes;
  const hasLimits = maxBytes !== undefined || maxMessages !== undefined;
  const vaultbox = await app.sql.begin(async (tx) => {
    const before = await getVaultbox(tx, id, actor, true);
    if (hasLimits && !actor.isAdmin) {
      throw new AppError("forbidden", "Limits need the scope admin", {
        details: { scope: "admin" },
      });
    }
    if (status !== undefined && !actor.isService) {
      throw new AppError("forbidden", "A user may not change the status");
    }
    if (before.isOperator && (status === "suspended" || hasLimits)) {
      throw new AppError(
        "conflict",
        "The operator's vaultbox has to take all mail",
      );
    }
    if (!isExplicit) {
      checkPolicy(policyInForce(before, app.config.encryption), changes);
    }
    if (Object.keys(changes).length === 0) return before;
    await insertAudit(tx, actor, {
      action: "vaultbox.update",
      userId: before.userId,
      vaultboxId: id,
      domain: before.domain,
      details: {
        ...name !== undefined && { name },
        ...status !== undefined && { status },
        ...maxBytes !== undefined && { "max_bytes": maxBytes },
        ...maxMessages !== undefined && { "max_messages": maxMessages },
        ...publishCertificate !== undefined &&
          { "publish_certificate": publishCertificate },
        ...policyDetails(changes),
      },
    });
    if (status === "suspended") {
      await insertEndingSessions(tx, id, before.username);
    }
    return await updateVaultbox(tx, id, changes);
  });
  app.log.write("info", "vaultbox changed", { vaultbox: id, status });
  await endSessions(app, id);
  if (status !== undefined || hasLimits) {
    await publishRefusals(app, { vaultboxId: id }, status !== undefined);
  }
  return vaultbox;
}

/**
 * Changes the limits of a customer.
 *
 * @param app The world.
 * @param actor Who asks, and which user it must be.
 * @param userId UUID of the user.
 * @param limits Those to change.
 * @returns The customer as it is then.
 * @throws {AppError} `not_found` if the caller acts for another user,
 * `unavailable` if Postfix cannot be told.
 */
export async function changeCustomer(
  app: App,
  actor: Actor,
  userId: string,
  limits: Partial<CustomerLimits>,
): Promise<Customer> {
  const { maxVaultboxes, maxBytes, maxMessages } = limits;
  const customer = await app.sql.begin(async (tx) => {
    await insertAudit(tx, actor, {
      action: "customer.update",
      userId,
      details: {
        ...maxVaultboxes !== undefined && { "max_vaultboxes": maxVaultboxes },
        ...maxBytes !== undefined && { "max_bytes": maxBytes },
        ...maxMessages !== undefined && { "max_messages": maxMessages },
      },
    });
    return await setLimits(tx, userId, limits);
  });
  if (maxBytes !== undefined || maxMessages !== undefined) {
    await publishRefusals(app, { userId });
  }
  return customer;
}

/**
 * Tells Postfix whether mail for a vaultbox, or for all of a user, is refused,
 * and who may send.
 */
async function publishRefusals(
  app: Pick<App, "config" | "mta" | "sql">,
  of: { vaultboxId: string } | { userId: string },
  withSenders = false,
): Promise<void> {
  const addresses = await listAddressesOf(app.sql, of);
  const maps = withSenders ? ["senders" as const] : [];
  await publishAddresses(app, addresses, [...maps, "refusals"]);
}

/**
 * Tells Postfix of vaultboxes that become full, or have room again, while the
 * process runs. After a lost connection everything is compared.
 *
 * @param app Uses `config`, `log`, `mta` and `sql`.
 * @returns What ends it.
 */
export async function watchFull(
  app: Pick<App, "config" | "log" | "mta" | "sql">,
): Promise<() => Promise<void>> {
  let running: Promise<unknown> = Promise.resolve();
  const queue = (task: () => Promise<unknown>): void => {
    running = running.then(task).catch((error) => {
      app.mta.isDoubtful = true;
      app.log.write("error", "refusals could not be published", {
        cause: reason(error),
      });
    });
  };
  let isConnected = false;
  const listening = await app.sql.listen("encimap_full", (payload) => {
    const [table, id] = payload.split(":");
    queue(() =>
      publishRefusals(
        app,
        table === "customers" ? { userId: id! } : { vaultboxId: id! },
      )
    );
  }, () => {
    if (isConnected) queue(() => reconcileRoutes(app, { dryRun: false }));
    isConnected = true;
  });
  return async () => {
    await listening.unlisten().catch(() => {});
    await running;
  };
}
