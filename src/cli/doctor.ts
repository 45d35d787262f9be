/**
 * `doctor`: checks the appliance and says how to mend what is wrong.
 *
 * @module
 */

import { lstat } from "node:fs/promises";
import { connect } from "node:net";
import type { App } from "../app.ts";
import { countCertificates, findLastRun } from "../db/maintenance.ts";
import { countStuckRemovals } from "../db/removals.ts";
import { checkSchema } from "../db/migrate.ts";
import { reason } from "../log.ts";
import { intakeIsHealthy } from "../vaultbox/health.ts";
import { orphanedKeys } from "../vaultbox/reconcile.ts";
import { reconcileRoutes } from "../vaultbox/routes.ts";
import { EXIT, type Io } from "./command.ts";
import { readOwnership } from "../system/ownership.ts";
import { open, parse } from "./operator.ts";
import { placesHere, wrongPlaces } from "./places.ts";

/** One check. */
interface Check {
  /** What must be so. */
  readonly name: string;
  /** How to mend it. */
  readonly fix: string;
  /** Whether it says nothing while the database is down. */
  readonly needsDatabase?: true;
  /** Throws if it is not so. */
  readonly run: () => Promise<void>;
}

const DAY_MS = 86_400_000;

/** Days without maintenance after which something is wrong. */
const IDLE_DAYS = 3;

/** What `install.sh --web` puts in place. */
const NGINX_FILE = "/etc/nginx/conf.d/encimap.conf";

/** Milliseconds that a daemon may take to greet. */
const TIMEOUT_MS = 5000;

/**
 * Runs `doctor`.
 *
 * @param args No arguments.
 * @param io The process.
 * @returns 0 if all is well, else 1.
 */
export async function runDoctor(
  args: readonly string[],
  io: Io,
): Promise<number> {
  parse(args, {}, 0);
  await using app = await open(io);
  let failures = 0;
  let isDatabaseDown = false;
  // A web server of another kind, or on another machine, is not ours to look at.
  const hasNginx = await lstat(NGINX_FILE).then(() => true, () => false);
  const all = checks(app, hasNginx, io);
  for (const [i, { name, fix, needsDatabase, run }] of all.entries()) {
    const isSchemaCheck = i === 0;
    if (isDatabaseDown && needsDatabase) {
      io.print(`skip  ${name}: needs the database`);
      continue;
    }
    try {
      await run();
      io.print(`ok    ${name}`);
    } catch (error) {
      failures++;
      isDatabaseDown ||= isSchemaCheck;
      io.print(`FAIL  ${name}: ${reason(error)}`);
      io.print(`      ${fix}`);
    }
  }
  io.print(failures === 0 ? "All is well" : `${failures} check(s) failed`);
  return failures === 0 ? EXIT.ok : EXIT.failed;
}

