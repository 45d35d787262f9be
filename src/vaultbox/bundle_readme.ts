/**
 * README.txt of a bundle: how a person gets the key into a mail program.
 *
 * @module
 */

import {
  CLIENT_GUIDES,
  type ClientGuide,
  ELLIPTIC_CURVE_WARNING,
} from "./client_guides.ts";

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
  /** Whether the server's copy of the keys goes when the bundle has arrived. */
  readonly isOnlyCopy: boolean;
  /** Earlier keys that the server has destroyed, so that no bundle has them. */
  readonly destroyedKeys: number;
  /** The certificates in the bundle, newest first; at least one. */
  readonly certificates: readonly ReadmeCertificate[];
}

/** What is said of a certificate. */
export interface ReadmeCertificate {
  /** SHA-256 of the certificate, 64 lower-case hexadecimal digits. */
  readonly fingerprintSha256: string;
  /** Last moment of validity. */
  readonly notAfter: Date;
  /** Whether an authority has issued it. */
  readonly isIssued: boolean;
  /** Whether its key is on an elliptic curve, and not RSA. */
  readonly isEllipticCurve: boolean;
}

/** Columns of a line. */
const WIDTH = 76;

/** Columns of file names in the list of contents. */
const NAME_WIDTH = 28;

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
  const sections: [title: string, text: string][] = [
    ["WHAT IS HERE", contents(options)],
    ["ACCOUNT SETTINGS", account(options)],
    ...options.isOnlyCopy
      ? [["SAY THAT THE ARCHIVE HAS ARRIVED", arrival()] as [string, string]]
      : [],
    ["WHICH FILE, AND IN WHICH ORDER", order(options)],
    ...CLIENT_GUIDES.map((guide): [string, string] => [
      guide.title.toUpperCase(),
      client(guide, options),
    ]),
    ['IF IT SAYS "WRONG PASSWORD"', wrongPassword()],
    ["IF A MESSAGE DOES NOT OPEN", closed()],
    ["WHEN A NEW CERTIFICATE COMES", renewal(options)],
    ["WHAT THIS DOES NOT PROTECT", limits(options)],
  ];
  const text = intro(options) +
    sections.map(([title, text], n) => `\n${n + 1}. ${title}\n\n${text}`).join(
      "",
    );
  return text.replaceAll("\n", "\r\n");
}

function intro({ address, isOnlyCopy }: BundleReadmeOptions): string {
  const title = `ENCRYPTED MAILBOX ${address}`;
  const copies = isOnlyCopy
    ? "The server destroys its copy of the key as soon as somebody confirms that this archive has arrived. THEN THIS IS THE ONLY ONE: make a second copy of it, and keep its password elsewhere."
    : "The server keeps a copy of the key under a key of its own, and can make this archive again, with another password if you like.";
  return `${title}\n${"=".repeat(Math.min(WIDTH, title.length))}\n\n` +
    paragraph(
      "Unpack the archive (.zip) first: on Windows right-click it and choose Extract All, on a Mac double-click it, on a phone or tablet tap it in Files.",
    ) + "\n" + paragraph(
      "Mail to this address is encrypted on arrival. Reading it takes the key in this archive. Import the key once on each device, then read mail as usual.",
    ) + "\n" + paragraph(
      `Keep this archive in a safe place. Whoever has it and its password can read the mail. If all copies of the key are lost, nobody can open the mail again. ${copies}`,
    );
}

function contents(
  { certificates, destroyedKeys }: BundleReadmeOptions,
): string {
  const [newest, ...previous] = certificates;
  const list = [
    file("certificate.p12", "Key and certificate for current programs."),
    file(
      "certificate-compatible.p12",
      "The same key and certificate for older programs.",
    ),
    file(
      "certificate.pem",
      "The certificate alone. It is public: give it to people who want to send you encrypted mail.",
    ),
    file(
      "setup.mobileconfig",
      "For iPhone, iPad and Mac: account and keys in one file.",
    ),
    ...newest!.isIssued
      ? [file("issuer.pem", "The authority that issued the certificate.")]
      : [],
    ...previous.map(({ notAfter, fingerprintSha256 }, n) =>
      file(
        `previous/${n + 1}/`,
        `The same of an earlier certificate, valid until ${
          day(notAfter)
        }, fingerprint ${
          fingerprintSha256.slice(0, 8)
        }... Mail of its time opens with it only.`,
      )
    ),
  ];
  return `${list.join("")}
Valid until ${day(newest!.notAfter)} (UTC); mail can be read after that as well.
SHA-256 fingerprint of the certificate:
  ${newest!.fingerprintSha256}

${
    paragraph(
      "The password of the .p12 files is the one that was chosen or shown when this archive was made. It is the same for all of them. It is not in the archive, and it is neither the password of the mailbox nor the code of your device.",
    )
  }${
    destroyedKeys === 0 ? "" : "\n" + paragraph(
      `NOT here: the server has destroyed its copies of earlier keys (${destroyedKeys}). Mail of their time opens with the earlier archives alone. KEEP those, with their passwords.`,
    )
  }`;
}

function account(options: BundleReadmeOptions): string {
  const { username, address } = options;
  const also = username === undefined ? "" : `${username} works as well. `;
  return `  E-mail address   ${address}
  User name        ${address}
${
    wrapped(
      `${also}If a password came with another user name, take that one.`,
      " ".repeat("  User name        ".length),
    )
  }  Passwords        one for incoming and one for outgoing mail; neither is
                   the password of the .p12 files
  Incoming mail    IMAP, ${options.hostname}, port ${options.imapPort}, SSL/TLS
  Outgoing mail    SMTP, ${options.hostname}, port ${options.submissionPort}, STARTTLS
  Authentication   normal password, for both
`;
}

