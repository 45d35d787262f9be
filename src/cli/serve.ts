/**
 * `api`, `intake`, `submission` and `serve`: run until the signal.
 *
 * @module
 */

import { type Config, ConfigError } from "../config.ts";
import { AppError } from "../errors.ts";
import { createLog, type Log, reason } from "../log.ts";
import { openApp, openIntakeApp, openSubmission } from "../open.ts";
import {
  DOCTORS_PROGRAMS,
  dropPermissions,
  dropPrograms,
} from "../system/permissions.ts";
import { endsIn, shutdownSignal, STOP_MS } from "../system/shutdown.ts";
import { startApi } from "./api.ts";
import { EXIT, type Io, loadConfig } from "./command.ts";
import { startIntake } from "./intake.ts";
import type { Service } from "./service.ts";
import { startSubmission } from "./submission.ts";

/**
 * Runs the API until SIGTERM.
 *
 * @param io The process.
 * @returns Exit status.
 */
export function runApi(io: Io): Promise<number> {
  return runServices(io, async (config, log, stack) => {
    const app = stack.use(await openApp(config, log.with({ part: "api" })));
    // It starts postmap(1) and nothing else.
    dropPrograms(DOCTORS_PROGRAMS);
    return [await startApi(app)];
  });
}

/**
 * Runs the intake until SIGTERM.
 *
 * @param io The process.
 * @returns Exit status.
 */
export function runIntake(io: Io): Promise<number> {
  return runServices(io, async (config, log, stack) => {
    const app = stack.use(
      await openIntakeApp(config, log.with({ part: "intake" })),
    );
    // It starts no program; what breaks into it shall not either.
    dropPermissions("run");
    return [await startIntake(app, io)];
  });
}

/**
 * Runs the filter of submission until SIGTERM.
 *
 * @param io The process.
 * @returns Exit status.
 */
export function runSubmission(io: Io): Promise<number> {
  return runServices(io, async (config, log, stack) => {
    const app = stack.use(
      await openSubmission(config, log.with({ part: "submission" })),
    );
    dropPermissions("run");
    return [await startSubmission(app, io)];
  });
}

/**
 * Runs both in one process until SIGTERM.
 *
 * @param io The process.
 * @returns Exit status.
 */
export function runServe(io: Io): Promise<number> {
  return runServices(io, async (config, log, stack) => {
    const app = stack.use(await openApp(config, log.with({ part: "api" })));
    const intake = stack.use(
      await openIntakeApp(config, log.with({ part: "intake" })),
    );
    return [await startIntake(intake, io), await startApi(app)];
  });
}

/**
 * Runs parts of the program until SIGTERM.
 *
 * @param io The process.
 * @param start Starts them; what it puts on the stack is closed at the end.
 * @returns Exit status.
 */
export async function runServices(
  io: Io,
  start: (
    config: Config,
    log: Log,
    stack: AsyncDisposableStack,
  ) => Promise<Service[]>,
): Promise<number> {
  const config = loadConfig(io);
  const log = createLog(io.warn, config.logLevel);
  await using stack = new AsyncDisposableStack();
  using shutdown = shutdownSignal();
  try {
    const services = await start(config, log, stack);
    const failures = services.flatMap(({ failed }) => failed ?? []);
    await Promise.race([fired(shutdown.signal), ...failures]);
    log.write("info", "stopping");
    await stop(services, shutdown.again, log);
    return EXIT.ok;
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    log.write("error", "start failed", { cause: reason(error) });
    const isFinal = error instanceof AppError && error.code === "conflict";
    return isFinal ? EXIT.config : EXIT.failed;
  }
}

/** Waits for what is under way, but not for ever, and not if told again. */
async function stop(
  services: readonly Service[],
  again: AbortSignal,
  log: Log,
): Promise<void> {
  const now = new AbortController();
  const stopped = Promise.all(services.map((each) => each.stop(now.signal)));
  if (await endsIn(stopped, STOP_MS, again)) return;
  now.abort();
  // Nothing is lost: whatever was under way is finished by a repetition.
  log.write("warn", "stopped in the middle of work");
}

async function fired(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise((resolve) =>
    signal.addEventListener("abort", resolve, { once: true })
  );
}
