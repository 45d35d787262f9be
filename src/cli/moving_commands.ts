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
      "comes or is moved meanwhile may be missing: suspend the vaultbox first, or export",
      "again.",
    ].join("\n"),
    run: async (args, io) => (await import("./export.ts")).runExport(args, io),
  },
];