function order({ certificates }: BundleReadmeOptions): string {
  const table = ["certificate.p12", "certificate-compatible.p12"].flatMap(
    (name) =>
      CLIENT_GUIDES.filter(({ file }) => file === name)
        .map(({ title }) => `  ${name.padEnd(NAME_WIDTH)}${title}\n`),
  );
  const texts = [
    ...certificates.length > 1
      ? [
        "Import the keys in previous/ as well, each with the same steps: the highest number first, and the one at the top last. A program that takes the latest import for its own then takes the newest.",
      ]
      : [],
    "Both files hold the same key. Importing both does no harm.",
    ...certificates.some(({ isEllipticCurve }) => isEllipticCurve)
      ? [ELLIPTIC_CURVE_WARNING]
      : [],
  ];
  return `${table.join("")}\n${
    texts.map((each) => paragraph(each)).join("\n")
  }`;
}

function client(guide: ClientGuide, options: BundleReadmeOptions): string {
  const { steps, commands = [], notes, send = [], selfSigned } = guide;
  const { isIssued } = options.certificates[0]!;
  const parts = [
    lettered(steps, 0),
    commands.map((line) => line === "" ? "\n" : `    ${line}\n`).join(""),
    [...notes, ...!isIssued && selfSigned ? [selfSigned] : []]
      .map((note) => wrapped(note, "  ")).join(""),
    isIssued && send.length > 0
      ? "  To sign and encrypt what you send as well:\n" +
        lettered(send, steps.length)
      : "",
  ];
  return parts.filter((part) => part !== "").join("\n");
}

function wrongPassword(): string {
  return items(
    'Try the other file, certificate-compatible.p12. Older systems say "wrong password" when they mean that they do not know the format.',
    "Take the password of the .p12 files, not that of the mailbox.",
    "Capital and small letters differ, and spaces count. Copying may have added a space at the end.",
    "Letters beyond ASCII, such as accents, do not work in Java's keytool and in some versions of GnuPG. Have an archive made with another password.",
    "Nobody can find out a forgotten password. Ask for a new archive; that is possible only where the server still has the key.",
  );
}

function closed(): string {
  return items(
    "Close the mail program and start it again after the import.",
    "Perhaps it was encrypted to another certificate: import those in previous/, or a newer archive.",
    "A warning that the certificate is not trusted or has expired does not matter for reading. It matters to people who check signatures that you make.",
  );
}

function arrival(): string {
  return lettered([
    "Import the key as described below, and open a message that came to this address.",
    "Make a second copy of the archive, packed as it is, and keep its password elsewhere.",
    "Find out the SHA-256 of the packed archive, which has 64 digits. On a computer type, with the name of your file:",
  ], 0) + `
    Windows:  certutil -hashfile bundle.zip SHA256
    macOS:    shasum -a 256 bundle.zip
    Linux:    sha256sum bundle.zip

` + lettered([
    "Tell the SHA-256 to whoever operates the service that gave you the archive. They confirm it, and the server destroys its copy. Never do that before a message has opened: after it nobody can make the archive again.",
  ], 3) + "\n" + wrapped(
    "An archive that was fetched twice within the hour is two files with the same keys. Each has the password that was given for it, and a SHA-256 of its own: confirm the one that you have opened, and keep that one with its password.",
    "  ",
  );
}

function renewal({ isOnlyCopy }: BundleReadmeOptions): string {
  const archives = isOnlyCopy
    ? " KEEP the earlier archives as well: the new one does not have the keys whose copies the server has destroyed."
    : "";
  return paragraph(
    `Import the new archive, and KEEP the old key and certificate in the mail program: never delete one. Each message opens with a key that was there when it arrived. Nothing has to be done on a certain day: mail goes on being encrypted to the certificates that you have fetched, expired ones too, until you retire them.${archives}`,
  );
}

function limits({ isOnlyCopy }: BundleReadmeOptions): string {
  return items(
    "Sender, recipients, date and, if not set otherwise, the subject of a message stay readable on the server.",
    "Mail is encrypted when it arrives. Before that it is as readable as other mail: at the sender, on the way, and for moments on the server.",
    "Copies that your own mail program stores, such as Sent and Drafts, may be readable.",
    "Encryption does not prove who wrote a message.",
    "Leave remote images and other remote content off. Somebody who can change stored mail could use them to learn what is in it.",
    "The server cannot search the text of messages; your mail program can.",
    `A device that is unlocked, or this archive with its password, opens everything.${
      isOnlyCopy
        ? ""
        : " So does the server's copy of the key, for whoever controls the server."
    }`,
  );
}

function day(time: Date): string {
  return time.toISOString().slice(0, 10);
}

/** One file of the list of contents. */
function file(name: string, text: string): string {
  return wrapped(text, name.padEnd(NAME_WIDTH));
}

function lettered(steps: readonly string[], from: number): string {
  return steps.map((step, n) =>
    wrapped(step, `  ${String.fromCharCode(0x61 + from + n)}. `)
  ).join("");
}

function items(...texts: readonly string[]): string {
  return texts.map((text) => wrapped(text, "  - ")).join("");
}

function paragraph(text: string): string {
  return wrapped(text, "");
}

/** Breaks a text into lines: the first begins with `head`, the others under it. */
function wrapped(text: string, head: string): string {
  const lines: string[] = [];
  let line = head;
  let isEmpty = true;
  for (const word of text.split(" ")) {
    if (!isEmpty && line.length + 1 + word.length > WIDTH) {
      lines.push(line);
      line = " ".repeat(head.length);
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return `${[...lines, line].join("\n")}\n`;
}
