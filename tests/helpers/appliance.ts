/**
 * The whole appliance in a temporary directory: real Postfix, Dovecot and
 * PostgreSQL with our rendered configuration on free ports, and the built
 * program.
 *
 * @module
 */

import {
  DEFAULT_APPLIANCE,
  mailCheckSettings,
  renderAppliance,
} from "../../src/appliance/render.ts";
import { UNROUTED } from "../../src/db/recipients.ts";
import { transportOf } from "../../src/vaultbox/routes.ts";
import { testConfig } from "./app.ts";
import { endChild } from "./child.ts";
import { latin1 } from "./mail.ts";
import { type TestDatabase, testDatabase, testPgHost } from "./database.ts";
import { isMissing } from "./openssl.ts";
import { freePort } from "./ports.ts";
import { until } from "./until.ts";

/** A user and group that every machine with PostgreSQL has. */
const USER = "postgres";

/** Where programs are. */
const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";

/** Why these tests cannot run here; undefined if they can. */
export const MISSING: string | undefined = missing();

/** What a program did. */
export interface Ran {
  /** Exit status. */
  readonly code: number;
  /** Standard output, one character for each octet. */
  readonly out: string;
  /** Standard error, the same. */
  readonly err: string;
}

/** The appliance. */
export interface Appliance extends AsyncDisposable {
  /** Temporary directory. */
  readonly directory: string;
  /** Port 25. */
  readonly smtpPort: number;
  /** Port 587. */
  readonly submissionPort: number;
  /** Port 993. */
  readonly imapsPort: number;
  /** Runs an operator's command. */
  encimap(...args: string[]): Promise<Ran>;
  /** Runs what the command does as root, with the script for backups. */
  root(...args: string[]): Promise<Ran>;
  /** Asks the API as a service. */
  // deno-lint-ignore no-explicit-any
  api(method: string, path: string, body?: unknown): Promise<any>;
  /** Asks the API for a file. */
  download(path: string, body: unknown): Promise<Uint8Array<ArrayBuffer>>;
  /** Runs a query as the database's owner. */
  sql(query: string): Promise<readonly Record<string, unknown>[]>;
  /** Runs a program of Postfix on this instance. */
  postfix(program: string, ...args: string[]): Promise<Ran>;
  /** Runs curl with limits, without checking certificates. */
  curl(...args: string[]): Promise<Ran>;
  /** Sends over port 25; the message's line ends are its own. */
  send(message: string, to: string | string[], from?: string): Promise<Ran>;
  /** Lists the files of a vaultbox's INBOX. */
  inbox(id: string): Promise<string[]>;
  /** Waits for the files of a vaultbox's INBOX. */
  waitForInbox(id: string, count: number): Promise<string[]>;
  /** Port 80 of the web server. */
  readonly httpPort: number;
  /** Port 443 of the web server. */
  readonly httpsPort: number;
  /** Starts the web server. */
  startWeb(): Promise<void>;
  /** The database, for making it unreachable. */
  readonly database: TestDatabase;
  /** Starts the intake, or stops it with a signal. */
  readonly intake: Daemon;
  /** Starts the API with the secrets as they are, or stops it. */
  readonly apiService: Omit<Daemon, "signal">;
  /** The same for the filter of submission. */
  readonly submission: Daemon;
}

/** A service of the program. */
export interface Daemon {
  /** Starts it, and waits until it listens. */
  start(): Promise<void>;
  /** Ends it with a signal, and waits for its end. */
  stop(signal?: Deno.Signal): Promise<void>;
  /** Sends a signal that does not end it. */
  signal(signal: Deno.Signal): void;
}

/**
 * Starts the appliance.
 *
 * @param settings Settings of the program that differ from the defaults.
 * @returns The appliance; its end stops what was started.
 */