function checks(app: App, hasNginx: boolean, io: Io): Check[] {
  const { apiPort, publicPort, smtpPort, transport, lmtpSocket } = app.config;
  return [
    {
      name: "the database has the schema of this program",
      fix: 'See "systemctl status postgresql"; then run "encimap migrate".',
      needsDatabase: true,
      run: () => checkSchema(app.sql),
    },
    {
      name: "every private key can be listed, and belongs to a certificate",
      fix:
        'A deletion that was interrupted, or a database from an older backup, leaves keys: "encimap reconcile --dry-run" names them.',
      needsDatabase: true,
      run: async () => {
        const count = (await orphanedKeys(app)).length;
        refuse(count > 0, `${count} without`);
      },
    },
    {
      name: "Postfix's maps agree with the database",
      fix: 'Run "encimap reconcile".',
      needsDatabase: true,
      run: async () => {
        const routes = await reconcileRoutes(app, { dryRun: true });
        const count = routes.set.length + routes.drop.length;
        refuse(count > 0, `${count} entries differ`);
      },
    },
    {
      name: "the mail of deleted vaultboxes is removed",
      fix:
        'See "journalctl -u encimap-intake" for "mail could not be removed" and mend that; the intake tries again every minute.',
      needsDatabase: true,
      run: async () => {
        const count = await countStuckRemovals(app.sql);
        refuse(count > 0, `of ${count} vaultbox(es) it is not`);
      },
    },
    {
      name: "certificates are renewed in time",
      fix:
        'See "systemctl status encimap-maintenance.timer" and "journalctl -u encimap-maintenance"; then run "encimap maintenance".',
      needsDatabase: true,
      run: async () => {
        const now = app.now();
        const renewDays = app.config.certRenewDays;
        const counts = await countCertificates(app.sql, { now, renewDays });
        const failed = counts.renewalFailed;
        refuse(failed > 0, `${failed} could not be`);
        const last = await findLastRun(app.sql) ?? now;
        const days = (now.getTime() - last.getTime()) / DAY_MS;
        refuse(
          days > IDLE_DAYS,
          `the last run was ${Math.floor(days)} days ago`,
        );
      },
    },
    {
      name: "files belong to whom they should, and secrets are closed",
      fix:
        "Run install.sh again; set what it leaves with chown and chmod. A secret that others could read is to be made anew (docs/operations.md).",
      run: async () => {
        const places = placesHere(app.config, io.env["ENCIMAP_CONFIG_FILE"]);
        const wrong = await wrongPlaces(places, await readOwnership());
        refuse(wrong.length > 0, wrong.join("; "));
      },
    },
    {
      name: "the intake runs and can write the mail store",
      fix:
        'See "systemctl status encimap-intake". "Mail store is full": free disk space, or lower ENCIMAP_MIN_FREE_BYTES; mail waits in Postfix\'s queue meanwhile.',
      run: () => intakeIsHealthy(app.config.intakeSocket),
    },
    ...(transport === "lmtp" ? [lmtpCheck(lmtpSocket)] : []),
    {
      name: `Postfix takes mail on port ${smtpPort}`,
      fix: 'See "postfix status" and "postfix check".',
      run: () => greets(smtpPort, /^220 /),
    },
    {
      name: "Postfix takes submissions on port 587",
      fix: 'See "postconf -M submission/inet".',
      run: () => greets(587, /^220 /),
    },
    {
      name: "Dovecot listens on port 993",
      fix: 'See "systemctl status dovecot" and "doveconf -n".',
      run: () => greets(993, undefined),
    },
    {
      name: `the API answers on port ${apiPort}`,
      fix: 'See "systemctl status encimap-api".',
      run: async () => {
        const url = `http://127.0.0.1:${apiPort}/s2s/v1/health`;
        const response = await fetch(url);
        await response.body?.cancel();
        // 503: it runs, and says that one of the parts above does not.
        const answers = [200, 503].includes(response.status);
        refuse(!answers, `status ${response.status}`);
      },
    },
    ...(publicPort === undefined ? [] : webChecks(publicPort, hasNginx)),
  ];
}

/**
 * What ENCIMAP_TRANSPORT=lmtp needs. Only Postfix may open the socket, so it is
 * looked at, and the intake's own check says whether somebody listens.
 */
function lmtpCheck(path: string): Check {
  return {
    name: "the intake's socket for LMTP is there for Postfix",
    fix:
      'See "systemctl status encimap-lmtp.socket"; without systemd run "encimap_ctl restart".',
    run: async () => {
      const found = await lstat(path);
      refuse(!found.isSocket(), `${path} is no socket`);
      refuse((found.mode & 0o777) !== 0o660, "its mode is not 0660");
    },
  };
}

/** What ENCIMAP_PUBLIC_PORT promises, by loopback. */
function webChecks(publicPort: number, hasNginx: boolean): Check[] {
  return [
    {
      name: `what anybody may ask is answered on port ${publicPort}`,
      fix:
        'See "systemctl status encimap-api"; after a change of ENCIMAP_PUBLIC_PORT run install.sh again.',
      run: async () => {
        const response = await fetch(`http://127.0.0.1:${publicPort}/`, {
          signal: AbortSignal.timeout(TIMEOUT_MS),
        });
        await response.body?.cancel();
      },
    },
    ...(hasNginx ? [80, 443] : []).map((port) => ({
      name: `a web server listens on port ${port}`,
      fix:
        'Links lead there. See "systemctl status nginx" and "nginx -t"; "install.sh --web" sets nginx up, "install.sh --no-web" takes the setting away.',
      run: () => greets(port, undefined),
    })),
  ];
}

function refuse(isWrong: boolean, problem: string): void {
  if (isWrong) throw new Error(problem);
}

/** Connects and, where a greeting is expected before TLS, waits for it. */
function greets(port: number, greeting: RegExp | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port });
    const timer = setTimeout(
      () => socket.destroy(new Error("no greeting")),
      TIMEOUT_MS,
    );
    const done = (end: () => void): void => {
      clearTimeout(timer);
      end();
      socket.destroy();
    };
    socket.on("error", (error) => done(() => reject(error)));
    socket.on("connect", () => {
      if (greeting === undefined) done(resolve);
    });
    socket.on("data", (chunk: Uint8Array) => {
      const text = new TextDecoder().decode(chunk);
      if (greeting?.test(text)) done(resolve);
      else done(() => reject(new Error(`greets with ${text.slice(0, 60)}`)));
    });
  });
}
