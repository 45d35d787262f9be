/**
 * A client of the Encimap S2S API. Made by `deno task client` from the routes;
 * README.md beside it shows how to use it.
 *
 * @module
 */

/** `Alias` of docs/openapi.yaml. */
export interface Alias {
  address: string;
  "created_at": string;
}

/** `AppCredential` of docs/openapi.yaml. */
export interface AppCredential {
  id: string;
  "vaultbox_id": string;
  label: string;
  username: string;
  scope: "imap" | "smtp" | "both";
  "expires_at": string | null;
  "allowed_networks": string[] | null;
  servers: MailServers;
  "created_at": string;
  "last_used_at": string | null;
}

/** `AuditEntry` of docs/openapi.yaml. */
export interface AuditEntry {
  id: string;
  at: string;
  actor: string;
  "request_id": string | null;
  action: string;
  "user_id": string | null;
  "vaultbox_id": string | null;
  domain: string | null;
  details: Record<string, unknown>;
}

/** `BulkCreated` of docs/openapi.yaml. */
export interface BulkCreated {
  index: number;
  success: true;
  data: CreatedVaultbox;
}

/** `BulkDeleted` of docs/openapi.yaml. */
export interface BulkDeleted {
  index: number;
  success: true;
}

/** `BulkFailure` of docs/openapi.yaml. */
export interface BulkFailure {
  index: number;
  success: false;
  error: FailureReason;
}

/** `BulkRegenerated` of docs/openapi.yaml. */
export interface BulkRegenerated {
  index: number;
  success: true;
  data: NewCredential;
}

/** `CatchAll` of docs/openapi.yaml. */
export interface CatchAll {
  domain: string;
  "vaultbox_id": string;
  "created_at": string;
}

/** `Certificate` of docs/openapi.yaml. */
export interface Certificate {
  id: string;
  "vaultbox_id": string;
  "fingerprint_sha256": string;
  serial: string;
  subject: string;
  emails: string[];
  algorithm: "RSA" | "EC";
  bits: number;
  "not_before": string;
  "not_after": string;
  origin: "generated" | "uploaded" | "csr";
  "issuer_id": string | null;
  "key_state": "elsewhere" | "kept" | "destroying" | "destroyed";
  "key_destroyed_at": string | null;
  "is_recipient": boolean;
  "handed_out_at": string | null;
  "retired_at": string | null;
  "created_at": string;
}

/** `CertificateCounts` of docs/openapi.yaml. */
export interface CertificateCounts {
  expiring: number;
  expired: number;
  "renewal_failed": number;
  unconfirmed: number;
}

/** `CertificateUses` of docs/openapi.yaml. */
export interface CertificateUses {
  "certificate_id": string;
  "is_recipient": boolean;
  "other_recipients": number;
  messages: number;
  from: string;
  until: string | null;
  retiring: string;
  destroying: string | null;
}

/** `Challenge` of docs/openapi.yaml. */
export interface Challenge {
  type: "TXT";
  name: string;
  value: string;
}

/** `CheckedDnsRecord` of docs/openapi.yaml. */
export interface CheckedDnsRecord {
  name: string;
  type: string;
  value: string;
  state: "ok" | "missing" | "wrong" | "unknown";
  found: string[];
}

/** `CreatedVaultbox` of docs/openapi.yaml. */
export interface CreatedVaultbox {
  "vaultbox_id": string;
  domain: string;
  alias: string;
  name: string;
  warnings?: Array<"address_mismatch" | "no_address">;
}

/** `Credential` of docs/openapi.yaml. */
export interface Credential {
  id: string;
  username: string;
  host: string;
  port: number;
  "security_type": "STARTTLS" | "SSL/TLS";
  "created_at": string;
  "last_used_at": string | null;
}

/** `Custody` of docs/openapi.yaml. */
export interface Custody {
  "vaultbox_id": string;
  custody: "server" | "client" | "external";
  "keys_kept": number;
  "keys_destroyed": number;
  newest: NewestCertificate;
  "hand_out": HandOut | null;
}

/** `CustodyChange` of docs/openapi.yaml. */
export interface CustodyChange {
  "vaultbox_id": string;
  custody: "server" | "client" | "external";
  "keys_kept": number;
  "keys_destroyed": number;
  newest: NewestCertificate;
  "hand_out": HandOut | null;
  "dry_run": boolean;
  warnings: string[];
}

/** `Customer` of docs/openapi.yaml. */
export interface Customer {
  "user_id": string;
  "max_vaultboxes": number | null;
  "max_bytes": number | null;
  "max_messages": number | null;
  "vaultbox_count": number;
  "used_bytes": number | null;
  "used_messages": number | null;
}

/** `DestroyedKey` of docs/openapi.yaml. */
export interface DestroyedKey {
  "certificate_id": string;
  "fingerprint_sha256": string;
  "destroyed_at": string;
  "request_id": string | null;
}

/** `DestructionReceipt` of docs/openapi.yaml. */
export interface DestructionReceipt {
  "vaultbox_id": string;
  keys: DestroyedKey[];
  "not_covered": string;
}

/** `DnsRecord` of docs/openapi.yaml. */
export interface DnsRecord {
  name: string;
  type: string;
  value: string;
}

/** `DoctorCheck` of docs/openapi.yaml. */
export interface DoctorCheck {
  name: string;
  status: "ok" | "warning" | "failed" | "skipped";
  title: string;
  note: string | null;
  problem: string | null;
  fix: string | null;
}

/** `DoctorReport` of docs/openapi.yaml. */
export interface DoctorReport {
  at: string;
  version: string;
  status: "ok" | "warning" | "failed";
  checks: DoctorCheck[];
}

/** `Domain` of docs/openapi.yaml. */
export interface Domain {
  domain: string;
  "user_id": string;
  status: "pending" | "hosted";
  proof: "declared" | "dns" | "platform" | null;
  challenge: Challenge | null;
  "created_at": string;
}

/** `EncryptionInForce` of docs/openapi.yaml. */
export interface EncryptionInForce {
  "content_cipher": "aes-128-cbc" | "aes-256-cbc" | "aes-256-gcm";
  "key_transport": "rsaes-pkcs1-v1_5" | "rsaes-oaep";
  "header_protection": "off" | "protect" | "hide";
}

/** `EncryptionTrial` of docs/openapi.yaml. */
export interface EncryptionTrial {
  "content_cipher": "aes-128-cbc" | "aes-256-cbc" | "aes-256-gcm";
  "key_transport": "rsaes-pkcs1-v1_5" | "rsaes-oaep";
  "header_protection": "off" | "protect" | "hide";
  "expires_at": string;
}

/** `Failure` of docs/openapi.yaml. */
export interface Failure {
  success: false;
  error: FailureReason;
}

/** `FailureReason` of docs/openapi.yaml. */
export interface FailureReason {
  code: "invalid_request" | "unauthorized" | "forbidden" | "not_found" | "method_not_allowed" | "request_timeout" | "conflict" | "quota_exceeded" | "vaultbox_suspended" | "vaultbox_full" | "unknown_vaultbox" | "message_too_large" | "mail_loop" | "storage_full" | "unsupported_media_type" | "idempotency_mismatch" | "too_many_requests" | "headers_too_large" | "unavailable" | "internal";
  message: string;
  details?: Record<string, unknown>;
}

/** `GeneratedCertificate` of docs/openapi.yaml. */
export interface GeneratedCertificate {
  email: string;
  certificate: string;
  "fingerprint_sha256": string;
  "not_before": string;
  "not_after": string;
  "private_key"?: string;
  "vaultbox_id"?: string;
}

/** `GeneratedPassword` of docs/openapi.yaml. */
export interface GeneratedPassword {
  password: string;
}

