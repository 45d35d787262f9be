/**
 * The appliance's files with the settings of one machine in them.
 *
 * @module
 */

import { TEMPLATES } from "./templates.ts";

/** What the filters of port 25 do, each in its own words. */
export interface MailCheckSettings {
  /** Whether mail is refused where DMARC asks for that. */
  readonly dmarcReject: "true" | "false";
  /** What becomes of mail if DNS does not say its key. */
  readonly dkimDnsError: "accept" | "tempfail";
  /** Whether mail is put off if DNS does not say who may send it. */
  readonly spfDnsErrorDefers: "True" | "False";
}

/**
 * Says what the filters of port 25 do.
 *
 * @param mailChecks ENCIMAP_MAIL_CHECKS.
 * @returns The settings.
 */
export function mailCheckSettings(
  mailChecks: "off" | "mark" | "refuse",
): MailCheckSettings {
  return mailChecks === "refuse"
    ? {
      dmarcReject: "true",
      dkimDnsError: "tempfail",
      spfDnsErrorDefers: "True",
    }
    : {
      dmarcReject: "false",
      dkimDnsError: "accept",
      spfDnsErrorDefers: "False",
    };
}

/**
 * What differs between machines, and between a machine and a test in a folder
 * of its own. Paths are absolute.
 */
export interface ApplianceSettings extends MailCheckSettings {
  /** Name of the mail server, as in its MX record. */
  readonly hostname: string;
  /** Folder of the maps `domains`, `transport`, `senders` and `refusals`. */
  readonly mapsPath: string;
  /** Folder with one folder for each vaultbox. */
  readonly maildirBasePath: string;
  /** Folder of the encrypted private keys. */
  readonly keysPath: string;
  /** Folder of the files with secrets. */
  readonly secretsPath: string;
  /** File with the program's settings. */
  readonly configFile: string;
  /** Largest message that is taken, in octets. */
  readonly maxMessageBytes: number;
  /** The program, as the units and scripts start it. */
  readonly programPath: string;
  /** The script that makes backups. */
  readonly backupScriptPath: string;
  /** What the scripts of root's share. */
  readonly commonScriptPath: string;
  /** The script that restores backups. */
  readonly restoreScriptPath: string;
  /** The script that rotates keys. */
  readonly keysScriptPath: string;
  /** The script that puts certificates for TLS in use. */
  readonly tlsScriptPath: string;
  /** The script that starts the filter for DKIM. */
  readonly dkimScriptPath: string;
  /** The script that starts daemons where systemd does not. */
  readonly controlPath: string;
  /** Folder of what is neither mail nor a setting. */
  readonly statePath: string;
  /** The script that pipe(8) starts. */
  readonly pipeScriptPath: string;
  /** Unix socket of the intake. */
  readonly intakeSocket: string;
  /** Unix socket where the intake takes mail by LMTP. */
  readonly lmtpSocket: string;
  /** Unix socket behind which `encimap queue` is started. */
  readonly queueSocket: string;
  /**
   * Unix socket of the filter of submission: `encimap/submission.sock` below
   * Postfix's queue directory.
   */
  readonly submissionSocket: string;
  /** Folder of the configuration of the filters of port 25. */
  readonly checksConfPath: string;
  /**
   * Folder of the sockets of the filters of port 25: `encimap-checks` below
   * Postfix's queue directory.
   */
  readonly checksPath: string;
  /** Folder of the process id of the filter for SPF. */
  readonly spfRunPath: string;
  /** What Postfix does with an address of a hosted domain that has no route. */
  readonly unroutedTransport: string;
  /** Port of the intake on 127.0.0.1. */
  readonly intakePort: number;
  /** User of the API, its group too. */
  readonly apiUser: string;
  /** User of the intake, the pipe client and Dovecot's imap, its group too. */
  readonly mailUser: string;
  /** User of the dashboard, its group too. */
  readonly dashboardUser: string;
  /** Folder of the dashboard's accounts. */
  readonly dashboardPath: string;
  /** Port of the dashboard on loopback. */
  readonly dashboardPort: number;
  /** Name of the database. */
  readonly databaseName: string;
  /** Role that owns the database. */
  readonly databaseOwner: string;
  /** Folder of PostgreSQL's Unix socket. */
  readonly databaseSocketDir: string;
  /** Role as which Dovecot asks the database. */
  readonly dovecotRole: string;
  /** Certificate chain for TLS, PEM. */
  readonly tlsCertPath: string;
  /** Private key for TLS, PEM. */
  readonly tlsKeyPath: string;
  /** Postfix's queue directory; Dovecot's socket for logins is in its private/. */
  readonly postfixQueuePath: string;
  /**
   * User that may open that socket: Postfix's. Its group may open the socket of
   * LMTP.
   */
  readonly postfixUser: string;
  /** First field of the submission service in master.cf: a port or its name. */
  readonly submissionService: string;
  /** Whether smtpd of submission is chrooted, as master.cf says it. */
  readonly smtpdChroot: "y" | "n";
  /** Dovecot's file with the database queries. */
  readonly dovecotSqlPath: string;
  /** Dovecot's file with the query that notes a login. */
  readonly dovecotLastUsePath: string;
  /** Port of IMAP with TLS. */
  readonly imapsPort: number;
  /**
   * Unix socket of Dovecot's doveadm service, for ending sessions; relative to
   * Dovecot's base_dir if it is below.
   */
  readonly doveadmSocket: string;
  /** The program's port on 127.0.0.1 for the public. */
  readonly publicPort: number;
  /** Port of the web server without TLS. */
  readonly httpPort: number;
  /** Port of the web server with TLS. */
  readonly httpsPort: number;
}

