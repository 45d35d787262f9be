/**
 * The part of the table of commands that is about the health of the appliance.
 *
 * @module
 */

import type { Command } from "./command.ts";

/** Commands on its health, in the order of the help; the longer name first. */
export const DOCTOR_COMMANDS: readonly Command[] = [
  {
    name: "doctor mend",
    usage: "[--dry-run]",
    summary:
      "Mend owners and modes, and start what is down; a part of `encimap doctor --fix`",
    help: [
      "--dry-run  say what would be done and change nothing",
      "",
      "As root, before `doctor` goes on as its own user.",
    ].join("\n"),
    run: async (args, io) => (await import("./mend.ts")).runMend(args, io),
  },
  {
    name: "doctor",
    usage: "[--json] [--strict] [--fix [--dry-run]]",
    summary: "Check the appliance and say how to mend what is wrong",
    help: [
      "Among others it sends a mail through everything, to a vaultbox that exists for",
      "some seconds. A check that hangs is given up after its time; none stops another.",
      "operations.md has the list of checks, and the form of --json.",
      "",
      "--json     print one object of JSON, at the end",
      "--strict   warnings have an exit status of their own, as plugins of monitoring do",
      "--fix      mend what is safe to mend: owners and modes, units that are down,",
      "           Postfix's maps; as root",
      "--dry-run  with --fix: say what would be mended and change nothing",
      "",
      "Exit status:",
      "  0   nothing has failed",
      "  1   with --strict: nothing has failed, and there are warnings",
      "  2   something has failed",
      "  64  wrong arguments",
      "  78  wrong configuration",
    ].join("\n"),
    run: async (args, io) => (await import("./doctor.ts")).runDoctor(args, io),
  },
];
