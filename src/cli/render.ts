/**
 * `encimap render`: writes the appliance's files for install.sh to compare.
 *
 * @module
 */

import { dirname, join } from "node:path";
import {
  type ApplianceSettings,
  DEFAULT_APPLIANCE,
  mailCheckSettings,
  renderAppliance,
} from "../appliance/render.ts";
import type { Config } from "../config.ts";
import { UNROUTED } from "../db/recipients.ts";
import { transportOf } from "../vaultbox/routes.ts";
import {
  type Command,
  EXIT,
  type Io,
  loadConfig,
  UsageError,
} from "./command.ts";

/** Writes the configuration files, units and scripts of this machine. */
export const renderCommand: Command = {
  name: "render",
  usage: "DIR",
  summary: "Write the appliance's configuration files, units and scripts",
  help:
    `Writes them below DIR, which is made if it is not there; changes nothing
else. install.sh compares them with the machine's and puts them in place.

Exit status: 0 written, 1 cannot write, 64 usage, 78 settings.`,
  run: renderFiles,
};

async function renderFiles(args: readonly string[], io: Io): Promise<number> {
  const [directory, ...rest] = args;
  if (directory === undefined || rest.length > 0) {
    throw new UsageError("render takes one folder");
  }
  const settings = applianceSettings(loadConfig(io), io.env);
  for (const [path, text] of renderAppliance(settings)) {
    const target = join(directory, path);
    await Deno.mkdir(dirname(target), { recursive: true });
    await Deno.writeTextFile(target, text);
  }
  return EXIT.ok;
}

/**
 * Makes the settings of the machine that the program runs on.
 *
 * @param config Its settings.
 * @param env Environment, for ENCIMAP_CONFIG_FILE.
 * @returns What the templates need.
 */
export function applianceSettings(
  config: Config,
  env: Readonly<Record<string, string>>,
): ApplianceSettings {
  return {
    ...DEFAULT_APPLIANCE,
    configFile: env["ENCIMAP_CONFIG_FILE"] ?? DEFAULT_APPLIANCE.configFile,
    hostname: config.hostname,
    mapsPath: dirname(config.transportMap),
    maildirBasePath: config.maildirBasePath,
    keysPath: config.keysPath,
    maxMessageBytes: config.maxMessageBytes,
    intakeSocket: config.intakeSocket,
    lmtpSocket: config.lmtpSocket,
    queueSocket: config.queueSocket,
    dashboardPath: config.dashboard.path,
    dashboardPort: config.dashboard.port,
    submissionSocket: config.submissionSocket,
    ...mailCheckSettings(config.mailChecks),
    unroutedTransport: transportOf(config, UNROUTED),
    intakePort: config.intakePort,
    publicPort: config.publicPort ?? DEFAULT_APPLIANCE.publicPort,
    // Dovecot warns about a name below base_dir that is not relative.
    doveadmSocket: config.doveadmSocket.replace(/^\/run\/dovecot\//, ""),
  };
}
