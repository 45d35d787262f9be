/**
 * The settings as the program uses them, checked.
 *
 * @module
 */

import type { KeyKind } from "./x509/key_pair.ts";
import { type DashboardConfig, dashboardConfig } from "./dashboard_settings.ts";
import type {
  ContentCipher,
  EncryptionPolicy,
  HeaderProtection,
  KeyTransport,
} from "./encryption_policy.ts";
import { formOf, isValid } from "./setting_kind.ts";
import { type Setting, SETTINGS } from "./settings.ts";

/** The settings as the program uses them. */
export interface Config {
  /** ENCIMAP_HOSTNAME. */
  readonly hostname: string;
  /** ENCIMAP_DATABASE_URL. */
  readonly databaseUrl: string;
  /** MOTORICAL_DATABASE_URL and where its domains stand. */
  readonly platform: PlatformConfig | undefined;
  /** API_PORT. */
  readonly apiPort: number;
  /** ENCIMAP_PUBLIC_PORT; undefined: nothing is public. */
  readonly publicPort: number | undefined;
  /** ENCIMAP_METRICS_PORT; undefined: Prometheus is not answered. */
  readonly metricsPort: number | undefined;
  /** ENCIMAP_MTA_STS. */
  readonly mtaSts: "off" | "testing" | "enforce";
  /** INTAKE_PORT. */
  readonly intakePort: number;
  /** INTAKE_TOKEN. */
  readonly intakeToken: string | undefined;
  /** JWT_SECRET. */
  readonly jwtSecret: string | undefined;
  /** ENCIMAP_TOKEN_ALGORITHM. */
  readonly tokenAlgorithm: "HS256" | "RS256" | "ES256" | "EdDSA";
  /** ENCIMAP_TOKEN_KEYS; set for every algorithm but HS256. */
  readonly tokenKeys: string | undefined;
  /** ENCIMAP_TOKEN_ISSUER. */
  readonly tokenIssuer: string | undefined;
  /** ENCIMAP_TOKEN_AUDIENCE. */
  readonly tokenAudience: string;
  /** ENCIMAP_TOKEN_MAX_SECONDS. */
  readonly tokenMaxSeconds: number;
  /** ENCIMAP_RATE_LIMIT, per minute; 0 is off. */
  readonly rateLimit: number;
  /** POSTFIX_TRANSPORT_MAP, without the suffix of the database file. */
  readonly transportMap: string;
  /** MAILDIR_BASE_PATH. */
  readonly maildirBasePath: string;
  /** CERT_VALIDITY_DAYS. */
  readonly certValidityDays: number;
  /** CERT_KEY_TYPE, and for RSA CERT_KEY_SIZE. */
  readonly certKeyKind: KeyKind;
  /** CERT_RENEW_DAYS. */
  readonly certRenewDays: number;
  /** ENCIMAP_CERT_ISSUER. */
  readonly certIssuer: "self" | "appliance";
  /** ENCIMAP_ADDRESS_MISMATCH. */
  readonly addressMismatch: "refuse" | "warn";
  /** ENCIMAP_KEY_POOL. */
  readonly keyPoolSize: number;
  /** ENCIMAP_KEYS_PATH. */
  readonly keysPath: string;
  /** ENCIMAP_MASTER_KEY_FILE. */
  readonly masterKeyFile: string;
  /** ENCIMAP_HMAC_KEY_FILE. */
  readonly hmacKeyFile: string;
  /** ENCIMAP_PROFILE_CERT_FILE and ENCIMAP_PROFILE_KEY_FILE. */
  readonly profileSigner:
    | { readonly certFile: string; readonly keyFile: string }
    | undefined;
  /** ENCIMAP_INTAKE_SOCKET. */
  readonly intakeSocket: string;
  /** ENCIMAP_LMTP_SOCKET. */
  readonly lmtpSocket: string;
  /** ENCIMAP_AUDIT_DAYS; 0 is for ever. */
  readonly auditDays: number;
  /** ENCIMAP_FORMER_ADDRESS_DAYS. */
  readonly formerAddressDays: number;
  /** ENCIMAP_SUBMISSION_SOCKET. */
  readonly submissionSocket: string;
  /** ENCIMAP_RECIPIENTS_PER_HOUR; 0 is off. */
  readonly recipientsPerHour: number;
  /** ENCIMAP_RECIPIENTS_PER_DAY; 0 is off. */
  readonly recipientsPerDay: number;
  /** ENCIMAP_QUEUE_SOCKET. */
  readonly queueSocket: string;
  /** ENCIMAP_TRANSPORT. */
  readonly transport: "pipe" | "lmtp";
  /** ENCIMAP_DOVEADM_SOCKET. */
  readonly doveadmSocket: string;
  /** ENCIMAP_SMTP_PORT. */
  readonly smtpPort: number;
  /** ENCIMAP_SUBMISSION_PORT. */
  readonly submissionPort: number;
  /** ENCIMAP_IMAP_PORT. */
  readonly imapPort: number;
  /** ENCIMAP_MAX_MESSAGE_BYTES. */
  readonly maxMessageBytes: number;
  /** ENCIMAP_MIN_FREE_BYTES. */
  readonly minFreeBytes: number;
  /** ENCIMAP_SUSPENDED_MAIL. */
  readonly suspendedMail: "defer" | "reject";
  /** Whether what clients store is sealed as it comes: ENCIMAP_SEAL. */
  readonly sealsArrived: boolean;
  /** ENCIMAP_OVER_QUOTA_MAIL. */
  readonly overQuotaMail: "defer" | "reject";
  /**
   * ENCIMAP_CONTENT_CIPHER, ENCIMAP_KEY_TRANSPORT and
   * ENCIMAP_HEADER_PROTECTION.
   */
  readonly encryption: EncryptionPolicy;
  /** ENCIMAP_MAIL_CHECKS. */
  readonly mailChecks: "off" | "mark" | "refuse";
  /**
   * Whose Authentication-Results are believed: ENCIMAP_AUTHSERV_ID, or the host's
   * name where ENCIMAP_MAIL_CHECKS is not "off"; undefined for nobody's.
   */
  readonly authservId: string | undefined;
  /** ENCIMAP_DASHBOARD_PORT and the others that begin so. */
  readonly dashboard: DashboardConfig;
  /** ENCIMAP_LOG_LEVEL. */
  readonly logLevel: "error" | "warn" | "info" | "debug";
}