/** The settings of a machine that install.sh has made. */
export const DEFAULT_APPLIANCE = {
  secretsPath: "/etc/encimap",
  configFile: "/etc/encimap/encimap.env",
  programPath: "/usr/local/lib/encimap/current/encimap",
  backupScriptPath: "/usr/local/bin/encimap_backup",
  commonScriptPath: "/usr/local/bin/encimap_common.sh",
  restoreScriptPath: "/usr/local/bin/encimap_restore",
  keysScriptPath: "/usr/local/bin/encimap_keys",
  tlsScriptPath: "/usr/local/bin/encimap_tls",
  dkimScriptPath: "/usr/local/bin/encimap_dkim",
  controlPath: "/usr/local/bin/encimap_ctl",
  statePath: "/var/lib/encimap",
  pipeScriptPath: "/usr/local/bin/encimap_pipe.sh",
  apiUser: "encimap",
  mailUser: "vaultmail",
  dashboardUser: "encimap-dashboard",
  dashboardPath: "/var/lib/encimap-dashboard",
  dashboardPort: 3000,
  databaseName: "motorical_encrypted_imap",
  databaseOwner: "encimap",
  databaseSocketDir: "/run/postgresql",
  checksConfPath: "/etc/encimap/checks",
  checksPath: "/var/spool/postfix/encimap-checks",
  spfRunPath: "/run/encimap-spf",
  dovecotRole: "dovecot",
  tlsCertPath: "/etc/encimap/tls/cert.pem",
  tlsKeyPath: "/etc/encimap/tls/key.pem",
  postfixQueuePath: "/var/spool/postfix",
  postfixUser: "postfix",
  submissionService: "submission",
  smtpdChroot: "y",
  dovecotSqlPath: "/etc/dovecot/encimap-sql.conf.ext",
  dovecotLastUsePath: "/etc/dovecot/encimap-last-use.conf.ext",
  imapsPort: 993,
  publicPort: 4302,
  httpPort: 80,
  httpsPort: 443,
} as const satisfies Partial<ApplianceSettings>;

/** Text that means nothing else to a shell, Postfix, Dovecot, SQL or systemd. */
const SAFE_REGEXP = /^[A-Za-z0-9@+:.\/_-]+$/;

/** What looks like a placeholder; all of it must be one. */
const PLACEHOLDER_REGEXP = /\{\{([A-Za-z]*)\}\}/g;

/**
 * Puts values in a template's places.
 *
 * @param template Text with `{{name}}` in it.
 * @param values Value of each name; another one than those used is fine.
 * @param used Takes the names that the template has.
 * @returns The text.
 * @throws {RangeError} If a name has no value.
 */
export function render(
  template: string,
  values: ReadonlyMap<string, string>,
  used: Set<string> = new Set(),
): string {
  return template.replaceAll(PLACEHOLDER_REGEXP, (_, name: string) => {
    const value = values.get(name);
    if (value === undefined) {
      throw new RangeError(`Cannot render as {{${name}}} has no value`);
    }
    used.add(name);
    return value;
  });
}

/**
 * Renders all files of the appliance.
 *
 * @param settings The machine's settings.
 * @returns Path → text; paths are relative, as `postfix/main.cf`.
 * @throws {RangeError} If a template names what is no setting, if a setting is
 * in no template, or if a value has characters that mean something to one of
 * the programs that read the files.
 */
export function renderAppliance(
  settings: ApplianceSettings,
): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const [name, value] of Object.entries(settings)) {
    if (!SAFE_REGEXP.test(String(value))) {
      throw new RangeError(`Cannot render as ${name} has unusual characters`);
    }
    values.set(name, String(value));
  }
  const used = new Set<string>();
  const files = new Map<string, string>();
  for (const [path, template] of Object.entries(TEMPLATES)) {
    files.set(path.replace(/\.tmpl$/, ""), render(template, values, used));
  }
  for (const name of values.keys()) {
    if (!used.has(name)) {
      throw new RangeError(`Cannot render as no template has {{${name}}}`);
    }
  }
  return files;
}