/** `HandOut` of docs/openapi.yaml. */
export interface HandOut {
  since: string;
  files: number;
  "repeat_until": string;
}

/** `Health` of docs/openapi.yaml. */
export interface Health {
  status: "healthy" | "unhealthy";
  services: Services;
  certificates: CertificateCounts | null;
  sending: SendingCounts | null;
}

/** `IssuedCertificate` of docs/openapi.yaml. */
export interface IssuedCertificate {
  id: string;
  "vaultbox_id": string;
  "fingerprint_sha256": string;
  serial: string;
  subject: string;
  emails: string[];
  algorithm: "RSA" | "EC";
  bits: number;
  "not_before": string;
  "not_after": string;
  origin: "generated" | "uploaded" | "csr";
  "issuer_id": string | null;
  "key_state": "elsewhere" | "kept" | "destroying" | "destroyed";
  "key_destroyed_at": string | null;
  "is_recipient": boolean;
  "handed_out_at": string | null;
  "retired_at": string | null;
  "created_at": string;
  certificate: string;
}

/** `Live` of docs/openapi.yaml. */
export interface Live {
  status: "live";
}

/** `Machine` of docs/openapi.yaml. */
export interface Machine {
  version: string;
  services: Services;
  queues: Queue[] | null;
  store: StoreRoom | null;
  vaultboxes: VaultboxSums | null;
  doctor: DoctorReport | null;
}

/** `MailServer` of docs/openapi.yaml. */
export interface MailServer {
  host: string;
  port: number;
  "security_type": "STARTTLS" | "SSL/TLS";
}

/** `MailServers` of docs/openapi.yaml. */
export interface MailServers {
  imap: MailServer | null;
  submission: MailServer | null;
}

/** `Message` of docs/openapi.yaml. */
export interface Message {
  id: string;
  "vaultbox_id": string;
  "message_id": string | null;
  "from_domain": string | null;
  "to_alias": string;
  "size_bytes": number;
  "received_at": string;
  "encrypted_by": "appliance" | "sender";
}

/** `NewAppCredential` of docs/openapi.yaml. */
export interface NewAppCredential {
  id: string;
  "vaultbox_id": string;
  label: string;
  username: string;
  scope: "imap" | "smtp" | "both";
  "expires_at": string | null;
  "allowed_networks": string[] | null;
  servers: MailServers;
  "created_at": string;
  "last_used_at": string | null;
  password: string;
}

/** `NewCredential` of docs/openapi.yaml. */
export interface NewCredential {
  id: string;
  username: string;
  password: string;
  host: string;
  port: number;
  "security_type": "STARTTLS" | "SSL/TLS";
}

/** `NewSetupLink` of docs/openapi.yaml. */
export interface NewSetupLink {
  id: string;
  "vaultbox_id": string;
  "with_credential": boolean;
  "expires_at": string;
  "used_at": string | null;
  "created_at": string;
  url: string;
}

/** `NewestCertificate` of docs/openapi.yaml. */
export interface NewestCertificate {
  "not_after": string;
  "renewed_by": "appliance" | "owner";
}

/** `Queue` of docs/openapi.yaml. */
export interface Queue {
  name: "maildrop" | "incoming" | "active" | "deferred" | "hold";
  messages: number;
  bytes: number;
  "oldest_seconds": number;
}

/** `Ready` of docs/openapi.yaml. */
export interface Ready {
  status: "ready" | "unready";
}

/** `SendingCounts` of docs/openapi.yaml. */
export interface SendingCounts {
  stopped: number;
  limited: number;
}

/** `Services` of docs/openapi.yaml. */
export interface Services {
  database: "connected" | "disconnected";
  storage: "accessible" | "inaccessible";
  mta: "running" | "stopped";
  imap: "running" | "stopped";
}

/** `SetupLink` of docs/openapi.yaml. */
export interface SetupLink {
  id: string;
  "vaultbox_id": string;
  "with_credential": boolean;
  "expires_at": string;
  "used_at": string | null;
  "created_at": string;
}

/** `StoreRoom` of docs/openapi.yaml. */
export interface StoreRoom {
  "total_bytes": number;
  "free_bytes": number;
  "min_free_bytes": number;
}

/** `UploadedCertificate` of docs/openapi.yaml. */
export interface UploadedCertificate {
  id: string;
  "vaultbox_id": string;
  "fingerprint_sha256": string;
  serial: string;
  subject: string;
  emails: string[];
  algorithm: "RSA" | "EC";
  bits: number;
  "not_before": string;
  "not_after": string;
  origin: "generated" | "uploaded" | "csr";
  "issuer_id": string | null;
  "key_state": "elsewhere" | "kept" | "destroying" | "destroyed";
  "key_destroyed_at": string | null;
  "is_recipient": boolean;
  "handed_out_at": string | null;
  "retired_at": string | null;
  "created_at": string;
  warnings: Array<"address_mismatch" | "no_address">;
}

/** `Usage` of docs/openapi.yaml. */
export interface Usage {
  "vaultbox_id": string;
  alias: string;
  domain: string;
  "message_count": number;
  "total_bytes": number;
  "last_received": string | null;
}

/** `Vaultbox` of docs/openapi.yaml. */
export interface Vaultbox {
  id: string;
  "user_id": string;
  domain: string;
  alias: string;
  name: string;
  status: "active" | "suspended";
  custody: "server" | "client" | "external";
  "has_certs": boolean;
  "content_cipher": "aes-128-cbc" | "aes-256-cbc" | "aes-256-gcm" | null;
  "key_transport": "rsaes-pkcs1-v1_5" | "rsaes-oaep" | null;
  "header_protection": "off" | "protect" | "hide" | null;
  encryption: EncryptionInForce;
  "message_count": number;
  "max_bytes": number | null;
  "max_messages": number | null;
  "used_bytes": number;
  "used_messages": number;
  "last_received": string | null;
  "publish_certificate": boolean;
  "created_at": string;
}

/** `VaultboxSums` of docs/openapi.yaml. */
export interface VaultboxSums {
  active: number;
  suspended: number;
  full: number;
  messages: number;
  bytes: number;
  "last_received": string | null;
}

/** Body of createVaultbox. */
export interface CreateVaultboxBody {
  /** Needed from a service; a user may leave it out. */
  "user_id"?: string;
  domain: string;
  alias: string;
  /** For people; the address if left out. */
  name?: string;
  /** Who holds the private key; `server` if left out. */
  custody?: "server" | "client" | "external";
  /** For `external`, which needs it or `csr`. */
  certificate?: string;
  /** For `external`: PKCS#10, PEM, to be issued one for. */
  csr?: string;
  /** Kind of the new key; as CERT_KEY_TYPE and CERT_KEY_SIZE say if left out. */
  "key_type"?: "rsa-2048" | "rsa-3072" | "rsa-4096" | "p-256";
}

/** Query of listVaultboxes. */
export interface ListVaultboxesQuery {
  /** Rows of the page, at most; 1000 if left out. */
  limit?: number;
  /** Order; `created_at` if left out. */
  sort?: "created_at" | "-created_at" | "address" | "-address";
  /** `next_cursor` of the page before. */
  cursor?: string;
  domain?: string;
  alias?: string;
  status?: "active" | "suspended";
}

/** Body of updateVaultbox. */
export interface UpdateVaultboxBody {
  name?: string;
  status?: "active" | "suspended";
  /** Octets as stored, at most; null is no limit. */
  "max_bytes"?: number | null;
  /** Messages at most; null is no limit. */
  "max_messages"?: number | null;
  /** Whether anybody who knows the address gets the newest certificate. */
  "publish_certificate"?: boolean;
  "content_cipher"?: "aes-128-cbc" | "aes-256-cbc" | "aes-256-gcm" | null;
  "key_transport"?: "rsaes-pkcs1-v1_5" | "rsaes-oaep" | null;
  "header_protection"?: "off" | "protect" | "hide" | null;
  /** Switches on, without a trial mail, what not every mail client reads: `aes-256-gcm`, `rsaes-oaep` or `hide`. */
  explicit?: boolean;
}