/** Where the platform says whose a domain is. */
export interface PlatformConfig {
  /** MOTORICAL_DATABASE_URL. */
  readonly databaseUrl: string;
  /** MOTORICAL_DOMAINS_TABLE. */
  readonly domainsTable: string;
  /** MOTORICAL_DOMAIN_COLUMN. */
  readonly domainColumn: string;
  /** MOTORICAL_USER_COLUMN. */
  readonly userColumn: string;
}

/** The configuration cannot be used; says everything that is wrong with it. */
export class ConfigError extends Error {
  /** One sentence for each problem; no value of a secret. */
  readonly problems: readonly string[];

  /**
   * Makes the error.
   *
   * @param problems One sentence for each problem.
   */
  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.name = "ConfigError";
    this.problems = problems;
  }
}

/** Environment variables, from wherever. */
export type Env = Readonly<Record<string, string>>;

/** Names with these beginnings are ours: one that we do not know is a mistake. */
const OUR_NAMES_REGEXP = /^(ENCIMAP|MOTORICAL|INTAKE)_/;

/** Ours too, but read before there is a configuration: it names the file. */
const CONFIG_FILE = "ENCIMAP_CONFIG_FILE";

/**
 * Checks the settings.
 *
 * @param env Environment variables.
 * @param readText Reads the file that a `NAME_FILE` variable names.
 * @returns The settings, frozen.
 * @throws {ConfigError} With every problem, also names of ours that are no
 * settings.
 */
