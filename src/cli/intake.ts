/**
 * The intake as a part of a process: its doors and its sweeps.
 *
 * @module
 */

import { setTimeout as delay } from "node:timers/promises";
import type { IntakeApp } from "../app.ts";
import { checkSchema } from "../db/migrate.ts";
import { toAppError } from "../errors.ts";
import { gracefulStop } from "../http/graceful_stop.ts";
import { intakeServer } from "../http/intake.ts";
import { reason } from "../log.ts";
import { lmtpEngine } from "../lmtp/engine.ts";
import { lmtpServer } from "../lmtp/server.ts";
import { Admission } from "../vaultbox/admission.ts";
import { saveDeliveryCounts } from "../vaultbox/delivery_counts.ts";
import { prepareSpool } from "../vaultbox/receive.ts";
import type { Io } from "./command.ts";
import { listen, LISTEN_FDS_START, listenAt } from "./listen.ts";
import type { Service } from "./service.ts";
import { startSweeps } from "./sweeps.ts";

/** Milliseconds between two questions to a database that is away. */
const RETRY_MS = 1000;

/** Milliseconds for saving the last counts of deliveries. */
const SAVE_MS = 2000;

/**
 * Starts the intake.
 *
 * @param app Its world.
 * @param io The process; its environment has the descriptors of systemd.
 * @returns The running intake.
 */
export async function startIntake(app: IntakeApp, io: Io): Promise<Service> {
  await prepareSpool(app);
  const admission = new Admission(app);
  const bySocket = intakeServer(app, { kind: "socket" }, admission);
  const servers = [bySocket];
  const lmtp = lmtpServer(lmtpEngine(app, admission), admission, app.log);
  const { intakeToken, intakeSocket, intakePort, lmtpSocket } = app.config;
  const byToken = intakeToken === undefined
    ? undefined
    : intakeServer(app, { kind: "bearer", token: intakeToken }, admission);
  if (byToken !== undefined) servers.push(byToken);
  const stopDoors = servers.map(gracefulStop);

  const inherited = inheritedSockets(io.env);
  if (inherited === undefined) {
    await listenAt(bySocket, intakeSocket);
    await listenAt(lmtp.server, lmtpSocket);
    if (byToken !== undefined) {
      await listen(byToken, { host: "127.0.0.1", port: intakePort });
    }
  } else {
    const { http: [socket, port], lmtp: [lmtpFd] } = inherited;
    if (socket === undefined) throw new Error("systemd hands no socket over");
    await listen(bySocket, { fd: socket });
    if (byToken !== undefined && port !== undefined) {
      await listen(byToken, { fd: port });
    }
    if (lmtpFd !== undefined) await listen(lmtp.server, { fd: lmtpFd });
  }
  app.log.write("info", "listening", { socket: intakeSocket });
  const stopping = new AbortController();
  const sweeping = schemaIsRight(app, stopping.signal).then((isRight) =>
    isRight ? startSweeps(app) : undefined
  );
  const failed = new Promise<never>((_, reject) => sweeping.catch(reject));
  return {
    failed,
    async stop(now) {
      stopping.abort();
      const stopSweeps = await sweeping;
      await Promise.all([
        stopSweeps?.(),
        ...stopDoors.map((stop) => stop(now)),
        lmtp.close(now),
      ]);
      await admission.finished();
      await saveLast(app);
    },
  };
}

/**
 * Waits for the database. The doors are open meanwhile, and refuse mail for now;
 * without them Postfix would have nobody who tells it why.
 *
 * @returns False if the process stops before.
 * @throws {Error} If waiting does not help, as with a schema that is newer than
 * the program.
 */
async function schemaIsRight(
  { sql, log }: IntakeApp,
  stopping: AbortSignal,
): Promise<boolean> {
  let said: string | undefined;
  while (!stopping.aborted) {
    try {
      await checkSchema(sql);
      return true;
    } catch (error) {
      if (toAppError(error).code !== "unavailable") throw error;
      const cause = reason(error);
      if (cause !== said) log.write("warn", "waiting for database", { cause });
      said = cause;
    }
    await delay(RETRY_MS, undefined, { signal: stopping }).catch(() => {});
  }
  return false;
}

/** Without waiting for a database that is away: these are only counts. */
async function saveLast(app: IntakeApp): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, SAVE_MS);
  });
  await Promise.race([saveDeliveryCounts(app).catch(() => {}), late]);
  clearTimeout(timer);
}

/**
 * Finds what systemd hands over, sd_listen_fds(3). The units are started in no
 * fixed order, so the descriptors of encimap-lmtp.socket have a name; those of
 * encimap-intake.socket are the Unix socket, then the port.
 */
function inheritedSockets(
  env: Io["env"],
): { http: number[]; lmtp: number[] } | undefined {
  const count = env["LISTEN_FDS"];
  if (count === undefined) return undefined;
  const names = (env["LISTEN_FDNAMES"] ?? "").split(":");
  const found = { http: [] as number[], lmtp: [] as number[] };
  for (let i = 0; i < Number(count); i++) {
    found[names[i] === "lmtp" ? "lmtp" : "http"].push(LISTEN_FDS_START + i);
  }
  return found;
}
