/**
 * Checks of what has to answer.
 *
 * @module
 */

import { lstat } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { connectOwnTls } from "../../system/own_tls.ts";
import { dovecotAnswers, intakeIsHealthy } from "../../vaultbox/health.ts";
import { mintToken } from "../../http/auth.ts";
import { rulesOf } from "../token.ts";
import { type Check, refuse } from "./check.ts";
import type { Doctor } from "./doctor.ts";
import { accepts, greets } from "./ports.ts";
import { takesSender } from "../smtp_probe.ts";
import { explained, POSTFIX } from "./units.ts";

/** Seconds for which the token of a check is valid. */
const TOKEN_SECONDS = 60;

/** Milliseconds in which a port of this machine's own address answers. */
const OWN_MS = 1000;

/**
 * Lists the checks.
 *
 * @param doctor What they look at.
 * @returns The checks.
 */
export function daemonChecks(doctor: Doctor): Check[] {
  const { app, exec } = doctor;
  const { smtpPort, submissionPort, imapPort, apiPort } = app.config;
  const { publicPort, transport, mailChecks, dashboard } = app.config;
  return [
    {
      name: "intake",
      title: "the intake runs and can write the mail store",
      fix:
        'See "systemctl status encimap-intake" and "journalctl -u encimap-intake"; mail waits in Postfix\'s queue meanwhile.',
      needs: ["disk", "database"],
      run: explained(
        doctor,
        ["encimap-intake.service"],
        () => intakeIsHealthy(app.config.intakeSocket),
      ),
    },
    ...(transport === "lmtp" ? [lmtpCheck(app.config.lmtpSocket)] : []),
    {
      name: "smtp",
      title: `Postfix takes mail on port ${smtpPort}`,
      fix:
        `See "systemctl status postfix postfix@-" and "postfix check"; if another program has the port: "ss -ltnp sport = :${smtpPort}".`,
      run: explained(
        doctor,
        POSTFIX,
        (signal) => greets(smtpPort, /^220 .*\bESMTP\b/, signal),
      ),
    },
    ...(mailChecks === "off" ? [] : [{
      name: "mail-checks",
      title: "the filters of port 25 answer Postfix",
      fix:
        'See "systemctl status encimap-dkim encimap-spf encimap-dmarc". Mail waits at its senders meanwhile. "install.sh --no-mail-checks" takes them away.',
      needs: ["smtp"],
      run: () => takesSender(smtpPort),
    }]),
    {
      name: "submission-port",
      title: `Postfix takes submissions on port ${submissionPort}`,
      fix:
        `See "postconf -M submission/inet"; if another program has the port: "ss -ltnp sport = :${submissionPort}".`,
      needs: ["smtp"],
      run: (signal) => greets(submissionPort, /^220 .*\bESMTP\b/, signal),
    },
    {
      name: "submission",
      title: "the filter of submission answers",
      fix:
        'See "systemctl status encimap-submission". Mail clients are told to try again meanwhile; nothing goes out unsigned.',
      run: explained(
        doctor,
        ["encimap-submission.service"],
        (signal) => accepts(app.config.submissionSocket, signal),
      ),
    },
    {
      name: "dovecot-settings",
      title: "Dovecot can read its settings",
      fix:
        'Take the line out that is named, or run install.sh again; then "systemctl restart dovecot".',
      async run() {
        const { code, stderr } = await exec(["/usr/bin/doveconf", "-n"]);
        // What root alone may read is not ours to judge.
        if (code === 0 || /Permission denied/.test(stderr)) return;
        throw new Error(stderr.trim().split("\n").at(-1));
      },
    },
    {
      name: "imap",
      title: `Dovecot answers on port ${imapPort}`,
      fix:
        `See "journalctl -u dovecot" and "doveconf -n", which names a wrong line; if another program has the port: "ss -ltnp sport = :${imapPort}".`,
      run: explained(
        doctor,
        ["dovecot.service"],
        (signal) => greetsByTls(imapPort, app.config.hostname, signal),
      ),
    },
    {
      name: "dovecot",
      title: "Dovecot ends sessions when the API asks for it",
      fix: 'See "journalctl -u dovecot"; run install.sh again.',
      needs: ["imap"],
      run: () => dovecotAnswers(app.config.doveadmSocket),
    },
    {
      name: "api",
      title: `the API answers on port ${apiPort}`,
      fix:
        'See "systemctl status encimap-api" and "journalctl -u encimap-api".',
      run: explained(doctor, ["encimap-api.service"], async (signal) => {
        // 503: it runs, and says that one of the parts above does not.
        const status = await ask(apiPort, "/health", { signal });
        refuse(![200, 503].includes(status), `status ${status}`);
      }),
    },
    ...(dashboard.isOn ? [dashboardCheck(doctor)] : []),
    ...tokenChecks(doctor),
    {
      name: "loopback",
      title: "ports of the program answer on loopback alone",
      fix:
        "Something passes them on: look for it in the firewall's rules, and for a proxy (nginx, socat, ssh -g). Who reaches them from outside can guess tokens and inject mail.",
      async run(signal) {
        const ports = [
          apiPort,
          app.config.intakePort,
          publicPort,
          app.config.metricsPort,
          dashboard.isOn ? dashboard.port : undefined,
        ].filter((port) => port !== undefined);
        const own = Object.values(networkInterfaces()).flatMap((all) =>
          (all ?? []).filter(({ internal, scopeid }) => !internal && !scopeid)
        );
        const open = await Promise.all(
          own.flatMap(({ address }) =>
            ports.map(async (port) => {
              const limit = AbortSignal.any([
                signal,
                AbortSignal.timeout(OWN_MS),
              ]);
              const isOpen = await accepts({ host: address, port }, limit)
                .then(() => true, () => false);
              return isOpen ? [`${address} port ${port}`] : [];
            })
          ),
        );
        const found = open.flat();
        refuse(found.length > 0, `${found.join(", ")} answers`);
      },
    },
    ...(publicPort === undefined ? [] : webChecks(publicPort, doctor.hasNginx)),
  ];
}