/** Query of listUsage. */
export interface ListUsageQuery {
  /** Rows of the page, at most; 1000 if left out. */
  limit?: number;
  /** Order; `created_at` if left out. */
  sort?: "created_at" | "-created_at" | "address" | "-address";
  /** `next_cursor` of the page before. */
  cursor?: string;
  domain?: string;
  alias?: string;
  status?: "active" | "suspended";
}

/** Body of createAlias. */
export interface CreateAliasBody {
  address: string;
}

/** Query of listAliases. */
export interface ListAliasesQuery {
  /** Rows of the page, at most; 1000 if left out. */
  limit?: number;
  /** Order; `address` if left out. */
  sort?: "address" | "-address";
  /** `next_cursor` of the page before. */
  cursor?: string;
}

/** Body of setCatchAll. */
export interface SetCatchAllBody {
  /** A vaultbox of the domain's user. */
  "vaultbox_id": string;
}

/** Body of createSmtpCredential. */
export interface CreateSmtpCredentialBody {
  /** Given back to mail clients; changes no server. */
  host?: string;
  port?: number;
  "security_type"?: "STARTTLS" | "SSL/TLS";
}

/** Body of createAppCredential. */
export interface CreateAppCredentialBody {
  /** For people, such as the device. */
  label: string;
  /** `both` if left out. */
  scope?: "imap" | "smtp" | "both";
  /** In the future; it opens nothing from then on. null: never. */
  "expires_at"?: string | null;
  /** Where logins may come from. null: anywhere. */
  "allowed_networks"?: string[] | null;
}

/** Query of listAppCredentials. */
export interface ListAppCredentialsQuery {
  /** Rows of the page, at most; 1000 if left out. */
  limit?: number;
  /** Order; `created_at` if left out. */
  sort?: "created_at" | "-created_at";
  /** `next_cursor` of the page before. */
  cursor?: string;
}

/** Body of changeAppCredential. */
export interface ChangeAppCredentialBody {
  /** For people, such as the device. */
  label?: string;
  scope?: "imap" | "smtp" | "both";
  /** In the future; it opens nothing from then on. null: never. */
  "expires_at"?: string | null;
  /** Where logins may come from. null: anywhere. */
  "allowed_networks"?: string[] | null;
}

/** Body of generateCertificate. */
export interface GenerateCertificateBody {
  email: string;
  /** Validity; CERT_VALIDITY_DAYS if left out. */
  days?: number;
  /** Kind of the new key; as CERT_KEY_TYPE and CERT_KEY_SIZE say if left out. */
  "key_type"?: "rsa-2048" | "rsa-3072" | "rsa-4096" | "p-256";
}

/** Body of downloadPkcs12. */
export interface DownloadPkcs12Body {
  "vaultbox_id": string;
  /** Of the PKCS#12 files; ASCII is read by every program. */
  password: string;
  /** `compatible` for Android 13, iOS 17, macOS 14, GnuPG 2.2 and older. */
  format?: "modern" | "compatible";
}

/** Body of downloadBundle. */
export interface DownloadBundleBody {
  "vaultbox_id": string;
  /** Of the PKCS#12 files; ASCII is read by every program. */
  password: string;
}

/** Body of downloadProfile. */
export interface DownloadProfileBody {
  /** Of the PKCS#12 files; ASCII is read by every program. */
  password: string;
  /** Whether an Apple profile has a new app credential in it, in clear, so that the device asks for no mail password; false if left out. */
  "with_credential"?: boolean;
}

/** Body of createSetupLink. */
export interface CreateSetupLinkBody {
  /** How long it works; 900 if left out. */
  seconds?: number;
  /** Whether an Apple profile has a new app credential in it, in clear, so that the device asks for no mail password; false if left out. */
  "with_credential"?: boolean;
}

/** Query of listSetupLinks. */
export interface ListSetupLinksQuery {
  /** Rows of the page, at most; 1000 if left out. */
  limit?: number;
  /** Order; `-created_at` if left out. */
  sort?: "-created_at" | "created_at";
  /** `next_cursor` of the page before. */
  cursor?: string;
}

/** Query of listMessages. */
export interface ListMessagesQuery {
  /** Rows of the page, at most; 1000 if left out. */
  limit?: number;
  /** Order; `-received_at` if left out. */
  sort?: "-received_at" | "received_at";
  /** `next_cursor` of the page before. */
  cursor?: string;
  "vaultbox_id": string;
  /** Only those from then on. */
  "received_from"?: string;
  /** Only those before. */
  "received_before"?: string;
}

/** Body of registerDomain. */
export interface RegisterDomainBody {
  /** Needed from a service; a user may leave it out. */
  "user_id"?: string;
  domain: string;
  /** `dns`, if left out: the domain waits for its TXT record. `declared`: the service's word is enough. */
  proof?: "dns" | "declared";
}

/** Query of listDomains. */
export interface ListDomainsQuery {
  /** Rows of the page, at most; 1000 if left out. */
  limit?: number;
  /** Order; `domain` if left out. */
  sort?: "domain" | "-domain";
  /** `next_cursor` of the page before. */
  cursor?: string;
  status?: "pending" | "hosted";
}

/** Query of listSmimeaRecords. */
export interface ListSmimeaRecordsQuery {
  /** Rows of the page, at most; 1000 if left out. */
  limit?: number;
  /** Order; `alias` if left out. */
  sort?: "alias";
  /** `next_cursor` of the page before. */
  cursor?: string;
}

/** Body of bulkCreateVaultboxes. */
export interface BulkCreateVaultboxesBody {
  items: Array<{
    /** Needed from a service; a user may leave it out. */
    "user_id"?: string;
    domain: string;
    alias: string;
    /** For people; the address if left out. */
    name?: string;
    /** Who holds the private key; `server` if left out. */
    custody?: "server" | "client" | "external";
    /** For `external`, which needs it or `csr`. */
    certificate?: string;
    /** For `external`: PKCS#10, PEM, to be issued one for. */
    csr?: string;
    /** Kind of the new key; as CERT_KEY_TYPE and CERT_KEY_SIZE say if left out. */
    "key_type"?: "rsa-2048" | "rsa-3072" | "rsa-4096" | "p-256";
  }>;
}

/** Body of bulkDeleteVaultboxes. */
export interface BulkDeleteVaultboxesBody {
  items: Array<{
    "vaultbox_id": string;
  }>;
}

/** Body of bulkRegeneratePasswords. */
export interface BulkRegeneratePasswordsBody {
  items: Array<{
    "vaultbox_id": string;
    service: "imap" | "smtp";
  }>;
}

/** Query of listCertificates. */
export interface ListCertificatesQuery {
  /** Rows of the page, at most; 1000 if left out. */
  limit?: number;
  /** Order; `-created_at` if left out. */
  sort?: "-created_at" | "created_at";
  /** `next_cursor` of the page before. */
  cursor?: string;
}

/** Body of uploadCertificate. */
export interface UploadCertificateBody {
  /** One certificate, PEM. */
  certificate: string;
}

/** Query of downloadCertificate. */
export interface DownloadCertificateQuery {
  /** `pem` if left out. */
  format?: "pem" | "der";
}

/** Body of requestCertificate. */
export interface RequestCertificateBody {
  /** PKCS#10, PEM. */
  csr: string;
  /** Validity; CERT_VALIDITY_DAYS if left out. */
  days?: number;
}

