/**
 * The part of the table of commands that is about vaultboxes.
 *
 * @module
 */

import type { Command } from "./command.ts";

/** Commands on vaultboxes, in the order of the help. */
export const VAULTBOX_COMMANDS: readonly Command[] = [
  {
    name: "vaultbox create",
    usage:
      "ADDRESS --user UUID | --operator [--name TEXT] [--key-type WORD] [--custody WORD]",
    summary: "Create a vaultbox and print its id",
    help: [
      "--user UUID  whose it is; the first one in a domain makes the domain theirs",
      "--operator   the operator's own: postmaster@ and abuse@ of every domain",
      "--name TEXT  name for people; the address if left out",
      "--custody WORD  who holds the key: server (if left out), client, or external,",
      "             which takes the owner's certificate from standard input, or a request",
      "             (CSR): then the certificate is printed behind the id",
      "--key-type WORD  rsa-2048, rsa-3072, rsa-4096 or p-256; CERT_KEY_TYPE if left out",
    ].join("\n"),
    run: async (args, io) =>
      (await import("./vaultboxes.ts")).runVaultboxCreate(args, io),
  },
  {
    name: "vaultbox list",
    usage: "[--user UUID] [--domain DOMAIN]",
    summary: "List vaultboxes: id, address, messages, octets, user",
    run: async (args, io) =>
      (await import("./vaultboxes.ts")).runVaultboxList(args, io),
  },
  {
    name: "vaultbox show",
    usage: "ADDRESS | ID",
    summary: "Show a vaultbox and its certificates",
    run: async (args, io) =>
      (await import("./vaultboxes.ts")).runVaultboxShow(args, io),
  },
  {
    name: "vaultbox encryption",
    usage: "ADDRESS | ID [OPTIONS]",
    summary: "Show or change how new mail of a vaultbox is encrypted",
    help: [
      "--content-cipher WORD     aes-128-cbc, aes-256-cbc or aes-256-gcm",
      "--key-transport WORD      rsaes-pkcs1-v1_5 or rsaes-oaep, for RSA keys",
      "--header-protection WORD  off, protect or hide",
      "--trial                   send a mail like that; nothing changes before `vaultbox confirm`",
      "--explicit                needed for aes-256-gcm, rsaes-oaep and hide without a trial",
      "The word `default` takes the appliance's default again.",
    ].join("\n"),
    run: async (args, io) =>
      (await import("./encryption.ts")).runVaultboxEncryption(args, io),
  },
  {
    name: "vaultbox confirm",
    usage: "ADDRESS | ID CODE",
    summary: "Switch on what the mail of a trial was encrypted with",
    run: async (args, io) =>
      (await import("./encryption.ts")).runVaultboxConfirm(args, io),
  },
  {
    name: "vaultbox suspend",
    usage: "ADDRESS | ID",
    summary:
      "Take no mail for a vaultbox and let nobody in, until it is resumed",
    help: "Its mail stays. What senders are told is ENCIMAP_SUSPENDED_MAIL.",
    run: async (args, io) =>
      (await import("./vaultbox_changes.ts")).runVaultboxSuspend(args, io),
  },
  {
    name: "vaultbox resume",
    usage: "ADDRESS | ID",
    summary: "End the suspension of a vaultbox",
    run: async (args, io) =>
      (await import("./vaultbox_changes.ts")).runVaultboxResume(args, io),
  },
  {
    name: "vaultbox limits",
    usage: "ADDRESS | ID [--max-bytes N|none] [--max-messages N|none]",
    summary: "Set limits of a vaultbox, and show them with what is used",
    help: [
      "--max-bytes N     octets as stored; 65536 at least",
      "--max-messages N  messages",
      "The word `none` takes a limit away. Without an option nothing is changed.",
    ].join("\n"),
    run: async (args, io) =>
      (await import("./vaultbox_changes.ts")).runVaultboxLimits(args, io),
  },
  {
    name: "vaultbox publish",
    usage: "ADDRESS | ID on|off",
    summary: "Publish the certificate of a vaultbox, or do so no more",
    help:
      "`encimap dns DOMAIN` has the records; with --web others fetch it, too.",
    run: async (args, io) =>
      (await import("./vaultbox_changes.ts")).runVaultboxPublish(args, io),
  },
  {
    name: "vaultbox delete",
    usage: "ADDRESS | ID [--yes]",
    summary:
      "Say what a deletion means, and with --yes delete mail, keys and credentials",
    help: "--yes  delete it, for good",
    run: async (args, io) =>
      (await import("./vaultboxes.ts")).runVaultboxDelete(args, io),
  },
];
