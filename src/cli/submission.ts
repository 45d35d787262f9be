/**
 * The filter of submission as a part of a process.
 *
 * @module
 */

import { clearInterval, setInterval } from "node:timers";
import { checkSchema } from "../db/migrate.ts";
import { deleteOldSent } from "../db/sent_mail.ts";
import { reason } from "../log.ts";
import { submissionServer } from "../milter/server.ts";
import { Submission, type SubmissionApp } from "../vaultbox/submission.ts";
import type { Io } from "./command.ts";
import { listen, LISTEN_FDS_START, listenAt } from "./listen.ts";
import type { Service } from "./service.ts";

/** Milliseconds between two sweeps of old counts. */
const SWEEP_MS = 600_000;

/**
 * Starts the filter.
 *
 * @param app Its world.
 * @param io The process; its environment has the descriptor of systemd.
 * @returns The running filter.
 */
export async function startSubmission(
  app: SubmissionApp,
  io: Io,
): Promise<Service> {
  await checkSchema(app.sql);
  const { server, close } = submissionServer(new Submission(app), app.log);
  const { submissionSocket } = app.config;
  if (io.env["LISTEN_FDS"] === undefined) {
    await listenAt(server, submissionSocket);
  } else {
    await listen(server, { fd: LISTEN_FDS_START });
  }
  app.log.write("info", "listening", { socket: submissionSocket });
  const timer = setInterval(() => {
    deleteOldSent(app.sql).catch((error) =>
      app.log.write("warn", "sweep failed", { cause: reason(error) })
    );
  }, SWEEP_MS);
  return {
    async stop(now) {
      clearInterval(timer);
      await close(now);
    },
  };
}