export function parseConfig(
  env: Env,
  readText: (path: string) => string,
): Config {
  const problems: string[] = [];
  const values = new Map<string, string>();
  const known = new Set([CONFIG_FILE]);
  for (const setting of SETTINGS) {
    known.add(setting.name);
    if (setting.secret) known.add(`${setting.name}_FILE`);
    const value = valueOf(setting, env, readText, problems);
    if (value !== undefined) values.set(setting.name, value);
  }
  for (const name of Object.keys(env)) {
    if (OUR_NAMES_REGEXP.test(name) && !known.has(name)) {
      problems.push(`${name} is not a setting`);
    }
  }
  problems.push(...contradictions(values));
  if (problems.length > 0) throw new ConfigError(problems);

  const text = (name: string): string => values.get(name)!;
  const number = (name: string): number => Number(values.get(name));
  const platformUrl = values.get("MOTORICAL_DATABASE_URL");
  return Object.freeze({
    hostname: text("ENCIMAP_HOSTNAME"),
    databaseUrl: text("ENCIMAP_DATABASE_URL"),
    platform: platformUrl === undefined ? undefined : {
      databaseUrl: platformUrl,
      domainsTable: text("MOTORICAL_DOMAINS_TABLE"),
      domainColumn: text("MOTORICAL_DOMAIN_COLUMN"),
      userColumn: text("MOTORICAL_USER_COLUMN"),
    },
    apiPort: number("API_PORT"),
    publicPort: values.has("ENCIMAP_PUBLIC_PORT")
      ? number("ENCIMAP_PUBLIC_PORT")
      : undefined,
    metricsPort: values.has("ENCIMAP_METRICS_PORT")
      ? number("ENCIMAP_METRICS_PORT")
      : undefined,
    mtaSts: text("ENCIMAP_MTA_STS") as Config["mtaSts"],
    intakePort: number("INTAKE_PORT"),
    intakeToken: values.get("INTAKE_TOKEN"),
    jwtSecret: values.get("JWT_SECRET"),
    tokenAlgorithm: text(
      "ENCIMAP_TOKEN_ALGORITHM",
    ) as Config["tokenAlgorithm"],
    tokenKeys: values.get("ENCIMAP_TOKEN_KEYS"),
    tokenIssuer: values.get("ENCIMAP_TOKEN_ISSUER"),
    tokenAudience: text("ENCIMAP_TOKEN_AUDIENCE"),
    tokenMaxSeconds: number("ENCIMAP_TOKEN_MAX_SECONDS"),
    rateLimit: number("ENCIMAP_RATE_LIMIT"),
    transportMap: text("POSTFIX_TRANSPORT_MAP"),
    maildirBasePath: text("MAILDIR_BASE_PATH"),
    certValidityDays: number("CERT_VALIDITY_DAYS"),
    certKeyKind: text("CERT_KEY_TYPE") === "p-256"
      ? "p-256"
      : `rsa-${text("CERT_KEY_SIZE")}` as KeyKind,
    certRenewDays: number("CERT_RENEW_DAYS"),
    certIssuer: text("ENCIMAP_CERT_ISSUER") as Config["certIssuer"],
    addressMismatch: text(
      "ENCIMAP_ADDRESS_MISMATCH",
    ) as Config["addressMismatch"],
    keyPoolSize: number("ENCIMAP_KEY_POOL"),
    keysPath: text("ENCIMAP_KEYS_PATH"),
    masterKeyFile: text("ENCIMAP_MASTER_KEY_FILE"),
    hmacKeyFile: text("ENCIMAP_HMAC_KEY_FILE"),
    profileSigner: values.has("ENCIMAP_PROFILE_CERT_FILE")
      ? {
        certFile: text("ENCIMAP_PROFILE_CERT_FILE"),
        keyFile: text("ENCIMAP_PROFILE_KEY_FILE"),
      }
      : undefined,
    intakeSocket: text("ENCIMAP_INTAKE_SOCKET"),
    lmtpSocket: text("ENCIMAP_LMTP_SOCKET"),
    auditDays: number("ENCIMAP_AUDIT_DAYS"),
    formerAddressDays: number("ENCIMAP_FORMER_ADDRESS_DAYS"),
    submissionSocket: text("ENCIMAP_SUBMISSION_SOCKET"),
    recipientsPerHour: number("ENCIMAP_RECIPIENTS_PER_HOUR"),
    recipientsPerDay: number("ENCIMAP_RECIPIENTS_PER_DAY"),
    queueSocket: text("ENCIMAP_QUEUE_SOCKET"),
    transport: text("ENCIMAP_TRANSPORT") as Config["transport"],
    doveadmSocket: text("ENCIMAP_DOVEADM_SOCKET"),
    smtpPort: number("ENCIMAP_SMTP_PORT"),
    submissionPort: number("ENCIMAP_SUBMISSION_PORT"),
    imapPort: number("ENCIMAP_IMAP_PORT"),
    maxMessageBytes: number("ENCIMAP_MAX_MESSAGE_BYTES"),
    minFreeBytes: number("ENCIMAP_MIN_FREE_BYTES"),
    suspendedMail: text("ENCIMAP_SUSPENDED_MAIL") as Config["suspendedMail"],
    sealsArrived: text("ENCIMAP_SEAL") === "on",
    overQuotaMail: text("ENCIMAP_OVER_QUOTA_MAIL") as Config["overQuotaMail"],
    encryption: Object.freeze({
      contentCipher: text("ENCIMAP_CONTENT_CIPHER") as ContentCipher,
      keyTransport: text("ENCIMAP_KEY_TRANSPORT") as KeyTransport,
      headerProtection: text("ENCIMAP_HEADER_PROTECTION") as HeaderProtection,
    }),
    mailChecks: text("ENCIMAP_MAIL_CHECKS") as Config["mailChecks"],
    authservId: text("ENCIMAP_MAIL_CHECKS") === "off"
      ? values.get("ENCIMAP_AUTHSERV_ID")
      : text("ENCIMAP_HOSTNAME"),
    dashboard: dashboardConfig(values),
    logLevel: text("ENCIMAP_LOG_LEVEL") as Config["logLevel"],
  });
}

