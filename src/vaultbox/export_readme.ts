/**
 * What an export says of itself.
 *
 * @module
 */

/**
 * Writes the README of an export.
 *
 * @param about `hostname` is the mail server, `at` when it was made.
 * @returns Text with CRLF line ends.
 */
export function exportReadme(about: { hostname: string; at: Date }): string {
  return README
    .replace("{{hostname}}", about.hostname)
    .replace("{{at}}", about.at.toISOString())
    .replaceAll("\n", "\r\n");
}

const README = `An export of {{hostname}}, made {{at}}
=======================================================================

Everything that the server has of the vaultboxes in it, in open formats. For
each of them there is a folder named by its address:

  bundle.zip            private keys and certificates: PKCS#12 and PEM, with a
                        README of its own. Not there if no key was kept on the
                        server; vaultbox.json then says why under "keys".
  certificates/         all certificates, PEM, named by their SHA-256
  Maildir/              the mail as it was stored: each file is one message
                        (RFC 5322), encrypted with S/MIME (RFC 8551). Folders
                        begin with a dot (Maildir++). What follows ":2," in a
                        name are the flags: S seen, R answered, F flagged,
                        D draft, T deleted, P forwarded. The time of a file is
                        when the message arrived (INTERNALDATE).
                        dovecot-uidlist has the IMAP UIDs, dovecot-keywords the
                        names of the flags a to z, subscriptions the folders
                        that were subscribed to.
  vaultbox.json         the vaultbox: name, limits, policy, dates
  *-0001.jsonl          one JSON object on each line: messages, certificates,
                        aliases, devices. Hashes of passwords are not in it.

and beside them, if it is an export of a customer, domains-0001.jsonl and
audit-0001.jsonl. The fields are those of the server's API.

To move to another mail server: copy the folders and files below Maildir to a
Maildir there (Dovecot, Courier), or give it to an IMAP client or to mutt. Mail
stays encrypted; the keys of bundle.zip open it in any program for S/MIME.

To open a message by hand:

  unzip bundle.zip
  openssl pkcs12 -in certificate.p12 -nodes -out key.pem
  openssl cms -decrypt -in Maildir/cur/NAME -inkey key.pem -recip key.pem

The keys of earlier certificates are in previous/1, previous/2 and so on. A
message that a mail program itself has stored (Sent, Drafts) may be in clear.

Unpack it with any tar: "tar -xf FILE". On Windows, names with a colon need a
program that replaces it, such as 7-Zip.
`;
