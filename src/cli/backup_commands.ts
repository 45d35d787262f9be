/**
 * The part of the table of commands that is about backups.
 *
 * @module
 */

import { type Command, EXIT, type Io } from "./command.ts";

/** What the wrapper gives to the script; here are only the words about it. */
function script(
  name: string,
  usage: string,
  summary: string,
  ...help: string[]
): Command {
  return {
    name,
    usage,
    summary,
    help: help.join("\n"),
    run(_args: readonly string[], io: Io): Promise<number> {
      io.warn(
        `encimap ${name}: this needs root and /usr/local/bin/encimap, which install.sh puts in place`,
      );
      return Promise.resolve(EXIT.failed);
    },
  };
}

/** Commands on backups, in the order of the help; the longer names first. */
export const BACKUP_COMMANDS: readonly Command[] = [
  script(
    "backup init",
    "REPOSITORY [--password-file FILE]",
    "Name the repository of the backups, and make it if it is new",
    "REPOSITORY            as restic takes it: a folder, sftp:USER@HOST:PATH, s3:URL/BUCKET",
    "--password-file FILE  the password of a repository that exists; else one is made and",
    "                      shown once. Without it no backup can be read: keep it elsewhere",
    "",
    "Access keys of S3 and the like are lines NAME=value of /etc/encimap/backup.env, which",
    "this command writes and keeps; put them there first.",
  ),
  script(
    "backup list",
    "",
    "List the backups in the repository",
  ),
  script(
    "backup check",
    "[--read-data]",
    "Check that the repository is whole",
    "--read-data  read every octet of it, and not only its structure",
  ),
  script(
    "backup prune",
    "[--dry-run]",
    "Remove backups that BACKUP_KEEP no longer keeps",
    "--dry-run  say which and change nothing",
    "",
    "BACKUP_KEEP is a line of /etc/encimap/backup.env, options of `restic forget`; if it is",
    "not there, --keep-daily 7 --keep-weekly 5 --keep-monthly 12.",
  ),
  {
    name: "backup mail",
    usage: "",
    summary: "Freeze the mail by hard links; a part of `encimap backup`",
    run: async (args, io) =>
      (await import("./backup.ts")).runBackupMail(args, io),
  },
  script(
    "backup",
    "[--dry-run]",
    "Save database, keys, mail and settings, encrypted, while everything runs",
    "--dry-run  check that all is there that a backup needs, and save nothing",
    "",
    "The timer encimap-backup.timer does it every night once there is a repository.",
  ),
  {
    name: "restore finish",
    usage: "MADE_AT",
    summary:
      "Take what may have been used since a backup out of use; a part of `encimap restore`",
    run: async (args, io) =>
      (await import("./backup.ts")).runRestoreFinish(args, io),
  },
  script(
    "restore",
    "[--repository REPOSITORY --password-file FILE] [--snapshot ID] [--dry-run | --yes]",
    "Replace database, keys, mail and settings of this machine by those of a backup",
    "--repository REPOSITORY  where the backups are; as `backup init` was told if left out",
    "--password-file FILE     its password",
    "--snapshot ID            which one, of `backup list`; the latest if left out",
    "--dry-run                say what would be restored and change nothing",
    "--yes                    do not ask",
    "",
    "What is replaced is put aside and not removed; it says where.",
  ),
  {
    name: "keys check",
    usage: "",
    summary:
      "Open every private key with the master key, and name those that do not open",
    help: [
      "Exit status:",
      "  0   all of them open",
      "  1   some do not, or it failed",
      "  2   none does: this is another master key",
      "  64  wrong arguments",
      "  78  wrong configuration",
    ].join("\n"),
    run: async (args, io) =>
      (await import("./rotation.ts")).runKeysCheck(args, io),
  },
  {
    name: "keys replace-lost",
    usage: "[--yes]",
    summary:
      "Say which private keys are lost, and with --yes make new ones in their place",
    help: "--yes  make new keys, and give the lost ones up, for good",
    run: async (args, io) =>
      (await import("./rotation.ts")).runReplaceLost(args, io),
  },
  script(
    "keys rotate-master",
    "[--dry-run]",
    "Put all private keys under a new master key",
    "--dry-run  say whether it can be done and change nothing",
    "",
    "The API and port 587 are stopped meanwhile; incoming mail is not. A run that was interrupted is gone on with",
    "by the next one: until then they do not start.",
  ),
  script(
    "keys rotate-hmac",
    "[--lost]",
    "Make a new HMAC key, and the HMACs of all messages under it",
    "--lost  the former key is lost: believe that every stored message is as it was stored",
    "",
    "All mail is read once, while everything runs. A run that was interrupted is gone on with",
    "by the next one; `encimap verify` waits for its end.",
  ),
  {
    name: "keys rewrap",
    usage: "FILE [--dry-run]",
    summary:
      "Put what is under the former master key in FILE under the one in use; a part of `keys rotate-master`",
    help: "--dry-run  say whether it can be done and change nothing",
    run: async (args, io) =>
      (await import("./rotation.ts")).runRewrap(args, io),
  },
  {
    name: "keys hmac-scan",
    usage: "[FILE]",
    summary:
      "Print the new HMAC of each message, by its HMAC under the key in FILE; a part of `keys rotate-hmac`",
    run: async (args, io) =>
      (await import("./rotation.ts")).runHmacScan(args, io),
  },
  {
    name: "keys hmac-apply",
    usage: "",
    summary:
      "Store what `keys hmac-scan` printed; a part of `keys rotate-hmac`",
    run: async (args, io) =>
      (await import("./rotation.ts")).runHmacApply(args, io),
  },
];
