/**
 * The table of settings, which makes the parser and the documentation.
 *
 * @module
 */

import {
  CONTENT_CIPHERS,
  HEADER_PROTECTIONS,
  KEY_TRANSPORTS,
} from "./encryption_policy.ts";
import type { Kind } from "./setting_kind.ts";
import { DASHBOARD_SETTINGS } from "./dashboard_settings.ts";
import { MAIL_CHECK_SETTINGS } from "./mail_check_settings.ts";
import { UPKEEP_SETTINGS } from "./upkeep_settings.ts";

/** One row of the table. */
export interface Setting {
  /** Name of the environment variable. */
  readonly name: string;
  /** Value when the variable is not set; without one it stays unset. */
  readonly fallback?: string;
  /** Check. */
  readonly kind: Kind;
  /** A secret is never printed and may come from the file named by `NAME_FILE`. */
  readonly secret?: boolean;
  /** One sentence with the unit. */
  readonly summary: string;
}

const PATH: Kind = {
  type: "text",
  regexp: /^\/[\x21-\x7e]*$/,
  form: "an absolute path",
};
const DATABASE_URL: Kind = {
  type: "text",
  regexp: /^postgres(ql)?:\/\/\S+$/,
  form: "a postgresql:// URL",
};
const IDENTIFIER: Kind = {
  type: "text",
  regexp: /^[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?$/,
  form: "a lower-case SQL name",
};
const PORT: Kind = { type: "int", min: 1, max: 65535 };

/** All settings, in the order of the documentation. */
export const SETTINGS: readonly Setting[] = [
  {
    name: "ENCIMAP_HOSTNAME",
    fallback: "localhost",
    kind: {
      type: "text",
      regexp:
        /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/,
      form: "a host name in lower case",
    },
    summary:
      "Name of the mail server: in the MX record, in certificates and in credentials.",
  },
  {
    name: "ENCIMAP_DATABASE_URL",
    fallback: "postgresql:///motorical_encrypted_imap",
    kind: DATABASE_URL,
    secret: true,
    summary:
      "The appliance's database. Without a host it is reached over the Unix socket in /run/postgresql, with a host of `%2Fdir` over the one in /dir; without a user as the user that runs the program.",
  },
  {
    name: "MOTORICAL_DATABASE_URL",
    kind: DATABASE_URL,
    secret: true,
    summary:
      "The platform's database; where set, a vaultbox is created only in a domain that the platform says belongs to the user.",
  },
  {
    name: "MOTORICAL_DOMAINS_TABLE",
    fallback: "domains",
    kind: IDENTIFIER,
    summary: "Table of the platform's database that lists domains.",
  },
  {
    name: "MOTORICAL_DOMAIN_COLUMN",
    fallback: "domain",
    kind: IDENTIFIER,
    summary: "Column of that table with the domain, in lower case.",
  },
  {
    name: "MOTORICAL_USER_COLUMN",
    fallback: "user_id",
    kind: IDENTIFIER,
    summary: "Column of that table with the UUID of the domain's user.",
  },
  {
    name: "API_PORT",
    fallback: "4301",
    kind: PORT,
    summary: "Port of the API on 127.0.0.1.",
  },
  {
    name: "ENCIMAP_PUBLIC_PORT",
    kind: PORT,
    summary:
      "Port on 127.0.0.1 of what anybody may ask: set-up of mail clients and published certificates. A web server stands in front of it; closed where it is not set.",
  },
  {
    name: "ENCIMAP_MTA_STS",
    fallback: "off",
    kind: { type: "choice", of: ["off", "testing", "enforce"] },
    summary:
      "RFC 8461: whether other servers are told to send by TLS alone, and its mode. Needs ENCIMAP_PUBLIC_PORT, and a certificate that is trusted for ENCIMAP_HOSTNAME and for mta-sts.<domain> of each domain.",
  },
  {
    name: "INTAKE_PORT",
    fallback: "4321",
    kind: PORT,
    summary:
      "Port of the intake on 127.0.0.1, for a bearer of INTAKE_TOKEN; closed where that is not set.",
  },
  {
    name: "INTAKE_TOKEN",
    kind: { type: "text", regexp: /^\S{32,}$/, form: "at least 32 characters" },
    secret: true,
    summary: "Bearer token for the intake's port.",
  },
  {
    name: "JWT_SECRET",
    kind: { type: "text", regexp: /^\S{32,}$/, form: "at least 32 characters" },
    secret: true,
    summary: "Key of the HS256 signature of tokens for the API.",
  },
  {
    name: "ENCIMAP_TOKEN_ALGORITHM",
    fallback: "HS256",
    kind: { type: "choice", of: ["HS256", "RS256", "ES256", "EdDSA"] },
    summary:
      "The one algorithm of tokens: HS256 is checked with JWT_SECRET, the others with ENCIMAP_TOKEN_KEYS.",
  },
  {
    name: "ENCIMAP_TOKEN_KEYS",
    kind: {
      type: "text",
      regexp:
        /^(\/[\x21-\x7e]*|https:\/\/[^\s@/?#]+([/?]\S*)?|http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(:\d{1,5})?([/?]\S*)?)$/,
      form:
        "an absolute path, an https:// URL, or an http:// URL of this machine",
    },
    summary:
      "Public keys of tokens: a PEM file of one key, or a JWK Set in a file or behind a URL. Needed for RS256, ES256 and EdDSA, and for them alone.",
  },
  {
    name: "ENCIMAP_TOKEN_ISSUER",
    kind: { type: "text", regexp: /^\S+$/, form: "one word" },
    summary: "The `iss` that a token must have; any or none where not set.",
  },
  {
    name: "ENCIMAP_TOKEN_AUDIENCE",
    fallback: "encimap.svc",
    kind: { type: "text", regexp: /^\S+$/, form: "one word" },
    summary: "The `aud` that a token must have.",
  },
  {
    name: "ENCIMAP_TOKEN_MAX_SECONDS",
    fallback: "86400",
    kind: { type: "int", min: 1, max: 31536000 },
    summary:
      "Longest life of a token, in seconds; one that lives longer is refused.",
  },
  {
    name: "ENCIMAP_RATE_LIMIT",
    fallback: "1200",
    kind: { type: "int", min: 0, max: 1000000 },
    summary:
      "Requests per minute that the API answers to one caller; 0 for any number.",
  },
  {
    name: "POSTFIX_TRANSPORT_MAP",
    fallback: "/etc/postfix/encimap/transport",
    kind: PATH,
    summary:
      "Postfix's lmdb map of addresses and routes; the maps `domains`, `senders` and `refusals` lie beside it.",
  },
  {
    name: "MAILDIR_BASE_PATH",
    fallback: "/var/mail/vaultboxes",
    kind: PATH,
    summary: "Folder with one folder for each vaultbox.",
  },
  {
    name: "CERT_VALIDITY_DAYS",
    fallback: "365",
    kind: { type: "int", min: 1, max: 36500 },
    summary: "Validity of a new certificate, in days.",
  },
  {
    name: "CERT_RENEW_DAYS",
    fallback: "30",
    kind: { type: "int", min: 1, max: 3650 },
    summary:
      "Days before its end at which a certificate is renewed, but not before the last third of its validity: that third alone counts where the validity is short.",
  },
  {
    name: "CERT_KEY_SIZE",
    fallback: "2048",
    kind: { type: "choice", of: ["2048", "3072", "4096"] },
    summary: "Length of a new RSA key, in bits.",
  },
  {
    name: "CERT_KEY_TYPE",
    fallback: "rsa",
    kind: { type: "choice", of: ["rsa", "p-256"] },
    summary:
      "Kind of a new key: `rsa`, which every mail program reads, or the curve `p-256`, which some do not.",
  },
  {
    name: "ENCIMAP_CERT_ISSUER",
    fallback: "self",
    kind: { type: "choice", of: ["self", "appliance"] },
    summary:
      "Who signs a new certificate: its own key (`self`), or the appliance's issuer, which is made at the start.",
  },
  {
    name: "ENCIMAP_ADDRESS_MISMATCH",
    fallback: "refuse",
    kind: { type: "choice", of: ["refuse", "warn"] },
    summary:
      "What becomes of an uploaded certificate with other addresses than the vaultbox's: it is refused, or taken with a warning.",
  },
  {
    name: "ENCIMAP_KEY_POOL",
    fallback: "50",
    kind: { type: "int", min: 0, max: 10_000 },
    summary:
      "Private keys that are made ahead; 0 makes each when it is needed.",
  },
  {
    name: "ENCIMAP_KEYS_PATH",
    fallback: "/var/lib/encimap/keys",
    kind: PATH,
    summary: "Folder of the encrypted private keys.",
  },
  {
    name: "ENCIMAP_MASTER_KEY_FILE",
    fallback: "/etc/encimap/master.key",
    kind: PATH,
    summary:
      "File with the key that encrypts the private keys: 64 hexadecimal digits.",
  },
  {
    name: "ENCIMAP_HMAC_KEY_FILE",
    fallback: "/etc/encimap/hmac.key",
    kind: PATH,
    summary:
      "File with the key of the fingerprints of deliveries and of stored messages: 64 hexadecimal digits.",
  },
  {
    name: "ENCIMAP_PROFILE_CERT_FILE",
    kind: PATH,
    summary:
      "Certificate chain, PEM, of who signs Apple profiles. Not set, or self-signed: they are not signed.",
  },
  {
    name: "ENCIMAP_PROFILE_KEY_FILE",
    kind: PATH,
    summary: "Its private key, PEM without a password.",
  },
  {
    name: "ENCIMAP_INTAKE_SOCKET",
    fallback: "/run/encimap/intake.sock",
    kind: PATH,
    summary: "Unix socket of the intake.",
  },
  {
    name: "ENCIMAP_LMTP_SOCKET",
    fallback: "/run/encimap/lmtp.sock",
    kind: PATH,
    summary: "Unix socket where the intake takes mail by LMTP.",
  },
  {
    name: "ENCIMAP_SUBMISSION_SOCKET",
    fallback: "/var/spool/postfix/encimap/submission.sock",
    kind: PATH,
    summary:
      "Unix socket where Postfix has mail of port 587 judged and signed; below its queue directory, where it is chrooted.",
  },
  {
    name: "ENCIMAP_RECIPIENTS_PER_HOUR",
    fallback: "200",
    kind: { type: "int", min: 0, max: 1_000_000 },
    summary:
      "Recipients to whom a vaultbox may send in an hour of the clock; more are answered with 450 4.7.1 until it ends. 0 for any number.",
  },
  {
    name: "ENCIMAP_RECIPIENTS_PER_DAY",
    fallback: "1000",
    kind: { type: "int", min: 0, max: 1_000_000 },
    summary:
      "Recipients to whom a vaultbox may send in 24 hours; who goes beyond sends nothing more before `encimap sending resume`. 0 for any number.",
  },
  {
    name: "ENCIMAP_TRANSPORT",
    fallback: "lmtp",
    kind: { type: "choice", of: ["lmtp", "pipe"] },
    summary:
      "How Postfix hands mail to the intake: over ENCIMAP_LMTP_SOCKET (`lmtp`), or by one program for each recipient (`pipe`), which is slower. After a change run install.sh again.",
  },
  {
    name: "ENCIMAP_DOVEADM_SOCKET",
    fallback: "/run/dovecot/encimap-doveadm",
    kind: PATH,
    summary:
      "Unix socket of Dovecot's doveadm service, for ending IMAP sessions.",
  },
  {
    name: "ENCIMAP_SMTP_PORT",
    fallback: "25",
    kind: PORT,
    summary:
      "Port on 127.0.0.1 where Postfix takes mail, for the health check.",
  },
  {
    name: "ENCIMAP_MAX_MESSAGE_BYTES",
    fallback: "52428800",
    kind: { type: "int", min: 65536, max: 1073741824 },
    summary: "Largest message that is taken, in octets.",
  },
  {
    name: "ENCIMAP_MIN_FREE_BYTES",
    fallback: "536870912",
    kind: { type: "int", min: 0, max: 100_000_000_000_000 },
    summary:
      "Free space of the mail store's disk, in octets, below which mail is answered with 4.3.1 and waits in Postfix's queue.",
  },
  {
    name: "ENCIMAP_SUSPENDED_MAIL",
    fallback: "defer",
    kind: { type: "choice", of: ["defer", "reject"] },
    summary:
      "What Postfix answers to mail for a suspended vaultbox: `defer` is 450 4.2.1, try again, `reject` is 550 5.7.1, for good.",
  },
  {
    name: "ENCIMAP_OVER_QUOTA_MAIL",
    fallback: "defer",
    kind: { type: "choice", of: ["defer", "reject"] },
    summary:
      "What Postfix answers to mail for a full vaultbox: `defer` is 452 4.2.2, try again, `reject` is 552 5.2.2, for good.",
  },
  {
    name: "ENCIMAP_SEAL",
    fallback: "off",
    kind: { type: "choice", of: ["off", "on"] },
    summary:
      "Whether what mail clients store, such as Sent, is encrypted some seconds after it came. Drafts never are.",
  },
  {
    name: "ENCIMAP_CONTENT_CIPHER",
    fallback: "aes-256-cbc",
    kind: { type: "choice", of: CONTENT_CIPHERS },
    summary:
      "Cipher of stored mail where a vaultbox has chosen none. Many mail clients cannot read `aes-256-gcm`.",
  },
  {
    name: "ENCIMAP_KEY_TRANSPORT",
    fallback: "rsaes-pkcs1-v1_5",
    kind: { type: "choice", of: KEY_TRANSPORTS },
    summary:
      "How the key of a message is encrypted to RSA keys where a vaultbox has chosen nothing. Many mail clients cannot read `rsaes-oaep`.",
  },
  {
    name: "ENCIMAP_HEADER_PROTECTION",
    fallback: "protect",
    kind: { type: "choice", of: HEADER_PROTECTIONS },
    summary:
      "RFC 9788, where a vaultbox has chosen nothing: `protect` puts copies of header fields inside the encrypted part, `hide` shows no subject outside besides, which most mail clients then do not show in lists.",
  },
  ...MAIL_CHECK_SETTINGS,
  ...UPKEEP_SETTINGS,
  ...DASHBOARD_SETTINGS,
  {
    name: "ENCIMAP_LOG_LEVEL",
    fallback: "info",
    kind: { type: "choice", of: ["error", "warn", "info", "debug"] },
    summary: "Least important lines that are logged.",
  },
];
