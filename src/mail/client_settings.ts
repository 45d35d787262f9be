/**
 * What mail clients ask to set an account up by themselves: Thunderbird's
 * autoconfig and Outlook's Autodiscover.
 *
 * Neither answer depends on whether the address exists: the user name in it is
 * the address, whoever asks.
 *
 * @module
 */

import { escapeXml } from "./xml.ts";

/** Where and how a mail client connects. */
export interface ClientServer {
  /** Host name. */
  readonly host: string;
  /** TCP port. */
  readonly port: number;
  /** How TLS begins. */
  readonly securityType: "STARTTLS" | "SSL/TLS";
}

/** What a mail client needs besides the address and the password. */
export interface ClientSettings {
  /** Domain of the address, lower case. */
  readonly domain: string;
  /** Server for IMAP. */
  readonly imap: ClientServer;
  /** Server for submission. */
  readonly submission: ClientServer;
}

/** Longest Autodiscover request that is looked at, in octets. */
export const AUTODISCOVER_MAX_BYTES = 4096;

/** An address, as far as it matters here: its domain is looked up. */
const ADDRESS = "[^\\s<>&@]{1,64}@[^\\s<>&@]{1,253}";

const EMAIL_ELEMENT_REGEXP = new RegExp(
  `<(?:\\w{1,32}:)?EMailAddress\\s*>\\s*(${ADDRESS})\\s*<`,
  "i",
);

/**
 * Writes the answer to Thunderbird, which puts the address in place of
 * `%EMAILADDRESS%`.
 *
 * @param settings The account's servers.
 * @returns XML.
 * @see {@link https://datatracker.ietf.org/doc/draft-ietf-mailmaint-autoconfig/ | draft-ietf-mailmaint-autoconfig}
 */
export function autoconfigXml(settings: ClientSettings): string {
  const domain = escapeXml(settings.domain);
  return `<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="${domain}">
    <domain>${domain}</domain>
    <displayName>${domain}</displayName>
    <displayShortName>${domain}</displayShortName>
    <incomingServer type="imap">
${autoconfigServer(settings.imap)}
    </incomingServer>
    <outgoingServer type="smtp">
${autoconfigServer(settings.submission)}
    </outgoingServer>
  </emailProvider>
</clientConfig>
`;
}

function autoconfigServer({ host, port, securityType }: ClientServer): string {
  return `      <hostname>${escapeXml(host)}</hostname>
      <port>${port}</port>
      <socketType>${
    securityType === "STARTTLS" ? "STARTTLS" : "SSL"
  }</socketType>
      <authentication>password-cleartext</authentication>
      <username>%EMAILADDRESS%</username>`;
}

/**
 * Finds the address in an Autodiscover request. It is XML from a stranger, and
 * one word of it matters, so no parser reads it: nothing is expanded, fetched
 * or nested.
 *
 * @param xml At most {@linkcode AUTODISCOVER_MAX_BYTES} characters.
 * @returns The address as written; undefined if there is none.
 */
export function autodiscoverAddress(xml: string): string | undefined {
  return EMAIL_ELEMENT_REGEXP.exec(xml)?.[1];
}

/**
 * Writes the answer to Outlook, in the old form ("POX").
 *
 * @param address The address that was asked for; it is the user name.
 * @param settings The account's servers.
 * @returns XML.
 * @see {@link https://learn.microsoft.com/openspecs/exchange_server_protocols/ms-oxdscli/ | MS-OXDSCLI §2.2.4}
 */
export function autodiscoverXml(
  address: string,
  settings: ClientSettings,
): string {
  return `<?xml version="1.0" encoding="utf-8"?>
<Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/responseschema/2006">
  <Response xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/responseschema/2006a">
    <Account>
      <AccountType>email</AccountType>
      <Action>settings</Action>
${autodiscoverProtocol("IMAP", address, settings.imap)}
${autodiscoverProtocol("SMTP", address, settings.submission)}
    </Account>
  </Response>
</Autodiscover>
`;
}

function autodiscoverProtocol(
  type: string,
  address: string,
  { host, port, securityType }: ClientServer,
): string {
  // Encryption goes before SSL, which cannot say STARTTLS.
  return `      <Protocol>
        <Type>${type}</Type>
        <Server>${escapeXml(host)}</Server>
        <Port>${port}</Port>
        <LoginName>${escapeXml(address)}</LoginName>
        <DomainRequired>off</DomainRequired>
        <SPA>off</SPA>
        <SSL>on</SSL>
        <Encryption>${securityType === "STARTTLS" ? "TLS" : "SSL"}</Encryption>
        <AuthRequired>on</AuthRequired>
      </Protocol>`;
}
