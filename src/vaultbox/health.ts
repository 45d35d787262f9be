/**
 * The state of health, cheap enough for anybody to ask.
 *
 * @module
 */

import { request } from "node:http";
import { connect } from "node:net";
import type { App } from "../app.ts";
import {
  type CertificateCounts,
  countCertificates,
} from "../db/maintenance.ts";
import { checkSchema } from "../db/migrate.ts";
import { countSending, type SendingCounts } from "../db/sent_mail.ts";

/** Which parts work. */
export interface Health {
  /** Whether all do. */
  readonly healthy: boolean;
  /** Whether the database answers. */
  readonly database: boolean;
  /** Whether the intake runs and can write. */
  readonly storage: boolean;
  /** Whether Postfix takes connections. */
  readonly mta: boolean;
  /** Whether Dovecot answers. */
  readonly imap: boolean;
  /** What is to be said of certificates; undefined if they cannot be counted. */
  readonly certificates: CertificateCounts | undefined;
  /** Who has sent too much; undefined if it cannot be counted. */
  readonly sending: SendingCounts | undefined;
}

/** Milliseconds that a part may take to answer. */
const TIMEOUT_MS = 3000;

/** Milliseconds for which an answer is given again. */
const KEPT_MS = 2000;

/**
 * Makes a check whose answers are kept for two seconds, so that whoever asks
 * often costs nothing.
 *
 * @param app Uses `config`, `now` and `sql`.
 * @returns The check.
 */
export function healthCheck(
  app: Pick<App, "config" | "now" | "sql">,
): () => Promise<Health> {
  const isDatabaseUp = part(async () => {
    await app.sql`select 1`;
  });
  const isStorageUp = part(() => intakeIsHealthy(app.config.intakeSocket));
  const isMtaUp = part(() => isListening(app.config.smtpPort));
  const isImapUp = part(() => dovecotAnswers(app.config.doveadmSocket));
  let counts: CertificateCounts | undefined;
  const areCounted = part(async () => {
    const renewDays = app.config.certRenewDays;
    counts = await countCertificates(app.sql, { now: app.now(), renewDays });
  });
  let sending: SendingCounts | undefined;
  const isSendingCounted = part(async () => {
    sending = await countSending(app.sql);
  });
  return kept(app, async () => {
    const [database, storage, mta, imap, counted, sendingCounted] =
      await Promise.all([
        isDatabaseUp(),
        isStorageUp(),
        isMtaUp(),
        isImapUp(),
        areCounted(),
        isSendingCounted(),
      ]);
    return {
      // A certificate that has ended stops no mail.
      healthy: database && storage && mta && imap,
      database,
      storage,
      mta,
      imap,
      certificates: counted ? counts : undefined,
      sending: sendingCounted ? sending : undefined,
    };
  });
}

/**
 * Makes a check whether requests can be answered now: the database has the
 * schema of this program, and routes can be changed. It starts no program, and
 * its answers are kept for two seconds.
 *
 * @param app Uses `mta`, `now` and `sql`.
 * @param areTokensReadable What throws where no token can be checked.
 * @returns The check.
 */
export function readyCheck(
  app: Pick<App, "mta" | "now" | "sql">,
  areTokensReadable: () => Promise<void>,
): () => Promise<boolean> {
  const isSchemaRight = part(() => checkSchema(app.sql));
  const areRoutesWritable = part(() => app.mta.check());
  const areKeysThere = part(areTokensReadable);
  return kept(app, async () => {
    const parts = await Promise.all([
      isSchemaRight(),
      areRoutesWritable(),
      areKeysThere(),
    ]);
    return parts.every((each) => each);
  });
}

/**
 * Keeps an answer; who asks while it is being found waits for the same one. A
 * failure is not kept.
 *
 * @param app Uses `now`.
 * @param find Finds it.
 * @param ms Milliseconds for which it is given again; two seconds if left out. It
 * is found anew when the clock was set back.
 * @returns What gives it.
 */
export function kept<T>(
  app: Pick<App, "now">,
  find: () => Promise<T>,
  ms: number = KEPT_MS,
): () => Promise<T> {
  let answer: Promise<T> | undefined;
  let foundAt: number | undefined;
  return () => {
    const age = foundAt === undefined ? 0 : app.now().getTime() - foundAt;
    if (answer === undefined || age < 0 || age >= ms) {
      foundAt = undefined;
      answer = find();
      answer.then(
        () => foundAt = app.now().getTime(),
        () => answer = undefined,
      );
    }
    return answer;
  };
}

/**
 * Makes a check that says no when it takes more than three seconds. What hangs
 * goes on, and is waited for again in place of being asked again: it does not
 * pile up.
 *
 * @param check Throws if it is not so.
 * @returns The check.
 */
export function part(check: () => Promise<void>): () => Promise<boolean> {
  let running: Promise<boolean> | undefined;
  return async () => {
    running ??= check().then(() => true, () => false).finally(() => {
      running = undefined;
    });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(false), TIMEOUT_MS);
    });
    const result = await Promise.race([running, late]);
    clearTimeout(timer);
    return result;
  };
}

/**
 * Asks the intake whether it can store mail.
 *
 * @param socketPath Its Unix socket.
 * @throws {Error} If it cannot; with its reason, as that the disk is full.
 */
export function intakeIsHealthy(socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const asked = request(
      { socketPath, path: "/health", timeout: TIMEOUT_MS, agent: false },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => body += chunk);
        response.on("error", reject);
        response.on("end", () => {
          if (response.statusCode === 200) return resolve();
          const said = /"message":"([^"]*)"/.exec(body)?.[1] ?? "no reason";
          reject(new Error(`intake answers ${response.statusCode}: ${said}`));
        });
      },
    );
    asked.on("timeout", () => asked.destroy(new Error("intake is silent")));
    asked.on("error", reject);
    asked.end();
  });
}

/**
 * Asks Dovecot over its doveadm service, which only the API may: unlike a
 * connection to port 993 it is no login that was given up, and no line in a log.
 *
 * @param path Unix socket of the service.
 * @throws {Error} If it does not answer.
 */
export function dovecotAnswers(path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, timeout: TIMEOUT_MS });
    socket.on("error", reject);
    socket.on("timeout", () => socket.destroy(new Error("Dovecot is silent")));
    socket.on("close", () => reject(new Error("Dovecot says nothing")));
    socket.on("data", () => {
      resolve();
      socket.destroy();
    });
    socket.write("VERSION\tdoveadm-server\t1\t0\n");
  });
}

function isListening(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port, timeout: TIMEOUT_MS });
    socket.on("error", reject);
    socket.on("timeout", () => socket.destroy(new Error("no greeting")));
    socket.on("data", (chunk: Uint8Array) => {
      const greeted = new TextDecoder().decode(chunk).startsWith("220");
      socket.end("QUIT\r\n");
      if (greeted) resolve();
      else reject(new Error("no SMTP server"));
    });
  });
}
