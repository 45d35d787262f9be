/**
 * Checks of the database, and of what has to agree with it.
 *
 * @module
 */

import { findOperator } from "../../db/domains.ts";
import { countCertificates, findLastRun } from "../../db/maintenance.ts";
import { checkSchema } from "../../db/migrate.ts";
import { countEnding, countOverdue } from "../../db/measures.ts";
import { listIssuers } from "../../db/issuers.ts";
import { countStuckRemovals } from "../../db/removals.ts";
import { countSending } from "../../db/sent_mail.ts";
import { reconcileRoutes } from "../../vaultbox/routes.ts";
import { type Check, refuse, warn } from "./check.ts";
import type { Doctor } from "./doctor.ts";
import { explained, POSTGRESQL } from "./units.ts";

const DAY_MS = 86_400_000;

/** Days without maintenance after which something is wrong. */
const IDLE_DAYS = 3;

/** Days before its end at which an issuer is spoken of. */
const ISSUER_DAYS = 180;

/**
 * Lists the checks.
 *
 * @param doctor What they look at.
 * @returns The checks; the first is `database`.
 */
export function databaseChecks(doctor: Doctor): Check[] {
  const { app } = doctor;
  const needs = ["database"];
  return [
    {
      name: "database",
      title: "the database has the schema of this program",
      fix:
        'See "systemctl status postgresql" and "pg_lsclusters"; where it runs, "encimap migrate".',
      run: explained(doctor, POSTGRESQL, () => checkSchema(app.sql)),
    },
    {
      name: "maps",
      title: "Postfix's maps agree with the database",
      fix: 'Run "encimap reconcile" ("encimap doctor --fix" does it, too).',
      needs,
      seconds: 60,
      async run() {
        const { set, drop } = await reconcileRoutes(app, { dryRun: true });
        const [first] = [...set, ...drop];
        refuse(
          first !== undefined,
          `${
            set.length + drop.length
          } entries differ, as ${first?.key} in ${first?.map}`,
        );
      },
      async mend() {
        const { set, drop } = await reconcileRoutes(app, { dryRun: false });
        return `set ${set.length} entries and dropped ${drop.length}`;
      },
    },
    {
      name: "operator",
      title: "mail for postmaster@ goes to the operator's vaultbox",
      fix: "Run install.sh again.",
      needs,
      async run() {
        const { hostname } = app.config;
        const found = await findOperator(app.sql, hostname);
        refuse(found === undefined, "there is no such vaultbox");
        refuse(!found!.isHosted, `${hostname} is not hosted`);
        refuse(found!.isSuspended, "it is suspended");
      },
    },
    {
      name: "removals",
      title: "the mail of deleted vaultboxes is removed",
      fix:
        'See "journalctl -u encimap-intake" for "mail could not be removed" and mend that; the intake tries again every minute.',
      needs,
      async run() {
        const count = await countStuckRemovals(app.sql);
        refuse(count > 0, `of ${count} vaultbox(es) it is not`);
      },
    },
    {
      name: "sending",
      title: "nobody is stopped for having sent too much",
      fix:
        '"encimap sending list" names them. Was a password stolen? Change it; then "encimap sending resume".',
      needs,
      async run() {
        const { stopped } = await countSending(app.sql);
        warn(stopped > 0, `${stopped} vaultbox(es)`);
      },
    },
    ...certificateChecks(app),
  ];
}

function certificateChecks(app: Doctor["app"]): Check[] {
  const needs = ["database"];
  return [
    {
      name: "renewal",
      title: "certificates are renewed in time",
      fix:
        'See "systemctl status encimap-maintenance.timer" and "journalctl -u encimap-maintenance"; then run "encimap maintenance".',
      needs: ["database", "clock"],
      async run() {
        const now = app.now();
        const horizon = { now, renewDays: app.config.certRenewDays };
        const { renewalFailed } = await countCertificates(app.sql, horizon);
        refuse(renewalFailed > 0, `${renewalFailed} could not be renewed`);
        const last = await findLastRun(app.sql) ?? now;
        const days = Math.floor((now.getTime() - last.getTime()) / DAY_MS);
        refuse(days > IDLE_DAYS, `the last run was ${days} days ago`);
        const overdue = await countOverdue(app.sql, horizon);
        refuse(overdue > 0, `${overdue} should have been renewed`);
      },
    },
    {
      name: "certificates",
      title: "no certificate of a vaultbox has ended",
      fix:
        'Mail is encrypted to them all the same. "encimap maintenance --dry-run" names those whose owners have to renew; the others it renews.',
      needs,
      async run() {
        const ending = await countEnding(app.sql, app.now());
        const here = ending.find(({ custody }) => custody === "server");
        const ended = here?.within0Days ?? 0;
        refuse(ended > 0, `${ended} whose key is here`);
        const others = ending.filter(({ custody }) => custody !== "server");
        const theirs = others.reduce((sum, each) => sum + each.within30Days, 0);
        warn(
          theirs > 0,
          `${theirs} end within 30 days that their owners renew`,
        );
      },
    },
    {
      name: "issuer",
      title: "the issuer of certificates is valid",
      fix:
        'Another one is made in time where ENCIMAP_CERT_ISSUER=appliance; give its certificate out ("encimap issuer show").',
      needs,
      async run() {
        const [newest] = await listIssuers(app.sql);
        if (newest === undefined) return;
        const now = app.now().getTime();
        const until = newest.notAfter.toISOString();
        refuse(newest.notAfter.getTime() < now, `it ended at ${until}`);
        warn(
          newest.notAfter.getTime() < now + ISSUER_DAYS * DAY_MS,
          `it ends at ${until}`,
        );
      },
    },
    {
      name: "custody",
      title: "handed out bundles are confirmed",
      fix:
        'Their owners confirm them, or "encimap custody take-back ADDRESS" makes new keys; the audit log (custody.hand_out) names them.',
      needs,
      async run() {
        const horizon = { now: app.now(), renewDays: app.config.certRenewDays };
        const { unconfirmed } = await countCertificates(app.sql, horizon);
        warn(unconfirmed > 0, `${unconfirmed} wait for more than a week`);
      },
    },
  ];
}