/** Query of downloadIssuer. */
export interface DownloadIssuerQuery {
  /** Of a certificate; if left out, who signs now. */
  "issuer_id"?: string;
}

/** Body of setCustody. */
export interface SetCustodyBody {
  custody: "server" | "client" | "external";
  /** Says what it means and changes nothing. */
  "dry_run"?: boolean;
}

/** Body of confirmHandOut. */
export interface ConfirmHandOutBody {
  /** SHA-256 of the file, hexadecimal. */
  "sha256": string;
}

/** Body of destroyKey. */
export interface DestroyKeyBody {
  /** The certificate's, as a sign that this one is meant. */
  "fingerprint_sha256": string;
}

/** Body of beginEncryptionTrial. */
export interface BeginEncryptionTrialBody {
  /** Cipher of stored mail. */
  "content_cipher"?: "aes-128-cbc" | "aes-256-cbc" | "aes-256-gcm";
  /** How a message's key is encrypted to RSA keys; of no effect on EC keys. */
  "key_transport"?: "rsaes-pkcs1-v1_5" | "rsaes-oaep";
  /** RFC 9788: copies of header fields inside (`protect`), and no subject outside (`hide`). */
  "header_protection"?: "off" | "protect" | "hide";
}

/** Body of confirmEncryptionTrial. */
export interface ConfirmEncryptionTrialBody {
  /** The code in the mail; case and dashes do not matter. */
  code: string;
}

/** Query of listCustomers. */
export interface ListCustomersQuery {
  /** Rows of the page, at most; 1000 if left out. */
  limit?: number;
  /** Order; `user_id` if left out. */
  sort?: "user_id" | "-user_id";
  /** `next_cursor` of the page before. */
  cursor?: string;
}

/** Body of updateCustomer. */
export interface UpdateCustomerBody {
  /** Vaultboxes at most; null is no limit. */
  "max_vaultboxes"?: number | null;
  /** Octets as stored, at most; null is no limit. */
  "max_bytes"?: number | null;
  /** Messages at most; null is no limit. */
  "max_messages"?: number | null;
}

/** Query of listAudit. */
export interface ListAuditQuery {
  /** Rows of the page, at most; 1000 if left out. */
  limit?: number;
  /** Order; `-id` if left out. */
  sort?: "-id" | "id";
  /** `next_cursor` of the page before. */
  cursor?: string;
  "vaultbox_id"?: string;
  action?: string;
}

/** Reasons of failures, for programs. */
export type ErrorCode = FailureReason["code"];

/** Where the API listens if nothing else is said. */
export const DEFAULT_URL = "http://127.0.0.1:4301/s2s/v1";

/** How a client is made. */
export interface EncimapOptions {
  /** URL of the API with its prefix; {@linkcode DEFAULT_URL} if left out. */
  readonly baseUrl?: string;
  /** The bearer token, or what gives one; asked before each request. */
  readonly token: string | (() => string | Promise<string>);
  /** What sends requests; the global `fetch` if left out. */
  readonly fetch?: typeof globalThis.fetch;
  /** Milliseconds until an attempt is given up; 30 seconds if left out. */
  readonly timeoutMs?: number;
  /** Attempts after the first one; 2 if left out. */
  readonly retries?: number;
}

/** What a single request may have. */
export interface RequestOptions {
  /** From a service: the user whose things alone exist for the request. */
  readonly userId?: string;
  /** Ends the request. */
  readonly signal?: AbortSignal;
}

/** What a POST may have. */
export interface PostOptions extends RequestOptions {
  /**
   * Names the request, so that a repetition does nothing a second time. Only
   * with it is a POST tried again.
   */
  readonly idempotencyKey?: string;
}

/** A page of a list. */
export interface Page<T> {
  /** Its rows. */
  readonly data: T[];
  /** Where the next page begins; undefined on the last one. */
  readonly nextCursor: string | undefined;
}

/** What an {@linkcode EncimapError} knows. */
export interface ErrorFields {
  /** HTTP status. */
  readonly status: number;
  /** Reason, for programs; `unknown` if the answer was not the API's. */
  readonly code: ErrorCode | "unknown";
  /** More for programs, such as the name of a wrong `field`. */
  readonly details: Readonly<Record<string, unknown>>;
  /** Id of the request, which the appliance's log has, too. */
  readonly requestId: string | undefined;
  /** Seconds after which to try again, if the answer says. */
  readonly retryAfter: number | undefined;
}

/** A request that was refused. `message` is for people. */
export class EncimapError extends Error implements ErrorFields {
  readonly status: number;
  readonly code: ErrorCode | "unknown";
  readonly details: Readonly<Record<string, unknown>>;
  readonly requestId: string | undefined;
  readonly retryAfter: number | undefined;

  constructor(message: string, fields: ErrorFields) {
    super(message);
    this.name = "EncimapError";
    this.status = fields.status;
    this.code = fields.code;
    this.details = fields.details;
    this.requestId = fields.requestId;
    this.retryAfter = fields.retryAfter;
  }
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly query?: object;
  readonly body?: object;
  /** Statuses besides 2xx that are answers and no failures. */
  readonly answers?: readonly number[];
}

/** Seconds of Retry-After that are waited for, at most. */
const RETRY_AFTER_MAX = 30;

/** Milliseconds before the second attempt; each further one waits twice that. */
const BACKOFF_MS = 250;

class Client {
  readonly #options: EncimapOptions;
  readonly #baseUrl: string;

  /**
   * Makes a client.
   *
   * @param options Where the API is, and a token.
   */
  constructor(options: EncimapOptions) {
    this.#options = options;
    this.#baseUrl = (options.baseUrl ?? DEFAULT_URL).replace(/\/+$/, "");
  }

  protected async json(call: Call, options: PostOptions): Promise<unknown> {
    const octets = await this.octets(call, options);
    return JSON.parse(new TextDecoder().decode(octets));
  }

  protected async data<T>(call: Call, options: PostOptions): Promise<T> {
    return (await this.json(call, options) as { data: T }).data;
  }

  protected async page<T>(
    call: Call,
    options: PostOptions,
  ): Promise<Page<T>> {
    const answer = await this.json(call, options) as {
      data: T[];
      "next_cursor"?: string;
    };
    return { data: answer.data, nextCursor: answer["next_cursor"] };
  }

  protected async octets(
    call: Call,
    options: PostOptions,
  ): Promise<Uint8Array> {
    const mayRepeat = call.method === "GET" ||
      call.method === "POST" && options.idempotencyKey !== undefined;
    const retries = mayRepeat ? this.#options.retries ?? 2 : 0;
    for (let attempt = 0;; attempt++) {
      const { response, octets } = await this.#attempt(call, options);
      if (response.ok || call.answers?.includes(response.status)) {
        return octets;
      }
      const error = failureOf(response, octets);
      const isTemporary = response.status === 429 || response.status === 503;
      const seconds = error.retryAfter ?? 0;
      if (!isTemporary || attempt >= retries || seconds > RETRY_AFTER_MAX) {
        throw error;
      }
      const backoff = BACKOFF_MS * 2 ** attempt * (0.5 + Math.random());
      await sleep(Math.max(seconds * 1000, backoff), options.signal);
    }
  }