/**
 * Reads an environment file: lines of `NAME=value`, as systemd's
 * EnvironmentFile= has them, without quotes or continued lines.
 *
 * @param text Content of the file.
 * @returns The variables.
 * @throws {ConfigError} With every line that is neither a comment nor a
 * variable.
 */
export function parseEnvFile(text: string): Env {
  const env: Record<string, string> = {};
  const problems: string[] = [];
  for (const [index, line] of text.split("\n").entries()) {
    if (/^\s*(#|$)/.test(line)) continue;
    const match = /^([A-Z][A-Z0-9_]*)=(.*?)\s*$/.exec(line);
    if (match === null) {
      problems.push(`Line ${index + 1} of the settings is not NAME=value`);
    } else {
      env[match[1]!] = match[2]!;
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return env;
}

/**
 * Shows the settings in force.
 *
 * @param env Environment variables that passed {@linkcode parseConfig}.
 * @returns Lines of `NAME=value`; a secret that is set is `********`.
 */
export function showConfig(env: Env): string[] {
  return SETTINGS.flatMap((setting) => {
    const file = env[`${setting.name}_FILE`];
    if (setting.secret && file !== undefined) {
      return [`${setting.name}_FILE=${file}`];
    }
    const value = env[setting.name] || setting.fallback;
    if (value === undefined) return [`# ${setting.name} is not set`];
    const hidden = setting.secret && env[setting.name];
    return [`${setting.name}=${hidden ? "********" : value}`];
  });
}

/** Settings that are valid alone and not together. */
function contradictions(values: ReadonlyMap<string, string>): string[] {
  if (
    values.has("ENCIMAP_PROFILE_CERT_FILE") !==
      values.has("ENCIMAP_PROFILE_KEY_FILE")
  ) {
    return [
      "ENCIMAP_PROFILE_CERT_FILE and ENCIMAP_PROFILE_KEY_FILE go together",
    ];
  }
  const algorithm = values.get("ENCIMAP_TOKEN_ALGORITHM");
  const hasKeys = values.has("ENCIMAP_TOKEN_KEYS");
  if (algorithm === "HS256" && hasKeys) {
    return [
      "ENCIMAP_TOKEN_KEYS must not be set with HS256, which has no public key",
    ];
  }
  if (algorithm !== undefined && algorithm !== "HS256" && !hasKeys) {
    return [`ENCIMAP_TOKEN_KEYS must be set for ${algorithm}`];
  }
  const hasFilter = values.has("ENCIMAP_AUTHSERV_ID");
  if (hasFilter && values.get("ENCIMAP_MAIL_CHECKS") !== "off") {
    return [
      "ENCIMAP_AUTHSERV_ID names a filter of your own, so ENCIMAP_MAIL_CHECKS must be off",
    ];
  }
  return [];
}

function valueOf(
  setting: Setting,
  env: Env,
  readText: (path: string) => string,
  problems: string[],
): string | undefined {
  const { name, kind } = setting;
  let value: string | undefined = env[name] || undefined;
  const file = setting.secret ? env[`${name}_FILE`] : undefined;
  if (file) {
    if (value !== undefined) {
      problems.push(`${name} and ${name}_FILE are both set`);
    }
    try {
      value = readText(file).replace(/\r?\n$/, "");
    } catch {
      problems.push(`${name}_FILE cannot be read: current value is "${file}"`);
      return undefined;
    }
  }
  value ??= setting.fallback;
  if (value === undefined || isValid(kind, value)) return value;
  const current = setting.secret ? "" : `: current value is "${value}"`;
  problems.push(`${name} must be ${formOf(kind)}${current}`);
  return undefined;
}
