/**
 * The part of the table of commands that is about mail that moves in or out.
 *
 * @module
 */

import type { Command } from "./command.ts";

/** Commands on mail from elsewhere and to elsewhere, in the order of the help. */
export const MOVING_COMMANDS: readonly Command[] = [
  {
    // Before `export`, whose first words it has.
    name: "export mail",
    usage: "ADDRESS | ID | --user UUID <FILE",
    summary: "The second part of `export`, which adds the mail; not for people",
    run: async (args, io) =>
      (await import("./export.ts")).runExportMail(args, io),
  },
  {
    name: "export",
    usage: "[--password-stdin] [--dry-run] ADDRESS | ID | --user UUID >FILE",
    summary:
      "Write mail, keys and records of a vaultbox or a customer as a tar archive",
    help: [
      "Open formats: Maildir, PKCS#12 and PEM, JSON lines; a README is inside. Keys go out",
      "as in a bundle, with what that means for custody client.",
      "",
      "--user UUID       all vaultboxes of this customer",
      "--password-stdin  read the password of the bundles from standard input; else one is",
      "                  made and shown once, on standard error",
      "--dry-run         say what would be exported",
      "",
      "A failure leaves an archive without an end, which tar complains about. What mail",
      "comes meanwhile may be missing: suspend the vaultbox first, or export again.",
      "",
      "Exit status:",
      "  0   all is in the archive",
      "  1   failed, or something is missing that could not be read, or was moved or",
      "      removed meanwhile; it is named on standard error",
      "  64  wrong arguments",
      "  78  wrong configuration",
    ].join("\n"),
    run: async (args, io) => (await import("./export.ts")).runExport(args, io),
  },
  {
    name: "seal",
    usage: "[--dry-run] [--drafts] [ADDRESS | ID]...",
    summary: "Encrypt what clients have stored in clear, where it lies",
    help: [
      "All vaultboxes if none is named. Flags and dates stay; each message gets a new UID,",
      "as under one UID a message never changes, and clients fetch it again. It may be",
      "stopped at any time, and the next run goes on.",
      "",
      "--dry-run  count what is in clear, and change nothing",
      "--drafts   also what is in Drafts or Templates, or has the flag of a draft: most",
      "           clients cannot go on with one that is encrypted",
      "",
      "Exit status:",
      "  0   nothing is in clear any more but drafts",
      "  1   failed, or something had to be left in clear; it is named on standard error",
      "  2   a dry run has found something in clear",
      "  64  wrong arguments",
      "  78  wrong configuration",
    ].join("\n"),
    run: async (args, io) => (await import("./seal.ts")).runSeal(args, io),
  },
  {
    name: "import",
    usage:
      "ADDRESS | ID --maildir DIRECTORY | --mbox FILE | --imap URL [OPTIONS]",
    summary: "Encrypt mail from elsewhere into a vaultbox",
    help: [
      "Keeps folders, flags and dates. A second run imports nothing twice, so one that",
      "was interrupted is run again. Nothing is on the disk in clear but the source.",
      "",
      "--maildir DIRECTORY  a Maildir with its folders (.Sent or Sent)",
      "--mbox FILE          an mbox; - is standard input",
      "--folder NAME        where the messages of the mbox go; INBOX if left out",
      "--imap URL           a mailbox on another server, imaps://HOST or imaps://HOST:PORT",
      "--login NAME         user name there; the password is read from standard input",
      "--tls-ca FILE        authority that its certificate is by, if it is no public one",
      "--dry-run            count and change nothing",
      "",
      "Runs as the mail user, who must be able to read the source:",
      "setfacl -R -m u:vaultmail:rX DIRECTORY. Limits of the vaultbox hold.",
    ].join("\n"),
    run: async (args, io) => (await import("./import.ts")).runImport(args, io),
  },
];