  async #attempt(
    call: Call,
    options: PostOptions,
  ): Promise<{ response: Response; octets: Uint8Array }> {
    const { token, fetch = globalThis.fetch, timeoutMs } = this.#options;
    const headers: Record<string, string> = {
      authorization: `Bearer ${
        typeof token === "function" ? await token() : token
      }`,
    };
    if (call.body !== undefined) headers["content-type"] = "application/json";
    if (options.idempotencyKey !== undefined) {
      headers["idempotency-key"] = options.idempotencyKey;
    }
    const query = { ...call.query, "user_id": options.userId };
    const abort = new AbortController();
    const onAbort = (): void => abort.abort(options.signal?.reason);
    if (options.signal?.aborted) onAbort();
    options.signal?.addEventListener("abort", onAbort);
    const timer = setTimeout(
      () => abort.abort(new DOMException("Timed out", "TimeoutError")),
      timeoutMs ?? 30_000,
    );
    try {
      const response = await fetch(this.#baseUrl + call.path + search(query), {
        method: call.method,
        headers,
        body: call.body === undefined ? null : JSON.stringify(call.body),
        signal: abort.signal,
      });
      const octets = new Uint8Array(await response.arrayBuffer());
      return { response, octets };
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", onAbort);
    }
  }
}

/** URLs drop `.` and `..`, encoded or not, and change where a request goes. */
function segment(name: string): string {
  if (/^\.{0,2}$/.test(name)) {
    throw new RangeError(`Cannot ask for ${JSON.stringify(name)}`);
  }
  return encodeURIComponent(name);
}

function search(query: object): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.set(name, String(value));
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

function failureOf(response: Response, octets: Uint8Array): EncimapError {
  let failure: Partial<Failure> = {};
  try {
    failure = JSON.parse(new TextDecoder().decode(octets)) ?? {};
  } catch {
    // Not the API's answer, but perhaps a proxy's.
  }
  const { error } = failure;
  const seconds = response.headers.get("retry-after");
  return new EncimapError(error?.message ?? `HTTP ${response.status}`, {
    status: response.status,
    code: error?.code ?? "unknown",
    details: error?.details ?? {},
    requestId: response.headers.get("x-request-id") ?? undefined,
    retryAfter: /^\d{1,6}$/.test(seconds ?? "") ? Number(seconds) : undefined,
  });
}

function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

