/**
 * The table of commands. What a command needs is loaded when it runs.
 *
 * @module
 */

import type { App } from "../app.ts";
import { parseConfig, showConfig } from "../config.ts";
import { VERSION } from "../version.ts";
import { type Command, EXIT, loadEnv } from "./command.ts";
import { DOCTOR_COMMANDS } from "./doctor_commands.ts";
import { ACCESS_COMMANDS } from "./access_commands.ts";
import { DASHBOARD_COMMANDS } from "./dashboard_commands.ts";
import { KEY_COMMANDS } from "./key_commands.ts";
import { BACKUP_COMMANDS } from "./backup_commands.ts";
import { MOVING_COMMANDS } from "./moving_commands.ts";
import { VAULTBOX_COMMANDS } from "./vaultbox_commands.ts";

/** All commands, in the order of the help. */
export const COMMANDS: readonly Command[] = [
  {
    name: "api",
    usage: "",
    summary: "Answer the S2S API on 127.0.0.1 until SIGTERM",
    run: async (_args, io) => (await import("./serve.ts")).runApi(io),
  },
  {
    name: "intake",
    usage: "",
    summary: "Take mail from Postfix, encrypt and store it until SIGTERM",
    help:
      "Listens on the sockets that systemd hands over, else on\nENCIMAP_INTAKE_SOCKET and, where INTAKE_TOKEN is set, INTAKE_PORT.",
    run: async (_args, io) => (await import("./serve.ts")).runIntake(io),
  },
  {
    name: "submission",
    usage: "",
    summary: "Judge, count and sign the mail of port 587 until SIGTERM",
    help:
      "Postfix asks it as a milter. Listens on the socket that systemd hands over,\nelse on ENCIMAP_SUBMISSION_SOCKET.",
    run: async (_args, io) => (await import("./serve.ts")).runSubmission(io),
  },
  ...DASHBOARD_COMMANDS,
  {
    name: "serve",
    usage: "",
    summary: "Run the API and the intake in one process, for trials",
    run: async (_args, io) => (await import("./serve.ts")).runServe(io),
  },
  {
    name: "pipe",
    usage: "ROUTE QUEUE_ID SENDER RECIPIENT",
    summary: "Hand a message on standard input to the intake, for pipe(8)",
    help: [
      "ROUTE is a vaultbox id, or the word unrouted: then the recipient decides.",
      "",
      "Exit status:",
      "  0   the message is stored",
      "  65  5.3.4, the message is too large",
      "  67  5.1.1, there is no such vaultbox",
      "  75  everything else: try again later",
    ].join("\n"),
    run: async (args, io) => (await import("./pipe.ts")).runPipe(args, io),
  },
  {
    name: "migrate",
    usage: "[--dry-run]",
    summary: "Bring the database's schema up to date",
    help: [
      "--dry-run  say what is missing and change nothing",
      "",
      "A schema that is newer than the program stays as it is; if the program cannot",
      "use it, this fails.",
    ].join("\n"),
    run: async (args, io) => (await import("./upkeep.ts")).runMigrate(args, io),
  },
  {
    name: "reconcile",
    usage: "[--dry-run]",
    summary: "Make Postfix's maps agree with the database",
    help: "--dry-run  say what differs and change nothing",
    run: async (args, io) =>
      (await import("./upkeep.ts")).runReconcile(args, io),
  },
  {
    name: "maintenance clean-up",
    usage: "[--dry-run]",
    summary: "Delete rows that nobody needs any more; a timer runs it weekly",
    help: [
      "--dry-run  count them and delete nothing",
      "",
      "Entries of the audit log older than ENCIMAP_AUDIT_DAYS, former addresses older",
      "than ENCIMAP_FORMER_ADDRESS_DAYS, counts of deliveries of 800 days ago. Then it",
      "says how the largest tables are doing. May be stopped at any time.",
      "",
      "Exit status:",
      "  0   done",
      "  1   failed; the reason is on standard error",
      "  64  wrong arguments",
      "  75  another run is at it; nothing was done",
      "  78  wrong configuration",
    ].join("\n"),
    run: async (args, io) =>
      (await import("./maintenance.ts")).runCleanUp(args, io),
  },
  {
    name: "maintenance report",
    usage: "[--days N]",
    summary:
      "Print a report on vaultboxes, deliveries and certificates; a timer runs it quarterly",
    help: "--days N  days that it looks back; 92 if left out",
    run: async (args, io) =>
      (await import("./maintenance.ts")).runReport(args, io),
  },
  {
    name: "maintenance",
    usage: "[--dry-run] [--force] [--ids]",
    summary: "Renew certificates before they expire; the timer runs it daily",
    help: [
      "--dry-run  say what would be renewed, and what owners have to renew themselves",
      "--force    believe the clock although the last run is over 30 days ago",
      "--ids      name vaultboxes by id and not by address, as for a log",
      "",
      "What failed is tried again by the next run.",
      "",
      "Exit status:",
      "  0   done",
      "  1   a renewal failed, or the clock is doubted",
      "  64  wrong arguments",
      "  75  another run is at it; nothing was done",
      "  78  wrong configuration",
    ].join("\n"),
    run: async (args, io) =>
      (await import("./maintenance.ts")).runMaintenance(args, io),
  },
  ...DOCTOR_COMMANDS,
  {
    name: "queue",
    usage: "",
    summary: "Print Postfix's queue in numbers, for Prometheus",
    help:
      "Run by encimap-queue.socket, as somebody who may read the queue and nothing\nelse of ours. No address is printed.",
    run: async (args, io) => (await import("./queue.ts")).runQueue(args, io),
  },
  {
    name: "verify",
    usage: "[--all] [--ids] [--json] [--restart] [ADDRESS | ID]...",
    summary: "Name altered and foreign files in the Maildirs",
    help: [
      "All vaultboxes if none is named. Takes half of one processor's time and no more,",
      "may be stopped at any time, and is gone on with by the next run. Counters of",
      "messages that do not agree with the database's rows are set right.",
      "",
      "--all      name also what clients have stored outside INBOX, as in Sent",
      "--ids      name vaultboxes by id and not by address, as for a log",
      "--json     print one object of JSON on each line, the last one a summary",
      "--restart  do not go on with a run that was interrupted",
      "",
      "altered     a stored message, and its octets are no more those that were stored",
      "foreign     in INBOX, and not stored by the appliance",
      "client      in another folder, and not stored by the appliance; no finding",
      "strange     no plain file, or a name that is not UTF-8",
      "unreadable  the system does not let the mail user read it",
      "ownerless   the folder of a vaultbox that the database does not have",
      "",
      "A message that is missing was deleted by its owner and is no finding.",
      "operations.md says what to do about each finding.",
      "",
      "Exit status:",
      "  0   nothing was found",
      "  1   failed; the reason is on standard error",
      "  2   something was found",
      "  64  wrong arguments",
      "  75  another run is at it; nothing was looked at",
      "  78  wrong configuration",
    ].join("\n"),
    run: async (args, io) => (await import("./verify.ts")).runVerify(args, io),
  },
  {
    name: "token",
    usage:
      "--service [--sub NAME] | --user UUID [--scope SCOPES] [--ttl SECONDS]",
    summary: "Print a token for the API",
    help: [
      "--service       a token that acts for any user",
      "--sub NAME      name of the service, in the audit log; limits are by it",
      "--user UUID     a token that acts for this user alone",
      "--scope SCOPES  what it may do, words between spaces; everything if left out",
      "--ttl SECONDS   validity, up to ENCIMAP_TOKEN_MAX_SECONDS; 3600 if left out",
      "",
      "Only where ENCIMAP_TOKEN_ALGORITHM is HS256: the private key of any other",
      "algorithm is not here.",
    ].join("\n"),
    run: async (args, io) => (await import("./token.ts")).runToken(args, io),
  },
  {
    name: "domain add",
    usage: "DOMAIN --user UUID",
    summary: "Host a domain for a user",
    run: async (args, io) =>
      (await import("./domains.ts")).runDomainAdd(args, io),
  },
  {
    name: "domain list",
    usage: "",
    summary: "List hosted domains and their users",
    run: async (args, io) =>
      (await import("./domains.ts")).runDomainList(args, io),
  },
  {
    name: "domain remove",
    usage: "DOMAIN",
    summary: "Stop hosting a domain that holds no vaultbox",
    run: async (args, io) =>
      (await import("./domains.ts")).runDomainRemove(args, io),
  },
  {
    name: "dns",
    usage: "DOMAIN [--check] [--server ADDRESS] [--json]",
    summary:
      "Print the DNS records that a domain needs, or what DNS has of them",
    help: [
      "For mail, for mail clients that set themselves up, and of the certificates",
      "that its vaultboxes publish.",
      "",
      "--check   ask DNS: each record is ok, missing or wrong, or unknown where DNS",
      "          does not answer; with what is expected and what was found",
      "--server ADDRESS  ask this server, such as the domain's own; IP or IP:PORT",
      "--json    print one object of JSON on each line",
      "",
      "Exit status:",
      "  0  all is ok",
      "  1  DNS does not answer, or the command failed",
      "  2  a record is missing or wrong",
    ].join("\n"),
    run: async (args, io) => (await import("./dns.ts")).runDns(args, io),
  },
  {
    name: "dkim rotate",
    usage: "DOMAIN",
    summary:
      "Make the next key that signs a domain's mail, and print its record",
    help:
      "The new key signs once DNS shows it; the API looks every hour. Until then the one\nbefore signs, and its record stays for a week after that.",
    run: async (args, io) =>
      (await import("./sending.ts")).runDkimRotate(args, io),
  },
  {
    name: "sending list",
    usage: "",
    summary:
      "List who is stopped for having sent too much: address, since, recipients",
    run: async (args, io) =>
      (await import("./sending.ts")).runSendingList(args, io),
  },
  {
    name: "sending resume",
    usage: "ADDRESS | ID",
    summary: "Let a vaultbox send again",
    help:
      "Change its passwords first if somebody else has used them: see the audit log,\n`sending.stop`, and when its credentials were used last.",
    run: async (args, io) =>
      (await import("./sending.ts")).runSendingResume(args, io),
  },
  ...VAULTBOX_COMMANDS,
  ...ACCESS_COMMANDS,
  {
    name: "issuer list",
    usage: "",
    summary: "List the issuers of certificates: number, id, fingerprint, end",
    run: async (args, io) =>
      (await import("./issuer.ts")).runIssuerList(args, io),
  },
  {
    name: "issuer show",
    usage: "[ID]",
    summary:
      "Print the certificate of the issuer that signs now, or of another",
    run: async (args, io) =>
      (await import("./issuer.ts")).runIssuerShow(args, io),
  },
  ...KEY_COMMANDS,
  ...BACKUP_COMMANDS,
  ...MOVING_COMMANDS,
  {
    name: "config describe",
    usage: "",
    summary: "Print the table of all settings, Markdown",
    run: async (_args, io) => {
      const { describeConfig } = await import("./describe_config.ts");
      io.print(describeConfig().trimEnd());
      return EXIT.ok;
    },
  },
  {
    name: "config check",
    usage: "",
    summary: "Check the settings and name every problem",
    run: async (_args, io) => {
      const config = parseConfig(loadEnv(io), io.readText);
      await (await import("./token.ts")).checkTokenKeys(config, io);
      io.print("Settings are valid");
      return EXIT.ok;
    },
  },
  {
    name: "config show",
    usage: "",
    summary: "Print the settings in force, secrets masked",
    run: (_args, io) => {
      const env = loadEnv(io);
      parseConfig(env, io.readText);
      for (const line of showConfig(env)) io.print(line);
      return Promise.resolve(EXIT.ok);
    },
  },
  {
    name: "render",
    usage: "DIRECTORY",
    summary: "Write the files of Postfix, Dovecot and systemd for the settings",
    run: async (args, io) =>
      (await import("./render.ts")).renderCommand.run(args, io),
  },
  {
    name: "openapi",
    usage: "",
    summary: "Print the description of the API, OpenAPI 3.1 as YAML",
    run: async (_args, io) => {
      const { openApi, toYaml } = await import("../http/openapi.ts");
      const { apiRoutes } = await import("../http/routes/all.ts");
      io.print(toYaml(openApi(apiRoutes({} as App))).trimEnd());
      return EXIT.ok;
    },
  },
  {
    name: "version",
    usage: "",
    summary: "Print the version",
    run: (_args, io) => {
      io.print(`encimap ${VERSION}`);
      return Promise.resolve(EXIT.ok);
    },
  },
];
