/**
 * The intake as a part of a process: its doors and its sweeps.
 *
 * @module
 */

import type { IntakeApp } from "../app.ts";
import { checkSchema } from "../db/migrate.ts";
import { gracefulStop } from "../http/graceful_stop.ts";
import { intakeServer } from "../http/intake.ts";
import { lmtpEngine } from "../lmtp/engine.ts";
import { lmtpServer } from "../lmtp/server.ts";
import { Admission } from "../vaultbox/admission.ts";
import { saveDeliveryCounts } from "../vaultbox/delivery_counts.ts";
import { prepareSpool } from "../vaultbox/receive.ts";
import type { Io } from "./command.ts";
import { listen, LISTEN_FDS_START, listenAt } from "./listen.ts";
import type { Service } from "./service.ts";
import { startSweeps } from "./sweeps.ts";

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
  await checkSchema(app.sql);
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
  const stopSweeps = await startSweeps(app);
  return {
    async stop(now) {
      await Promise.all([
        stopSweeps(),
        ...stopDoors.map((stop) => stop(now)),
        lmtp.close(now),
      ]);
      await admission.finished();
      await saveLast(app);
    },
  };
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