/**
 * What ENCIMAP_TRANSPORT=lmtp needs. Only Postfix may open the socket, so it is
 * looked at, and the intake's own check says whether somebody listens.
 */
function lmtpCheck(path: string): Check {
  return {
    name: "lmtp",
    title: "the intake's socket for LMTP is there for Postfix",
    fix:
      'See "systemctl status encimap-lmtp.socket"; "systemctl restart encimap-lmtp.socket", without systemd "encimap_ctl restart".',
    async run() {
      const found = await lstat(path);
      refuse(!found.isSocket(), `${path} is no socket`);
      refuse((found.mode & 0o777) !== 0o660, "its mode is not 0660");
    },
  };
}

/** Where tokens are made here, one is tried. */
function tokenChecks({ app }: Doctor): Check[] {
  const { jwtSecret: secret, tokenAlgorithm, apiPort } = app.config;
  if (tokenAlgorithm !== "HS256") return [];
  return [{
    name: "tokens",
    title: "the API takes a token of this machine",
    fix:
      'Was jwt.secret changed? "systemctl restart encimap-api". If it is gone, install.sh makes a new one, and services need new tokens.',
    needs: ["api"],
    async run(signal) {
      if (secret === undefined) throw new Error("JWT_SECRET is not set");
      const token = await mintToken(
        { ...rulesOf(app.config), secret },
        { userId: undefined, subject: "doctor" },
        { now: app.now(), seconds: TOKEN_SECONDS },
      );
      const headers = { authorization: `Bearer ${token}` };
      const path = "/vaultboxes?limit=1";
      const status = await ask(apiPort, path, { headers, signal });
      // 503 and 429: it was taken, and the answer cannot be had now.
      refuse([401, 403].includes(status), `it answers ${status}`);
    },
  }];
}

/** What ENCIMAP_PUBLIC_PORT promises, by loopback. */
function webChecks(publicPort: number, hasNginx: boolean): Check[] {
  return [
    {
      name: "web",
      title: `what anybody may ask is answered on port ${publicPort}`,
      fix:
        'See "systemctl status encimap-api"; after a change of ENCIMAP_PUBLIC_PORT run install.sh again.',
      async run(signal) {
        const url = `http://127.0.0.1:${publicPort}/`;
        const response = await fetch(url, { signal });
        await response.body?.cancel();
      },
    },
    ...(hasNginx ? [80, 443] : []).map((port): Check => ({
      name: `web-server-${port}`,
      title: `a web server listens on port ${port}`,
      fix:
        'Links lead there. See "systemctl status nginx" and "nginx -t"; "install.sh --web" sets nginx up, "install.sh --no-web" takes the setting away.',
      run: (signal) => accepts({ host: "127.0.0.1", port }, signal),
    })),
  ];
}

async function ask(
  port: number,
  path: string,
  options: { headers?: Record<string, string>; signal: AbortSignal },
): Promise<number> {
  const response = await fetch(
    `http://127.0.0.1:${port}/s2s/v1${path}`,
    options,
  );
  await response.body?.cancel();
  return response.status;
}

async function greetsByTls(
  port: number,
  hostname: string,
  signal: AbortSignal,
): Promise<void> {
  const connection = await connectOwnTls(port, hostname, signal);
  try {
    const octets = new Uint8Array(1000);
    const length = await connection.read(octets) ?? 0;
    const text = new TextDecoder("latin1").decode(octets.subarray(0, length));
    refuse(!text.startsWith("* OK"), `greets with ${text.slice(0, 60)}`);
  } finally {
    connection.close();
  }
}

function dashboardCheck(doctor: Doctor): Check {
  const { port } = doctor.app.config.dashboard;
  return {
    name: "dashboard",
    title: `the dashboard answers on port ${port}`,
    fix:
      'See "systemctl status encimap-dashboard" and "journalctl -u encimap-dashboard". Mail is not affected.',
    needs: ["api"],
    run: explained(doctor, ["encimap-dashboard.service"], async (signal) => {
      const url = `http://127.0.0.1:${port}/sign-in`;
      const response = await fetch(url, { signal });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`answers ${response.status}`);
    }),
  };
}
