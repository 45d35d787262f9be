/**
 * README.txt of a bundle: how a person gets the key into a mail program.
 *
 * @module
 */

/** What the instructions are about. */
export interface BundleReadmeOptions {
  /** Address of the vaultbox. */
  readonly address: string;
  /** Name of the mail server. */
  readonly hostname: string;
  /** Port of IMAP with implicit TLS. */
  readonly imapPort: number;
  /** Port of SMTP submission with STARTTLS. */
  readonly submissionPort: number;
  /** User name for IMAP and SMTP; left out if there is no credential yet. */
  readonly username?: string;
  /** Fingerprint of the newest certificate, 64 lower-case hexadecimal digits. */
  readonly fingerprintSha256: string;
  /** Last moment of validity of the newest certificate. */
  readonly notAfter: Date;
  /** Certificates in the bundle, the newest included; at least 1. */
  readonly generations: number;
}

/**
 * Writes the instructions that go into a bundle.
 *
 * ASCII with CRLF line ends and at most 76 columns, so that every viewer shows
 * it alike. It has no password in it, and no place for one.
 *
 * @param options What the instructions are about.
 * @returns The text.
 */
export function bundleReadme(options: BundleReadmeOptions): string {
  const text = [
    contents(options),
    account(options),
    desktop(),
    mobile(),
    commandLine(),
    troubles(),
    limits(),
  ].join("");
  return text.replaceAll("\n", "\r\n");
}

function contents(options: BundleReadmeOptions): string {
  const older = options.generations > 1
    ? `
previous/1/, ...       The certificates before this one, the latest first.
                       ${older1(options.generations)}
                       Import them too: older mail opens with them only.`
    : "";
  return `ENCRYPTED MAILBOX ${options.address}
${"=".repeat(Math.min(76, 18 + options.address.length))}

Mail to this address is encrypted on arrival. Reading it takes the key in
this archive. Import the key once on each device, then read mail as usual.

Keep this archive in a safe place. Whoever has it and its password can read
the mail. If all copies of the key are lost, nobody can open the mail again.

1. WHAT IS HERE

certificate.p12        Key and certificate for current programs.
certificate-compatible.p12
                       The same key and certificate for older programs.
certificate.pem        The certificate alone. It is public: give it to
                       people who want to send you encrypted mail.${older}

Valid until:           ${
    options.notAfter.toISOString().slice(0, 10)
  } (UTC). Mail is encrypted and can be read
                       after that day as well.
SHA-256 fingerprint:
  ${options.fingerprintSha256}

The password of the .p12 files is the one that was chosen or shown when this
archive was made. It is not in the archive, and it is neither the password
of the mailbox nor the code of your device.

Which file goes where:

  Thunderbird                               certificate.p12
  Outlook (classic), Windows 10 and newer   certificate.p12
  OpenSSL, mutt, GnuPG 2.4                  certificate.p12
  iPhone, iPad, Mac                         certificate-compatible.p12
  Android                                   certificate-compatible.p12
  Windows before 10 (1709), GnuPG 2.2       certificate-compatible.p12

Both hold the same key. Importing both does no harm.
`;
}

function older1(generations: number): string {
  return generations === 2
    ? "There is one in this archive."
    : `There are ${generations - 1} in this archive.`;
}

function account(options: BundleReadmeOptions): string {
  const username = options.username ??
    "the one given to you with the mailbox's password";
  return `
2. ACCOUNT SETTINGS

  E-mail address   ${options.address}
  User name        ${username}
  Passwords        one for incoming and one for outgoing mail; neither is
                   the password of the .p12 files
  Incoming mail    IMAP, ${options.hostname}, port ${options.imapPort}, SSL/TLS
  Outgoing mail    SMTP, ${options.hostname}, port ${options.submissionPort}, STARTTLS
  Authentication   normal password, for both
`;
}

function desktop(): string {
  return `
3. THUNDERBIRD (Windows, macOS, Linux)

  a. Open Settings > Privacy & Security, go down to Certificates, and click
     Manage Certificates.
  b. On the tab Your Certificates click Import, choose certificate.p12, and
     type the password of the file. If Thunderbird asks for a Primary
     Password, that is its own.
  c. Add the account (Account Settings > Account Actions > Add Mail Account)
     with the settings of section 2; use the manual configuration.
  Messages open from now on. Only to SEND signed or encrypted mail, choose
  the certificate in Account Settings > End-To-End Encryption > S/MIME.

4. APPLE MAIL ON A MAC

  a. Double-click certificate-compatible.p12. Keychain Access opens; choose
     the keychain "login" and type the password of the file.
  b. Quit Mail and open it again.
  c. Add the account: Mail > Settings > Accounts > + > Other Mail Account,
     with the settings of section 2.
  Mail finds the key by the address. When macOS asks whether Mail may use
  the key, type the password of your Mac and click Always Allow.

5. OUTLOOK

  Outlook (classic) for Windows:
  a. Double-click certificate.p12, choose Current User, type the password of
     the file, and let Windows choose the certificate store. (Or in Outlook:
     File > Options > Trust Center > Trust Center Settings > Email Security
     > Import/Export.)
  b. Add the account: File > Add Account > Advanced options > set up
     manually > IMAP, with the settings of section 2.
  c. Start Outlook again. If the reading pane does not show a message, open
     it in a window of its own.

  New Outlook for Windows, Outlook on the web, Outlook for iPhone and
  Android: as far as we know they open S/MIME mail in Microsoft 365 and
  Exchange accounts only, and so cannot read this mailbox. They also hand
  the password of an IMAP account to Microsoft's servers. Use another
  program.
`;
}

