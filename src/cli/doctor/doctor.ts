/**
 * What `encimap doctor` looks at, and all of its checks.
 *
 * @module
 */

import type { App } from "../../app.ts";
import type { Exec } from "../../system/exec.ts";
import type { Io } from "../command.ts";
import { backupChecks } from "./backup.ts";
import type { Check } from "./check.ts";
import { daemonChecks } from "./daemons.ts";
import { databaseChecks } from "./database.ts";
import { dnsChecks } from "./dns.ts";
import { keyChecks } from "./keys.ts";
import { machineChecks } from "./machine.ts";
import { mailChecks } from "./mail.ts";
import { postfixChecks } from "./postfix.ts";
import { tlsCheck } from "./tls.ts";

/** What the checks look at. */
export interface Doctor {
  /** The world; its keys are void where the check `master-key` fails. */
  readonly app: App;
  /** The process. */
  readonly io: Io;
  /** Runs a program. */
  readonly exec: Exec;
  /** Whether systemd runs the machine. */
  readonly hasSystemd: boolean;
  /** Whether install.sh has set a web server up. */
  readonly hasNginx: boolean;
}

/**
 * Lists all checks, each behind those that it needs.
 *
 * @param doctor What they look at.
 * @returns The checks.
 */
export function allChecks(doctor: Doctor): Check[] {
  const [database, ...ofDatabase] = databaseChecks(doctor);
  return [
    database!,
    ...machineChecks(doctor),
    ...keyChecks(doctor),
    ...ofDatabase,
    ...daemonChecks(doctor),
    tlsCheck(doctor),
    ...postfixChecks(doctor),
    ...backupChecks(doctor),
    ...dnsChecks(doctor),
    ...mailChecks(doctor),
  ];
}