async function* all<T>(
  fetchPage: (cursor: string | undefined) => Promise<Page<T>>,
): AsyncGenerator<T, void, undefined> {
  let cursor: string | undefined;
  do {
    const page = await fetchPage(cursor);
    yield* page.data;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
}

/** The API. Each method is an operation of docs/openapi.yaml. */
export class Encimap extends Client {
  /** Says whether the appliance works; no token, no envelope: `GET /health`. */
  async health(
    options: RequestOptions = {},
  ): Promise<Health> {
    return await this.json({ method: "GET", path: "/health", answers: [503] }, options) as Health;
  }

  /** Says that the process answers; no token, no envelope: `GET /health/live`. */
  async live(
    options: RequestOptions = {},
  ): Promise<Live> {
    return await this.json({ method: "GET", path: "/health/live" }, options) as Live;
  }

  /** Says whether requests can be answered; no token, no envelope: `GET /health/ready`. */
  async ready(
    options: RequestOptions = {},
  ): Promise<Ready> {
    return await this.json({ method: "GET", path: "/health/ready", answers: [503] }, options) as Ready;
  }

  /** Creates a vaultbox with certificate and route: `POST /vaultboxes`. */
  async createVaultbox(
    body: CreateVaultboxBody,
    options: PostOptions = {},
  ): Promise<CreatedVaultbox> {
    return await this.data({ method: "POST", path: "/vaultboxes", body }, options);
  }

  /** Lists vaultboxes: `GET /vaultboxes`. */
  async listVaultboxes(
    query: ListVaultboxesQuery = {},
    options: RequestOptions = {},
  ): Promise<Page<Vaultbox>> {
    return await this.page({ method: "GET", path: "/vaultboxes", query }, options);
  }

  /** All rows of {@linkcode Encimap.listVaultboxes}, page by page. */
  listAllVaultboxes(
    query: ListVaultboxesQuery = {},
    options: RequestOptions = {},
  ): AsyncGenerator<Vaultbox, void, undefined> {
    return all((cursor) =>
      this.listVaultboxes({ ...query, ...(cursor !== undefined && { cursor }) }, options)
    );
  }

  /** Shows a vaultbox: `GET /vaultboxes/{id}`. */
  async getVaultbox(
    id: string,
    options: RequestOptions = {},
  ): Promise<Vaultbox> {
    return await this.data({ method: "GET", path: `/vaultboxes/${segment(id)}` }, options);
  }

  /** Renames, suspends or resumes a vaultbox, sets its limits or how its mail is encrypted, or publishes its certificate: `PATCH /vaultboxes/{id}`. */
  async updateVaultbox(
    id: string,
    body: UpdateVaultboxBody = {},
    options: RequestOptions = {},
  ): Promise<Vaultbox> {
    return await this.data({ method: "PATCH", path: `/vaultboxes/${segment(id)}`, body }, options);
  }

  /** Deletes a vaultbox with its mail, keys and credentials: `DELETE /vaultboxes/{id}`. */
  async deleteVaultbox(
    id: string,
    options: RequestOptions = {},
  ): Promise<void> {
    await this.octets({ method: "DELETE", path: `/vaultboxes/${segment(id)}` }, options);
  }

  /** Lists messages and octets for each vaultbox: `GET /usage`. */
  async listUsage(
    query: ListUsageQuery = {},
    options: RequestOptions = {},
  ): Promise<Page<Usage>> {
    return await this.page({ method: "GET", path: "/usage", query }, options);
  }

  /** All rows of {@linkcode Encimap.listUsage}, page by page. */
  listAllUsage(
    query: ListUsageQuery = {},
    options: RequestOptions = {},
  ): AsyncGenerator<Usage, void, undefined> {
    return all((cursor) =>
      this.listUsage({ ...query, ...(cursor !== undefined && { cursor }) }, options)
    );
  }

  /** Gives a vaultbox another address, which only receives: `POST /vaultboxes/{id}/aliases`. */
  async createAlias(
    id: string,
    body: CreateAliasBody,
    options: PostOptions = {},
  ): Promise<Alias> {
    return await this.data({ method: "POST", path: `/vaultboxes/${segment(id)}/aliases`, body }, options);
  }

  /** Lists the aliases of a vaultbox: `GET /vaultboxes/{id}/aliases`. */
  async listAliases(
    id: string,
    query: ListAliasesQuery = {},
    options: RequestOptions = {},
  ): Promise<Page<Alias>> {
    return await this.page({ method: "GET", path: `/vaultboxes/${segment(id)}/aliases`, query }, options);
  }

  /** All rows of {@linkcode Encimap.listAliases}, page by page. */
  listAllAliases(
    id: string,
    query: ListAliasesQuery = {},
    options: RequestOptions = {},
  ): AsyncGenerator<Alias, void, undefined> {
    return all((cursor) =>
      this.listAliases(id, { ...query, ...(cursor !== undefined && { cursor }) }, options)
    );
  }

  /** Takes an alias from a vaultbox: `DELETE /vaultboxes/{id}/aliases/{address}`. */
  async deleteAlias(
    id: string,
    address: string,
    options: RequestOptions = {},
  ): Promise<void> {
    await this.octets({ method: "DELETE", path: `/vaultboxes/${segment(id)}/aliases/${segment(address)}` }, options);
  }

  /** Shows who gets the mail for all other addresses of a domain: `GET /domains/{domain}/catch-all`. */
  async getCatchAll(
    domain: string,
    options: RequestOptions = {},
  ): Promise<CatchAll> {
    return await this.data({ method: "GET", path: `/domains/${segment(domain)}/catch-all` }, options);
  }

  /** Sends the mail for all other addresses of a domain to a vaultbox: `PUT /domains/{domain}/catch-all`. */
  async setCatchAll(
    domain: string,
    body: SetCatchAllBody,
    options: RequestOptions = {},
  ): Promise<CatchAll> {
    return await this.data({ method: "PUT", path: `/domains/${segment(domain)}/catch-all`, body }, options);
  }

  /** Refuses mail for all other addresses of a domain again: `DELETE /domains/{domain}/catch-all`. */
  async deleteCatchAll(
    domain: string,
    options: RequestOptions = {},
  ): Promise<void> {
    await this.octets({ method: "DELETE", path: `/domains/${segment(domain)}/catch-all` }, options);
  }

  /** Makes the credential for IMAP: `POST /vaultboxes/{id}/imap-credentials`. */
  async createImapCredential(
    id: string,
    options: PostOptions = {},
  ): Promise<NewCredential> {
    return await this.data({ method: "POST", path: `/vaultboxes/${segment(id)}/imap-credentials` }, options);
  }

  /** Shows the credential for IMAP: `GET /vaultboxes/{id}/imap-credentials`. */
  async getImapCredential(
    id: string,
    options: RequestOptions = {},
  ): Promise<Credential> {
    return await this.data({ method: "GET", path: `/vaultboxes/${segment(id)}/imap-credentials` }, options);
  }

  /** Deletes the credential for IMAP: `DELETE /vaultboxes/{id}/imap-credentials`. */
  async deleteImapCredential(
    id: string,
    options: RequestOptions = {},
  ): Promise<void> {
    await this.octets({ method: "DELETE", path: `/vaultboxes/${segment(id)}/imap-credentials` }, options);
  }

  /** Makes the credential for submission: `POST /vaultboxes/{id}/smtp-credentials`. */
  async createSmtpCredential(
    id: string,
    body: CreateSmtpCredentialBody = {},
    options: PostOptions = {},
  ): Promise<NewCredential> {
    return await this.data({ method: "POST", path: `/vaultboxes/${segment(id)}/smtp-credentials`, body }, options);
  }

  /** Shows the credential for submission: `GET /vaultboxes/{id}/smtp-credentials`. */
  async getSmtpCredential(
    id: string,
    options: RequestOptions = {},
  ): Promise<Credential> {
    return await this.data({ method: "GET", path: `/vaultboxes/${segment(id)}/smtp-credentials` }, options);
  }

  /** Deletes the credential for submission: `DELETE /vaultboxes/{id}/smtp-credentials`. */
  async deleteSmtpCredential(
    id: string,
    options: RequestOptions = {},
  ): Promise<void> {
    await this.octets({ method: "DELETE", path: `/vaultboxes/${segment(id)}/smtp-credentials` }, options);
  }

  /** Gives the credential for IMAP a new password: `POST /vaultboxes/{id}/imap-credentials/regenerate`. */
  async regenerateImapPassword(
    id: string,
    options: PostOptions = {},
  ): Promise<NewCredential> {
    return await this.data({ method: "POST", path: `/vaultboxes/${segment(id)}/imap-credentials/regenerate` }, options);
  }

  /** Gives the credential for submission a new password: `POST /vaultboxes/{id}/smtp-credentials/regenerate`. */
  async regenerateSmtpPassword(
    id: string,
    options: PostOptions = {},
  ): Promise<NewCredential> {
    return await this.data({ method: "POST", path: `/vaultboxes/${segment(id)}/smtp-credentials/regenerate` }, options);
  }

  /** Makes a credential for one device: `POST /vaultboxes/{id}/app-credentials`. */
  async createAppCredential(
    id: string,
    body: CreateAppCredentialBody,
    options: PostOptions = {},
  ): Promise<NewAppCredential> {
    return await this.data({ method: "POST", path: `/vaultboxes/${segment(id)}/app-credentials`, body }, options);
  }

  /** Lists the credentials of devices: `GET /vaultboxes/{id}/app-credentials`. */
  async listAppCredentials(
    id: string,
    query: ListAppCredentialsQuery = {},
    options: RequestOptions = {},
  ): Promise<Page<AppCredential>> {
    return await this.page({ method: "GET", path: `/vaultboxes/${segment(id)}/app-credentials`, query }, options);
  }

  /** All rows of {@linkcode Encimap.listAppCredentials}, page by page. */
  listAllAppCredentials(
    id: string,
    query: ListAppCredentialsQuery = {},
    options: RequestOptions = {},
  ): AsyncGenerator<AppCredential, void, undefined> {
    return all((cursor) =>
      this.listAppCredentials(id, { ...query, ...(cursor !== undefined && { cursor }) }, options)
    );
  }

  /** Shows a device's credential: `GET /vaultboxes/{id}/app-credentials/{credential_id}`. */
  async getAppCredential(
    id: string,
    credentialId: string,
    options: RequestOptions = {},
  ): Promise<AppCredential> {
    return await this.data({ method: "GET", path: `/vaultboxes/${segment(id)}/app-credentials/${segment(credentialId)}` }, options);
  }

  /** Changes what a device's credential opens: `PATCH /vaultboxes/{id}/app-credentials/{credential_id}`. */
  async changeAppCredential(
    id: string,
    credentialId: string,
    body: ChangeAppCredentialBody = {},
    options: RequestOptions = {},
  ): Promise<AppCredential> {
    return await this.data({ method: "PATCH", path: `/vaultboxes/${segment(id)}/app-credentials/${segment(credentialId)}`, body }, options);
  }

  /** Deletes a device's credential: `DELETE /vaultboxes/{id}/app-credentials/{credential_id}`. */
  async deleteAppCredential(
    id: string,
    credentialId: string,
    options: RequestOptions = {},
  ): Promise<void> {
    await this.octets({ method: "DELETE", path: `/vaultboxes/${segment(id)}/app-credentials/${segment(credentialId)}` }, options);
  }

  /** Gives a device's credential a new password: `POST /vaultboxes/{id}/app-credentials/{credential_id}/regenerate`. */
  async regenerateAppPassword(
    id: string,
    credentialId: string,
    options: PostOptions = {},
  ): Promise<NewAppCredential> {
    return await this.data({ method: "POST", path: `/vaultboxes/${segment(id)}/app-credentials/${segment(credentialId)}/regenerate` }, options);
  }

  /** Makes a certificate for an address: `POST /generate-certificate`. */
  async generateCertificate(
    body: GenerateCertificateBody,
    options: PostOptions = {},
  ): Promise<GeneratedCertificate> {
    return await this.data({ method: "POST", path: "/generate-certificate", body }, options);
  }

  /** Makes a password for a bundle, stored nowhere: `POST /generate-password`. */
  async generatePassword(
    options: PostOptions = {},
  ): Promise<GeneratedPassword> {
    return await this.data({ method: "POST", path: "/generate-password" }, options);
  }

  /** Downloads the newest key and certificate as PKCS#12: `POST /p12`. */
  async downloadPkcs12(
    body: DownloadPkcs12Body,
    options: PostOptions = {},
  ): Promise<Uint8Array> {
    return await this.octets({ method: "POST", path: "/p12", body }, options);
  }

  /** Downloads the ZIP bundle of all generations: `POST /bundle`. */
  async downloadBundle(
    body: DownloadBundleBody,
    options: PostOptions = {},
  ): Promise<Uint8Array> {
    return await this.octets({ method: "POST", path: "/bundle", body }, options);
  }

  /** Downloads the profile that sets Apple devices up: `POST /vaultboxes/{id}/mobileconfig`. */
  async downloadProfile(
    id: string,
    body: DownloadProfileBody,
    options: PostOptions = {},
  ): Promise<Uint8Array> {
    return await this.octets({ method: "POST", path: `/vaultboxes/${segment(id)}/mobileconfig`, body }, options);
  }

  /** Makes a link by which one file is fetched once, without a token: `POST /vaultboxes/{id}/setup-links`. */
  async createSetupLink(
    id: string,
    body: CreateSetupLinkBody = {},
    options: PostOptions = {},
  ): Promise<NewSetupLink> {
    return await this.data({ method: "POST", path: `/vaultboxes/${segment(id)}/setup-links`, body }, options);
  }

  /** Lists one-time links, used and ended ones of a month too: `GET /vaultboxes/{id}/setup-links`. */
  async listSetupLinks(
    id: string,
    query: ListSetupLinksQuery = {},
    options: RequestOptions = {},
  ): Promise<Page<SetupLink>> {
    return await this.page({ method: "GET", path: `/vaultboxes/${segment(id)}/setup-links`, query }, options);
  }

  /** All rows of {@linkcode Encimap.listSetupLinks}, page by page. */
  listAllSetupLinks(
    id: string,
    query: ListSetupLinksQuery = {},
    options: RequestOptions = {},
  ): AsyncGenerator<SetupLink, void, undefined> {
    return all((cursor) =>
      this.listSetupLinks(id, { ...query, ...(cursor !== undefined && { cursor }) }, options)
    );
  }

  /** Takes a one-time link back: `DELETE /vaultboxes/{id}/setup-links/{link_id}`. */
  async deleteSetupLink(
    id: string,
    linkId: string,
    options: RequestOptions = {},
  ): Promise<void> {
    await this.octets({ method: "DELETE", path: `/vaultboxes/${segment(id)}/setup-links/${segment(linkId)}` }, options);
  }

  /** Lists the messages of a vaultbox, without content: `GET /messages`. */
  async listMessages(
    query: ListMessagesQuery,
    options: RequestOptions = {},
  ): Promise<Page<Message>> {
    return await this.page({ method: "GET", path: "/messages", query }, options);
  }

  /** All rows of {@linkcode Encimap.listMessages}, page by page. */
  listAllMessages(
    query: ListMessagesQuery,
    options: RequestOptions = {},
  ): AsyncGenerator<Message, void, undefined> {
    return all((cursor) =>
      this.listMessages({ ...query, ...(cursor !== undefined && { cursor }) }, options)
    );
  }

  /** Registers a domain for a user: `POST /domains`. */
  async registerDomain(
    body: RegisterDomainBody,
    options: PostOptions = {},
  ): Promise<Domain> {
    return await this.data({ method: "POST", path: "/domains", body }, options);
  }

  /** Lists domains, hosted and pending: `GET /domains`. */
  async listDomains(
    query: ListDomainsQuery = {},
    options: RequestOptions = {},
  ): Promise<Page<Domain>> {
    return await this.page({ method: "GET", path: "/domains", query }, options);
  }

  /** All rows of {@linkcode Encimap.listDomains}, page by page. */
  listAllDomains(
    query: ListDomainsQuery = {},
    options: RequestOptions = {},
  ): AsyncGenerator<Domain, void, undefined> {
    return all((cursor) =>
      this.listDomains({ ...query, ...(cursor !== undefined && { cursor }) }, options)
    );
  }

  /** Shows a domain: `GET /domains/{domain}`. */
  async getDomain(
    domain: string,
    options: RequestOptions = {},
  ): Promise<Domain> {
    return await this.data({ method: "GET", path: `/domains/${segment(domain)}` }, options);
  }

  /** Gives up a domain that holds no vaultbox: `DELETE /domains/{domain}`. */
  async deleteDomain(
    domain: string,
    options: RequestOptions = {},
  ): Promise<void> {
    await this.octets({ method: "DELETE", path: `/domains/${segment(domain)}` }, options);
  }

  /** Lists the DNS records that a domain needs: `GET /domains/{domain}/dns`. */
  async listDnsRecords(
    domain: string,
    options: RequestOptions = {},
  ): Promise<DnsRecord[]> {
    return await this.data({ method: "GET", path: `/domains/${segment(domain)}/dns` }, options);
  }

  /** Compares these records with what DNS has now: `GET /domains/{domain}/dns/check`. */
  async checkDnsRecords(
    domain: string,
    options: RequestOptions = {},
  ): Promise<CheckedDnsRecord[]> {
    return await this.data({ method: "GET", path: `/domains/${segment(domain)}/dns/check` }, options);
  }

  /** Lists the DNS records of the certificates that are published: `GET /domains/{domain}/smimea`. */
  async listSmimeaRecords(
    domain: string,
    query: ListSmimeaRecordsQuery = {},
    options: RequestOptions = {},
  ): Promise<Page<DnsRecord>> {
    return await this.page({ method: "GET", path: `/domains/${segment(domain)}/smimea`, query }, options);
  }

  /** All rows of {@linkcode Encimap.listSmimeaRecords}, page by page. */
  listAllSmimeaRecords(
    domain: string,
    query: ListSmimeaRecordsQuery = {},
    options: RequestOptions = {},
  ): AsyncGenerator<DnsRecord, void, undefined> {
    return all((cursor) =>
      this.listSmimeaRecords(domain, { ...query, ...(cursor !== undefined && { cursor }) }, options)
    );
  }

  /** Looks for the TXT record, and hosts the domain if it is there: `POST /domains/{domain}/verify`. */
  async verifyDomain(
    domain: string,
    options: PostOptions = {},
  ): Promise<Domain> {
    return await this.data({ method: "POST", path: `/domains/${segment(domain)}/verify` }, options);
  }

  /** Creates up to 100 vaultboxes; each has its own result: `POST /vaultboxes/bulk-create`. */
  async bulkCreateVaultboxes(
    body: BulkCreateVaultboxesBody,
    options: PostOptions = {},
  ): Promise<Array<BulkCreated | BulkFailure>> {
    return await this.data({ method: "POST", path: "/vaultboxes/bulk-create", body }, options);
  }

  /** Deletes up to 100 vaultboxes; each has its own result: `POST /vaultboxes/bulk-delete`. */
  async bulkDeleteVaultboxes(
    body: BulkDeleteVaultboxesBody,
    options: PostOptions = {},
  ): Promise<Array<BulkDeleted | BulkFailure>> {
    return await this.data({ method: "POST", path: "/vaultboxes/bulk-delete", body }, options);
  }

  /** Gives up to 100 credentials new passwords; each has its own result: `POST /vaultboxes/bulk-regenerate`. */
  async bulkRegeneratePasswords(
    body: BulkRegeneratePasswordsBody,
    options: PostOptions = {},
  ): Promise<Array<BulkRegenerated | BulkFailure>> {
    return await this.data({ method: "POST", path: "/vaultboxes/bulk-regenerate", body }, options);
  }

  /** Lists certificates of a vaultbox, retired ones too: `GET /vaultboxes/{id}/certificates`. */
  async listCertificates(
    id: string,
    query: ListCertificatesQuery = {},
    options: RequestOptions = {},
  ): Promise<Page<Certificate>> {
    return await this.page({ method: "GET", path: `/vaultboxes/${segment(id)}/certificates`, query }, options);
  }

  /** All rows of {@linkcode Encimap.listCertificates}, page by page. */
  listAllCertificates(
    id: string,
    query: ListCertificatesQuery = {},
    options: RequestOptions = {},
  ): AsyncGenerator<Certificate, void, undefined> {
    return all((cursor) =>
      this.listCertificates(id, { ...query, ...(cursor !== undefined && { cursor }) }, options)
    );
  }

  /** Adds a certificate whose key is held elsewhere: `POST /vaultboxes/{id}/certificates`. */
  async uploadCertificate(
    id: string,
    body: UploadCertificateBody,
    options: PostOptions = {},
  ): Promise<UploadedCertificate> {
    return await this.data({ method: "POST", path: `/vaultboxes/${segment(id)}/certificates`, body }, options);
  }

  /** Shows a certificate: `GET /vaultboxes/{id}/certificates/{certificate_id}`. */
  async getCertificate(
    id: string,
    certificateId: string,
    options: RequestOptions = {},
  ): Promise<Certificate> {
    return await this.data({ method: "GET", path: `/vaultboxes/${segment(id)}/certificates/${segment(certificateId)}` }, options);
  }

  /** Downloads a certificate: `GET /vaultboxes/{id}/certificates/{certificate_id}/download`. */
  async downloadCertificate(
    id: string,
    certificateId: string,
    query: DownloadCertificateQuery = {},
    options: RequestOptions = {},
  ): Promise<Uint8Array> {
    return await this.octets({ method: "GET", path: `/vaultboxes/${segment(id)}/certificates/${segment(certificateId)}/download`, query }, options);
  }

  /** Issues a certificate for a key that is held elsewhere: `POST /vaultboxes/{id}/certificates/csr`. */
  async requestCertificate(
    id: string,
    body: RequestCertificateBody,
    options: PostOptions = {},
  ): Promise<IssuedCertificate> {
    return await this.data({ method: "POST", path: `/vaultboxes/${segment(id)}/certificates/csr`, body }, options);
  }

  /** Downloads a certificate of the appliance's issuer: `GET /issuer`. */
  async downloadIssuer(
    query: DownloadIssuerQuery = {},
    options: RequestOptions = {},
  ): Promise<Uint8Array> {
    return await this.octets({ method: "GET", path: "/issuer", query }, options);
  }

  /** Says what its retirement, or the end of its key, would mean: `GET /vaultboxes/{id}/certificates/{certificate_id}/uses`. */
  async getCertificateUses(
    id: string,
    certificateId: string,
    options: RequestOptions = {},
  ): Promise<CertificateUses> {
    return await this.data({ method: "GET", path: `/vaultboxes/${segment(id)}/certificates/${segment(certificateId)}/uses` }, options);
  }

  /** Stops encrypting mail to a certificate: `POST /vaultboxes/{id}/certificates/{certificate_id}/retire`. */
  async retireCertificate(
    id: string,
    certificateId: string,
    options: PostOptions = {},
  ): Promise<Certificate> {
    return await this.data({ method: "POST", path: `/vaultboxes/${segment(id)}/certificates/${segment(certificateId)}/retire` }, options);
  }

  /** Takes the retirement of a certificate back: `POST /vaultboxes/{id}/certificates/{certificate_id}/restore`. */
  async restoreCertificate(
    id: string,
    certificateId: string,
    options: PostOptions = {},
  ): Promise<Certificate> {
    return await this.data({ method: "POST", path: `/vaultboxes/${segment(id)}/certificates/${segment(certificateId)}/restore` }, options);
  }

  /** Shows who holds the private keys of a vaultbox: `GET /vaultboxes/{id}/custody`. */
  async getCustody(
    id: string,
    options: RequestOptions = {},
  ): Promise<Custody> {
    return await this.data({ method: "GET", path: `/vaultboxes/${segment(id)}/custody` }, options);
  }

  /** Changes who holds the private keys that are made from now on: `PUT /vaultboxes/{id}/custody`. */
  async setCustody(
    id: string,
    body: SetCustodyBody,
    options: RequestOptions = {},
  ): Promise<CustodyChange> {
    return await this.data({ method: "PUT", path: `/vaultboxes/${segment(id)}/custody`, body }, options);
  }

  /** Confirms a bundle and has the private keys in it destroyed: `POST /vaultboxes/{id}/custody/confirm`. */
  async confirmHandOut(
    id: string,
    body: ConfirmHandOutBody,
    options: PostOptions = {},
  ): Promise<DestructionReceipt> {
    return await this.data({ method: "POST", path: `/vaultboxes/${segment(id)}/custody/confirm`, body }, options);
  }

  /** Retires what an unconfirmed bundle has, and makes a new key: `POST /vaultboxes/{id}/custody/take-back`. */
  async takeHandOutBack(
    id: string,
    options: PostOptions = {},
  ): Promise<Custody> {
    return await this.data({ method: "POST", path: `/vaultboxes/${segment(id)}/custody/take-back` }, options);
  }

  /** Destroys the private key of a certificate, for good: `POST /vaultboxes/{id}/certificates/{certificate_id}/destroy-key`. */
  async destroyKey(
    id: string,
    certificateId: string,
    body: DestroyKeyBody,
    options: PostOptions = {},
  ): Promise<DestructionReceipt> {
    return await this.data({ method: "POST", path: `/vaultboxes/${segment(id)}/certificates/${segment(certificateId)}/destroy-key`, body }, options);
  }

  /** Sends a mail that is encrypted as it is wanted: `POST /vaultboxes/{id}/encryption-trial`. */
  async beginEncryptionTrial(
    id: string,
    body: BeginEncryptionTrialBody = {},
    options: PostOptions = {},
  ): Promise<EncryptionTrial> {
    return await this.data({ method: "POST", path: `/vaultboxes/${segment(id)}/encryption-trial`, body }, options);
  }

  /** Switches on what the mail of a trial was encrypted with: `POST /vaultboxes/{id}/encryption-trial/confirm`. */
  async confirmEncryptionTrial(
    id: string,
    body: ConfirmEncryptionTrialBody,
    options: PostOptions = {},
  ): Promise<Vaultbox> {
    return await this.data({ method: "POST", path: `/vaultboxes/${segment(id)}/encryption-trial/confirm`, body }, options);
  }

  /** Lists users with their limits and what they use: `GET /customers`. */
  async listCustomers(
    query: ListCustomersQuery = {},
    options: RequestOptions = {},
  ): Promise<Page<Customer>> {
    return await this.page({ method: "GET", path: "/customers", query }, options);
  }

  /** All rows of {@linkcode Encimap.listCustomers}, page by page. */
  listAllCustomers(
    query: ListCustomersQuery = {},
    options: RequestOptions = {},
  ): AsyncGenerator<Customer, void, undefined> {
    return all((cursor) =>
      this.listCustomers({ ...query, ...(cursor !== undefined && { cursor }) }, options)
    );
  }

  /** Shows a user's limits and what it uses: `GET /customers/{user_id}`. */
  async getCustomer(
    userId: string,
    options: RequestOptions = {},
  ): Promise<Customer> {
    return await this.data({ method: "GET", path: `/customers/${segment(userId)}` }, options);
  }

  /** Sets limits of a user: `PATCH /customers/{user_id}`. */
  async updateCustomer(
    userId: string,
    body: UpdateCustomerBody = {},
    options: RequestOptions = {},
  ): Promise<Customer> {
    return await this.data({ method: "PATCH", path: `/customers/${segment(userId)}`, body }, options);
  }

  /** Lists changes: who did what, when; the newest first: `GET /audit`. */
  async listAudit(
    query: ListAuditQuery = {},
    options: RequestOptions = {},
  ): Promise<Page<AuditEntry>> {
    return await this.page({ method: "GET", path: "/audit", query }, options);
  }

  /** All rows of {@linkcode Encimap.listAudit}, page by page. */
  listAllAudit(
    query: ListAuditQuery = {},
    options: RequestOptions = {},
  ): AsyncGenerator<AuditEntry, void, undefined> {
    return all((cursor) =>
      this.listAudit({ ...query, ...(cursor !== undefined && { cursor }) }, options)
    );
  }

  /** Shows how the machine is: services, queue, disk, what doctor has found: `GET /machine`. */
  async getMachine(
    options: RequestOptions = {},
  ): Promise<Machine> {
    return await this.data({ method: "GET", path: "/machine" }, options);
  }
}
