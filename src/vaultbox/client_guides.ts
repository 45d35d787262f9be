/**
 * How a person gets a key into a mail program: the one source of README.txt in
 * bundles and of the instructions elsewhere.
 *
 * Texts are plain ASCII; `>` stands between the levels of a menu.
 *
 * @module
 */

/** Instructions for one mail program or a family of them. */
export interface ClientGuide {
  /** Name of the program. */
  readonly title: string;
  /** Which file it imports; undefined if it cannot read this mail. */
  readonly file:
    | "certificate.p12"
    | "certificate-compatible.p12"
    | undefined;
  /** Steps until mail can be read, in order. */
  readonly steps: readonly string[];
  /** Lines to type, at most 72 columns each. */
  readonly commands?: readonly string[];
  /** What to know besides. */
  readonly notes: readonly string[];
  /** More steps to sign and encrypt with a certificate of an authority. */
  readonly send?: readonly string[];
  /** What to know if the certificate is signed by itself. */
  readonly selfSigned?: string;
}

/** What is said where a key is on an elliptic curve. */
export const ELLIPTIC_CURVE_WARNING =
  "A key here is on an elliptic curve (P-256), which fewer programs know: GnuPG 2.2 crashes when it imports the file and does not get the key, use 2.4; Thunderbird before 128, FairEmail and, as far as we know, Apple Mail do not open mail to such a key. Ask for an RSA key for these.";