export async function startAppliance(
  settings: Record<string, string> = {},
): Promise<Appliance> {
  await using stack = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "encimap-" });
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  await Deno.chmod(dir, 0o755);
  const database = stack.use(await testDatabase());
  const databaseName = new URL(database.url()).pathname.slice(1);
  await sh(`cp -r dist '${dir}/dist' && cd '${dir}' &&
    mkdir -p maps keys mail run spool/private spool/encimap postfix data dovecot secrets state &&
    chown ${USER}: maps keys mail run secrets && chown ${USER}:postfix spool/encimap && chmod 2750 spool/encimap && chown postfix: data spool/private && chmod 700 spool/private`);
  const [publicPort, httpPort, httpsPort] = [
    freePort(),
    freePort(),
    freePort(),
  ];
  const [smtpPort, submissionPort, imapsPort, apiPort, intakePort] = [
    freePort(),
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ];
  const hex = (): string => crypto.getRandomValues(new Uint8Array(32)).toHex();
  for (const name of ["jwt.secret", "master.key", "hmac.key"]) {
    await Deno.writeTextFile(`${dir}/secrets/${name}`, hex());
  }
  await sh(`openssl req -x509 -newkey rsa:2048 -nodes -days 2 \
    -subj /CN=localhost -addext subjectAltName=DNS:localhost,DNS:mail.example.test \
    -addext basicConstraints=critical,CA:FALSE -keyout '${dir}/tls.key' -out '${dir}/tls.pem'`);
  const doveadmSocket = `${dir}/doveadm.sock`;
  const env = {
    ENCIMAP_CONFIG_FILE: "/dev/null",
    ENCIMAP_HOSTNAME: "mail.example.test",
    ENCIMAP_DATABASE_URL: database.url(),
    API_PORT: String(apiPort),
    INTAKE_PORT: String(intakePort),
    ENCIMAP_PUBLIC_PORT: String(publicPort),
    POSTFIX_TRANSPORT_MAP: `${dir}/maps/transport`,
    MAILDIR_BASE_PATH: `${dir}/mail`,
    ENCIMAP_KEYS_PATH: `${dir}/keys`,
    ENCIMAP_KEY_POOL: "2",
    ENCIMAP_MASTER_KEY_FILE: `${dir}/secrets/master.key`,
    ENCIMAP_HMAC_KEY_FILE: `${dir}/secrets/hmac.key`,
    ENCIMAP_INTAKE_SOCKET: `${dir}/run/intake.sock`,
    ENCIMAP_LMTP_SOCKET: `${dir}/run/lmtp.sock`,
    ENCIMAP_QUEUE_SOCKET: `${dir}/run/queue.sock`,
    ENCIMAP_SUBMISSION_SOCKET: `${dir}/spool/encimap/submission.sock`,
    ENCIMAP_TRANSPORT: "pipe",
    ENCIMAP_DOVEADM_SOCKET: doveadmSocket,
    ENCIMAP_SMTP_PORT: String(smtpPort),
    ENCIMAP_SUBMISSION_PORT: String(submissionPort),
    ENCIMAP_IMAP_PORT: String(imapsPort),
    ENCIMAP_MAX_MESSAGE_BYTES: "2000000",
    ENCIMAP_MAIL_CHECKS: "off",
    ...settings,
  };
  // For root's scripts, which act as several users; here all are one role.
  const owner = { ENCIMAP_DATABASE_URL: database.url("encimap_owner") };
  await Deno.writeTextFile(
    `${dir}/encimap.env`,
    Object.entries({ ...env, ...owner }).slice(1).map(([k, v]) => `${k}=${v}\n`)
      .join(""),
  );
  const files = renderAppliance({
    ...DEFAULT_APPLIANCE,
    hostname: "mail.example.test",
    mapsPath: `${dir}/maps`,
    maildirBasePath: `${dir}/mail`,
    keysPath: `${dir}/keys`,
    secretsPath: `${dir}/secrets`,
    configFile: `${dir}/encimap.env`,
    maxMessageBytes: 2_000_000,
    programPath: `${dir}/dist/encimap`,
    backupScriptPath: `${dir}/encimap_backup`,
    commonScriptPath: `${dir}/encimap_common.sh`,
    restoreScriptPath: `${dir}/encimap_restore`,
    keysScriptPath: `${dir}/encimap_keys`,
    tlsScriptPath: `${dir}/encimap_tls`,
    // Daemons are stopped and started by the test.
    controlPath: "/bin/true",
    statePath: `${dir}/state`,
    pipeScriptPath: `${dir}/encimap_pipe.sh`,
    intakeSocket: `${dir}/run/intake.sock`,
    lmtpSocket: `${dir}/run/lmtp.sock`,
    queueSocket: `${dir}/run/queue.sock`,
    checksConfPath: `${dir}/checks`,
    checksPath: `${dir}/spool/encimap-checks`,
    spfRunPath: `${dir}/checks/spf`,
    dkimScriptPath: `${dir}/encimap_dkim`,
    ...mailCheckSettings(testConfig(env).mailChecks),
    submissionSocket: `${dir}/spool/encimap/submission.sock`,
    unroutedTransport: transportOf(testConfig(env), UNROUTED),
    intakePort,
    apiUser: USER,
    mailUser: USER,
    databaseName,
    databaseSocketDir: testPgHost(),
    tlsCertPath: `${dir}/tls.pem`,
    tlsKeyPath: `${dir}/tls.key`,
    postfixQueuePath: `${dir}/spool`,
    submissionService: String(submissionPort),
    smtpdChroot: "n",
    dovecotSqlPath: `${dir}/dovecot/sql.conf`,
    dovecotLastUsePath: `${dir}/dovecot/last_use.conf`,
    imapsPort,
    doveadmSocket,
    publicPort,
    httpPort,
    httpsPort,
  });
  const file = (name: string): string => {
    const text = files.get(name);
    if (text === undefined) throw new Error(`No template makes ${name}`);
    return text;
  };
  for (
    const script of [
      "encimap",
      "encimap_backup",
      "encimap_common.sh",
      "encimap_restore",
      "encimap_dkim",
      "encimap_keys",
      "encimap_pipe.sh",
    ]
  ) {
    await Deno.writeTextFile(`${dir}/${script}`, file(`bin/${script}`));
    await Deno.chmod(`${dir}/${script}`, 0o755);
  }
  await Deno.mkdir(`${dir}/checks`);
  for (const name of ["dkim", "spf", "dmarc"]) {
    const path = `${dir}/checks/${name}.conf`;
    await Deno.writeTextFile(path, file(`checks/${name}.conf`));
  }
  const config = { ...env, JWT_SECRET_FILE: `${dir}/secrets/jwt.secret` };

  // As the users of the units and of the operator's command.
  const ofMail = { ...config, ENCIMAP_DATABASE_URL: database.url("vaultmail") };
  const encimap = (...args: string[]): Promise<Ran> => {
    const isOfMail = ["verify", "import", "seal"].includes(args[0]!);
    const its = isOfMail ? ofMail : config;
    return runAs(USER, its, `${dir}/dist/encimap`, ...args);
  };
  await must(encimap("reconcile"));
  await must(
    encimap("vaultbox", "create", "postmaster@mail.example.test", "--operator"),
  );

  await startDovecot(
    stack,
    dir,
    file(`dovecot/98-encimap-${await dovecotVersion()}.conf`) +
      file("dovecot/99-encimap.conf"),
    file("dovecot/encimap-sql.conf.ext"),
    file("dovecot/encimap-last-use.conf.ext"),
  );
  await startPostfix(
    stack,
    dir,
    smtpPort,
    file("postfix/main.cf") +
      (env.ENCIMAP_MAIL_CHECKS === "off" ? "" : file("postfix/checks.cf")),
    file("postfix/master.cf"),
  );
  const intake = service(stack, dir, ofMail, "intake");
  await intake.start();
  const submission = service(stack, dir, config, "submission");
  await submission.start();
  const api = service(stack, dir, config, "api");
  await api.start();
  const url = `http://127.0.0.1:${apiPort}/s2s/v1`;
  const newToken = async (): Promise<string> =>
    (await must(encimap("token", "--service"))).out.trim();
  let token = await newToken();
  const ask = (
    method: string,
    path: string,
    body?: unknown,
  ): Promise<Response> =>
    fetch(url + path, {
      method,
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
  const answers = (): Promise<void> =>
    until("the API answers", async () => {
      const answer = await fetch(`${url}/health`).catch(() => undefined);
      await answer?.body?.cancel();
      return answer?.status === 200;
    });
  await answers();

  const web = file("nginx/encimap.conf");
  const cleanup = stack.move();
  const inbox = async (id: string): Promise<string[]> => {
    const paths: string[] = [];
    for (const folder of ["new", "cur"]) {
      const path = `${dir}/mail/${id}/Maildir/${folder}`;
      try {
        for await (const entry of Deno.readDir(path)) {
          paths.push(`${path}/${entry.name}`);
        }
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
    return paths;
  };
  const curl = (...args: string[]): Promise<Ran> =>
    runAs(undefined, {}, "curl", "-sSk", "--max-time", "20", ...args);
  return {
    directory: dir,
    smtpPort,
    submissionPort,
    imapsPort,
    encimap,
    root: (...args) =>
      runAs(
        undefined,
        { ENCIMAP_CONFIG_FILE: `${dir}/encimap.env`, HOME: "/nonexistent" },
        `${dir}/encimap`,
        ...args,
      ),
    async api(method, path, body) {
      const response = await ask(method, path, body);
      return await response.json();
    },
    async download(path, body) {
      const response = await ask("POST", path, body);
      if (!response.ok) throw new Error(await response.text());
      return await response.bytes();
    },
    async sql(query) {
      return [...await database.sql.unsafe(query)] as Record<string, unknown>[];
    },
    postfix: (program, ...args) =>
      runAs(
        undefined,
        {},
        `/usr/sbin/${program}`,
        "-c",
        `${dir}/postfix`,
        ...args,
      ),
    curl,
    async send(message, to, from = "bob@sender.example") {
      const path = `${dir}/${crypto.randomUUID()}.eml`;
      // The octets are given as latin1 text.
      await Deno.writeFile(
        path,
        Uint8Array.from(message, (letter) => letter.charCodeAt(0)),
      );
      const recipients = [to].flat().flatMap((one) => ["--mail-rcpt", one]);
      const sent = await curl(
        `smtp://127.0.0.1:${smtpPort}/client.example`,
        "--mail-from",
        from,
        ...recipients,
        "-T",
        path,
        "-v",
      );
      await Deno.remove(path);
      return sent;
    },
    inbox,
    async waitForInbox(id, count) {
      let paths: string[] = [];
      await until(`${count} message(s) in ${id}`, async () => {
        paths = await inbox(id);
        return paths.length >= count;
      });
      return paths;
    },
    httpPort,
    httpsPort,
    startWeb: () => startNginx(cleanup, dir, web, httpPort),
    database,
    intake,
    apiService: {
      stop: () => api.stop(),
      async start() {
        await api.start();
        token = await newToken();
        await answers();
      },
    },
    submission,
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

/** Starts and stops a service of the program. */
function service(
  stack: AsyncDisposableStack,
  dir: string,
  env: Record<string, string>,
  name: "api" | "intake" | "submission",
): Daemon {
  let child: Deno.ChildProcess | undefined;
  const stop = async (signal: Deno.Signal = "SIGTERM"): Promise<void> => {
    try {
      child?.kill(signal);
      // One that was held would never see the other signal.
      child?.kill("SIGCONT");
    } catch {
      // It has ended by itself.
    }
    await child?.status;
    child = undefined;
  };
  const timesListening = async (): Promise<number> =>
    (await Deno.readTextFile(`${dir}/run/${name}.log`).catch(() => ""))
      .split("event=listening").length;
  stack.defer(() => stop());
  return {
    async start() {
      const before = await timesListening();
      child = new Deno.Command("setpriv", {
        args: [
          ...drop(USER),
          "sh",
          "-c",
          `exec "$0" "$1" 2>>'${dir}/run/${name}.log'`,
          `${dir}/dist/encimap`,
          name,
        ],
        cwd: "/",
        clearEnv: true,
        env: { PATH, ...env },
        stdin: "null",
      }).spawn();
      await until(
        `${name} listens`,
        async () => await timesListening() > before,
      );
      // As the unit or encimap_ctl does it.
      if (name === "intake") {
        await sh(`chgrp -h postfix '${dir}/run/lmtp.sock'`);
      }
    },
    stop,
    signal: (signal) => child?.kill(signal),
  };
}

/** The first two numbers of Dovecot's version. */
async function dovecotVersion(): Promise<string> {
  const { out } = await must(runAs(undefined, {}, "dovecot", "--version"));
  return out.split(".", 2).join(".");
}

async function startDovecot(
  stack: AsyncDisposableStack,
  dir: string,
  ours: string,
  sql: string,
  lastUse: string,
): Promise<void> {
  await Deno.writeTextFile(`${dir}/dovecot/sql.conf`, sql);
  await Deno.writeTextFile(`${dir}/dovecot/last_use.conf`, lastUse);
  await Deno.writeTextFile(
    `${dir}/dovecot/dovecot.conf`,
    `base_dir = ${dir}/dovecot/run
state_dir = ${dir}/dovecot/run
log_path = ${dir}/dovecot.log
# Tests give many wrong passwords from one address.
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
${ours}`,
  );
  const child = new Deno.Command("dovecot", {
    args: ["-F", "-c", `${dir}/dovecot/dovecot.conf`],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  stack.defer(async () => {
    await endChild(child);
  });
  await until("Dovecot offers SASL", async () => {
    const socket = `${dir}/spool/private/auth-encimap`;
    return (await Deno.lstat(socket).catch(() => undefined))?.isSocket === true;
  });
}

async function startPostfix(
  stack: AsyncDisposableStack,
  dir: string,
  port: number,
  main: string,
  master: string,
): Promise<void> {
  const config = `${dir}/postfix`;
  const base = (await Deno.readTextFile("/usr/share/postfix/master.cf.dist"))
    .replace(/^smtp +inet.*$/m, `127.0.0.1:${port} inet n - n - - smtpd`)
    // The temporary directory has no chroot environment.
    .replaceAll(/^(\S+ +unix +\S+ +\S+ +)y/gm, "$1n");
  const ours = master.replace(/^(\d+) inet/m, "127.0.0.1:$1 inet");
  await Deno.writeTextFile(`${config}/master.cf`, `${base}\n${ours}`);
  await Deno.writeTextFile(
    `${config}/main.cf`,
    `compatibility_level = 3.6
queue_directory = ${dir}/spool
data_directory = ${dir}/data
maillog_file = ${dir}/mail.log
maillog_file_prefixes = ${dir}
mynetworks = 127.0.0.2/32
# Tests send much from one address.
smtpd_client_event_limit_exceptions = 127.0.0.0/8
minimal_backoff_time = 5s
queue_run_delay = 5s
${main}
`,
  );
  await sh(`postconf -c '${config}' -e inet_interfaces=127.0.0.1`);
  await sh(
    `postfix -c '${config}' start || { cat '${dir}/mail.log' >&2; exit 1; }`,
  );
  stack.defer(() => sh(`postfix -c '${config}' stop`));
}

async function startNginx(
  stack: AsyncDisposableStack,
  dir: string,
  ours: string,
  port: number,
): Promise<void> {
  await Deno.writeTextFile(
    `${dir}/nginx.conf`,
    `daemon off;
pid ${dir}/nginx.pid;
error_log ${dir}/nginx.log;
events {}
http {
  access_log off;
${ours.replaceAll(/^ *listen \[::\].*\n|^.*# dashboard\n/gm, "")}
}
`,
  );
  const child = new Deno.Command("/usr/sbin/nginx", {
    args: ["-c", `${dir}/nginx.conf`, "-e", `${dir}/nginx.log`],
    stdin: "null",
  }).spawn();
  stack.defer(async () => {
    await endChild(child);
  });
  await until("nginx answers", async () => {
    const answer = await fetch(`http://127.0.0.1:${port}/`).catch(() =>
      undefined
    );
    await answer?.body?.cancel();
    return answer !== undefined;
  });
}

function drop(user: string): string[] {
  return [`--reuid=${user}`, `--regid=${user}`, "--init-groups"];
}

/** Runs a program to its end, as a user. */
async function runAs(
  user: string | undefined,
  env: Record<string, string>,
  program: string,
  ...args: string[]
): Promise<Ran> {
  const argv = user === undefined
    ? [program, ...args]
    : ["setpriv", ...drop(user), program, ...args];
  const { code, stdout, stderr } = await new Deno.Command(argv[0]!, {
    args: argv.slice(1),
    clearEnv: true,
    env: { PATH, ...env },
    cwd: "/",
    stdin: "null",
  }).output();
  return { code, out: latin1(stdout), err: latin1(stderr) };
}

async function must(running: Promise<Ran>): Promise<Ran> {
  const ran = await running;
  if (ran.code !== 0) throw new Error(`Status ${ran.code}: ${ran.err}`);
  return ran;
}

async function sh(script: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("sh", {
    args: ["-ec", script],
    stdin: "null",
    stdout: "null",
  }).output();
  if (!success) {
    throw new Error(`${script}: ${new TextDecoder().decode(stderr)}`);
  }
}

function missing(): string | undefined {
  if (Deno.uid() !== 0) return "root, for Postfix and Dovecot";
  const needed = ["/usr/sbin/postfix", "/usr/sbin/dovecot", "/usr/bin/curl"];
  return needed.find((path) => isMissing(path));
}