function mobile(): string {
  return `
6. IPHONE AND IPAD

  a. Bring certificate-compatible.p12 to the device, with AirDrop or the
     Files app for example. (A .zip is unpacked by a tap in Files.) Do not
     mail it to this mailbox: you could not open it.
  b. Tap the file. Then open Settings > Profile Downloaded (or General > VPN
     & Device Management), tap Install, type the code of the device, and
     then the password of the file. "Not Verified" is normal here.
  c. Add the account: Settings > Apps > Mail > Mail Accounts > Add Account >
     Other (before iOS 18: Settings > Mail > Accounts), with the settings of
     section 2.
  d. If messages stay closed, open that account, Account Settings > Advanced
     > Encrypt by Default, turn it on, and see that this certificate has the
     check mark. There are versions that open mail only with the certificate
     that is selected there; to read older mail, select an older one.

7. ANDROID

  The app FairEmail opens S/MIME mail. As far as we know, Gmail and most
  other apps do not in an IMAP account.
  a. Copy certificate-compatible.p12 to the device. Open Settings > Security
     & privacy > More > Encryption & credentials > Install a certificate > VPN
     & app user certificate (names differ; search the settings for
     "certificate"), choose the file, and type the password of the file.
  b. Add the account in FairEmail with the settings of section 2.
  c. Open a message and tap the padlock; choose the key when Android asks.
`;
}

function commandLine(): string {
  return `
8. MUTT AND THE COMMAND LINE

  Open one message that was saved to a file:

    umask 077
    openssl pkcs12 -in certificate.p12 -nodes -out vaultbox.pem
    openssl cms -decrypt -in message.eml -recip vaultbox.pem \\
      -inkey vaultbox.pem -out opened.eml

  vaultbox.pem then holds the key without a password: delete it afterwards.

  mutt, with the settings of the smime.rc that comes with it:

    smime_keys init
    smime_keys add_p12 certificate.p12

    set crypt_use_gpgme = no
    set smime_decrypt_use_default_key = yes
    set smime_decrypt_command = "openssl cms -decrypt -passin stdin \\
      -inform DER -in %f -inkey %k -recip %c"

  and smime_default_key as smime_keys has printed it.

  GnuPG (KMail, Kleopatra, Claws Mail); version 2.2 reads only this file:

    gpgsm --import certificate-compatible.p12
`;
}

function troubles(): string {
  return `
9. IF IT SAYS "WRONG PASSWORD"

  - Try the other file, certificate-compatible.p12. Older systems say "wrong
    password" when they mean that they do not know the format.
  - Take the password of the .p12 files, not that of the mailbox.
  - Capital and small letters differ, and spaces count. Copying may have
    added a space at the end.
  - Nobody can find out a forgotten password. Ask for a new archive; that is
    possible only where the server still has the key.

10. IF A MESSAGE DOES NOT OPEN

  - Close the mail program and start it again after the import.
  - Perhaps it was encrypted to another certificate: import the older ones,
    or a newer archive.
  - A warning that the certificate is not trusted or has expired does not
    matter for reading. The certificate is signed by itself, as no authority
    is needed to open your own mail. It matters only to people who check
    signatures that you make.

11. WHEN A NEW CERTIFICATE COMES

  Import the new archive, and KEEP the old key and certificate in the mail
  program. Each message opens with a key that was there when it arrived.
  Nothing has to be done on a certain day: mail goes on being encrypted to
  the certificates that you have fetched.
`;
}

function limits(): string {
  return `
12. WHAT THIS DOES NOT PROTECT

  - Sender, recipients, date and, if not set otherwise, the subject of a
    message stay readable on the server.
  - Mail is encrypted when it arrives. Before that it is as readable as
    other mail: at the sender, on the way, and for moments on the server.
  - Copies that your own mail program stores, such as Sent and Drafts, may
    be readable.
  - Encryption does not prove who wrote a message.
  - Leave remote images and other remote content off. Somebody who can
    change stored mail could use them to learn what is in it.
  - The server cannot search the text of messages; your mail program can.
  - A device that is unlocked, or this archive with its password, opens
    everything. The server may keep a sealed copy of the key, if the mailbox
    is set up so; ask the people who run it.
`;
}
