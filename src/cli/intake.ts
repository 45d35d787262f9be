/**
 * The intake as a part of a process: its doors and its sweeps.
 *
 * @module
 */

import type { Server } from "node:http";
import type { IntakeApp } from "../app.ts";
import { checkSchema } from "../db/migrate.ts";
import { intakeGates, intakeServer } from "../http/intake.ts";
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
  const gates = intakeGates();
  const bySocket = intakeServer(app, { kind: "socket" }, gates);
  const servers = [bySocket];
  const { intakeToken, intakeSocket, intakePort } = app.config;
  const byToken = intakeToken === undefined
    ? undefined
    : intakeServer(app, { kind: "bearer", token: intakeToken }, gates);
  if (byToken !== undefined) servers.push(byToken);

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
    async stop() {
      await stopSweeps();
      await Promise.all(servers.map(close));
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

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}

/** A socket file that a killed process has left keeps others from listening. */
async function removeStaleSocket(path: string): Promise<void> {
  try {
    const { isSocket } = await Deno.lstat(path);
    if (isSocket) await Deno.remove(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
