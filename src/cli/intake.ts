/**
 * The intake as a part of a process: its doors and its sweeps.
 *
 * @module
 */

import type { Server } from "node:http";
import { connect } from "node:net";
import type { IntakeApp } from "../app.ts";
import { checkSchema } from "../db/migrate.ts";
import { AppError } from "../errors.ts";
import { gracefulStop } from "../http/graceful_stop.ts";
import { intakeServer } from "../http/intake.ts";
import { Admission } from "../vaultbox/admission.ts";
import { prepareSpool } from "../vaultbox/receive.ts";
import type { Io } from "./command.ts";
import type { Service } from "./service.ts";
import { startSweeps } from "./sweeps.ts";

/** First descriptor that systemd hands over, sd_listen_fds(3). */
const LISTEN_FDS_START = 3;

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
  const { intakeToken, intakeSocket, intakePort } = app.config;
  const byToken = intakeToken === undefined
    ? undefined
    : intakeServer(app, { kind: "bearer", token: intakeToken }, admission);
  if (byToken !== undefined) servers.push(byToken);
  const stopDoors = servers.map(gracefulStop);

  if (io.env["LISTEN_FDS"] === undefined) {
    await removeStaleSocket(intakeSocket);
    await listen(bySocket, { path: intakeSocket });
    await Deno.chmod(intakeSocket, 0o660);
    if (byToken !== undefined) {
      await listen(byToken, { host: "127.0.0.1", port: intakePort });
    }
  } else {
    // encimap-intake.socket lists the Unix socket first.
    await listen(bySocket, { fd: LISTEN_FDS_START });
    if (byToken !== undefined && Number(io.env["LISTEN_FDS"]) > 1) {
      await listen(byToken, { fd: LISTEN_FDS_START + 1 });
    }
  }
  app.log.write("info", "listening", { socket: intakeSocket });
  const stopSweeps = await startSweeps(app);
  return {
    async stop(now) {
      await Promise.all([stopSweeps(), ...stopDoors.map((stop) => stop(now))]);
      await admission.finished();
    },
  };
}

type Address = { path: string } | { host: string; port: number } | {
  fd: number;
};

function listen(server: Server, address: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(address, () => resolve());
  });
}

/**
 * A socket file that a killed process has left keeps others from listening; that
 * of a living one must stay.
 */
async function removeStaleSocket(path: string): Promise<void> {
  try {
    const { isSocket } = await Deno.lstat(path);
    if (!isSocket) return;
    if (await isListening(path)) {
      throw new AppError("conflict", "Another process listens on the socket");
    }
    await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

function isListening(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.on("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}