/** All programs, in the order in which they are shown. */
export const CLIENT_GUIDES: readonly ClientGuide[] = [
  {
    title: "Thunderbird (Windows, macOS, Linux)",
    file: "certificate.p12",
    steps: [
      "Open the menu (three bars) > New Account > Email (before version 128: Account Settings > Account Actions > Add Mail Account). Type your name and the address, and the servers and the user name are found by it; if they are not, take the account settings under manual configuration. Then type the password for incoming mail.",
      "Open Settings > Privacy & Security, go down to Certificates, and click Manage Certificates.",
      "On the tab Your Certificates click Import, choose certificate.p12, and type the password of the file. If Thunderbird asks for a Primary Password, that is its own.",
    ],
    notes: [
      "Messages open from now on. No certificate has to be chosen for that.",
    ],
    send: [
      "In Manage Certificates, on the tab Authorities, click Import, choose issuer.pem, and tick Trust this CA to identify email users.",
      "In Account Settings > End-To-End Encryption, under S/MIME, select the certificate for signing and for encryption.",
    ],
    selfSigned:
      "Thunderbird does not sign or encrypt what it sends with this certificate, which is signed by itself: it wants an authority for that.",
  },
  {
    title: "Apple Mail on a Mac",
    file: "certificate-compatible.p12",
    steps: [
      'Double-click certificate-compatible.p12. Keychain Access opens; choose the keychain "login" and type the password of the file.',
      "Quit Mail and open it again.",
      "Add the account: Mail > Settings > Accounts > + > Other Mail Account, with the account settings.",
    ],
    notes: [
      "Shorter: double-click setup.mobileconfig and install it in System Settings > General > Device Management. It has the account and all keys; each key asks for the password of the files.",
      "Mail finds the key by the address. When macOS asks whether Mail may use the key, type the password of your Mac and click Always Allow.",
    ],
    send: [
      "Double-click issuer.pem. In Keychain Access double-click the certificate, open Trust, and set Secure Mail (S/MIME) to Always Trust.",
      "Write a message from this address: buttons for signing and encrypting are beside the subject.",
    ],
  },
  {
    title: "iPhone and iPad",
    file: "certificate-compatible.p12",
    steps: [
      "Bring certificate-compatible.p12 to the device, with AirDrop or the Files app for example. (A .zip is unpacked by a tap in Files.) Do not mail it to this mailbox: you could not open it.",
      'Tap the file. Then open Settings > Profile Downloaded (or General > VPN & Device Management), tap Install, type the code of the device, and then the password of the file. "Not Verified" is normal here.',
      "Add the account: Settings > Apps > Mail > Mail Accounts > Add Account > Other (before iOS 18: Settings > Mail > Accounts), with the account settings.",
      "If messages stay closed, open that account, Account Settings > Advanced > Encrypt by Default, turn it on, and see that this certificate has the check mark.",
    ],
    notes: [
      "Shorter: bring setup.mobileconfig instead and install it in the same way. It has the account and all keys; each key asks for the password of the files.",
      "There are versions that open mail only with the certificate that is selected there; to read older mail, select an older one.",
    ],
    send: [
      "Bring issuer.pem to the device and install it in the same way.",
      "In Account Settings > Advanced turn Sign on and select the certificate.",
    ],
  },
  {
    title: "Outlook (classic) for Windows",
    file: "certificate.p12",
    steps: [
      "Double-click certificate.p12, choose Current User, type the password of the file, and let Windows choose the certificate store. (Or in Outlook: File > Options > Trust Center > Trust Center Settings > Email Security > Import/Export.)",
      "Add the account: File > Add Account > Advanced options > set up manually > IMAP, with the account settings.",
      "Start Outlook again. If the reading pane does not show a message, open it in a window of its own.",
    ],
    notes: [
      "Windows before 10 (1709) needs certificate-compatible.p12.",
    ],
    send: [
      "Rename issuer.pem to issuer.crt, double-click it, and click Install Certificate > Current User > Place all certificates in the following store > Trusted Root Certification Authorities.",
      "File > Options > Trust Center > Trust Center Settings > Email Security > Settings: choose the certificate for signing and for encryption.",
    ],
  },
  {
    title: "New Outlook for Windows, Outlook on the web and for phones",
    file: undefined,
    steps: [],
    notes: [
      "As far as we know they open S/MIME mail in Microsoft 365 and Exchange accounts only, and so cannot read this mailbox. They also hand the password of an IMAP account to Microsoft's servers. Use another program.",
    ],
  },
  {
    title: "Android: FairEmail",
    file: "certificate-compatible.p12",
    steps: [
      'Copy certificate-compatible.p12 to the device. Open Settings > Security & privacy > More > Encryption & credentials > Install a certificate > VPN & app user certificate (names differ; search the settings for "certificate"), choose the file, and type the password of the file.',
      "Add the account in FairEmail with the account settings.",
      "Open a message and tap the padlock; choose the key when Android asks.",
    ],
    notes: [
      "Keep the name that Android proposes for each key: one of the same name may take the place of another.",
      "As far as we know, Gmail and most other apps do not open S/MIME mail in an IMAP account.",
    ],
  },
  {
    title: "KMail, Kleopatra, Claws Mail (GnuPG)",
    file: "certificate-compatible.p12",
    steps: [
      "In Kleopatra choose File > Import and certificate-compatible.p12, and type the password of the file. GnuPG then asks for a password that is to protect the key on this computer. Without Kleopatra type the command below.",
      "Add the account in the mail program with the account settings.",
    ],
    commands: ["gpgsm --import certificate-compatible.p12"],
    notes: [
      "GnuPG 2.4 reads certificate.p12 as well, version 2.2 does not.",
    ],
  },
  {
    title: "Evolution (Linux)",
    file: "certificate.p12",
    steps: [
      "Open Edit > Preferences > Certificates, on the tab Your Certificates click Import, choose certificate.p12, and type the password of the file. If it asks for another password first, that is one of its own for its store of keys.",
      "Add the account: Edit > Accounts > Add > Mail Account, with the account settings.",
    ],
    notes: [],
    send: [
      "In Preferences > Certificates, on the tab Authorities, import issuer.pem and trust it for e-mail.",
      "In the settings of the account, under Security, select the certificate for signing and for encryption.",
    ],
  },
  {
    title: "mutt",
    file: "certificate.p12",
    steps: [
      "Take the settings of the smime.rc that comes with mutt, and add the lines below to them, with smime_default_key as smime_keys prints it.",
      "Type the two commands at the end.",
    ],
    commands: [
      "set crypt_use_gpgme = no",
      "set smime_decrypt_use_default_key = yes",
      'set smime_decrypt_command = "openssl cms -decrypt -passin stdin \\',
      '  -inform DER -in %f -inkey %k -recip %c"',
      "",
      "smime_keys init",
      "smime_keys add_p12 certificate.p12",
    ],
    notes: [],
  },
  {
    title: "OpenSSL: one message, saved to a file",
    file: "certificate.p12",
    steps: [],
    commands: [
      "umask 077",
      "openssl pkcs12 -in certificate.p12 -nodes -out vaultbox.pem",
      "openssl cms -decrypt -in message.eml -recip vaultbox.pem \\",
      "  -inkey vaultbox.pem -out opened.eml",
    ],
    notes: [
      "vaultbox.pem then holds the key without a password: delete it afterwards.",
      'After a renewal it may say "Error decrypting CMS using private key": the message is to an earlier certificate. Leave "-recip vaultbox.pem" out, or take the certificate.p12 of that time, which is in previous/ of a bundle.',
    ],
  },
];
