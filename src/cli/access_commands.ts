/**
 * The part of the table of commands that is about customers, credentials, links
 * and the audit log.
 *
 * @module
 */

import type { Command } from "./command.ts";

/** Commands on who may do what, and who has done it, in the order of the help. */
export const ACCESS_COMMANDS: readonly Command[] = [
  {
    name: "customer list",
    usage: "",
    summary:
      "List users: id, vaultboxes, and where counted messages and octets",
    run: async (args, io) =>
      (await import("./vaultbox_changes.ts")).runCustomerList(args, io),
  },
  {
    name: "customer limits",
    usage:
      "UUID [--max-vaultboxes N|none] [--max-bytes N|none] [--max-messages N|none]",
    summary: "Set limits of a user, and show them with what is used",
    help: [
      "--max-vaultboxes N  vaultboxes",
      "--max-bytes N       octets in all of them together; 65536 at least",
      "--max-messages N    messages in all of them together",
      "The word `none` takes a limit away. Without an option nothing is changed.",
    ].join("\n"),
    run: async (args, io) =>
      (await import("./vaultbox_changes.ts")).runCustomerLimits(args, io),
  },
  {
    name: "credential create",
    usage:
      "ADDRESS | ID [--label TEXT] [--scope WORD] [--days N] [--networks LIST]",
    summary: "Make a credential for a device, and print user name and password",
    help: [
      "--label TEXT     for people, such as the device; `operator` if left out",
      "--scope WORD     imap, smtp or both; both if left out",
      "--days N         for how long it opens anything; for ever if left out",
      "--networks LIST  where logins may come from, as 192.0.2.0/24,2001:db8::/32",
      "",
      "The password is shown this once.",
    ].join("\n"),
    run: async (args, io) =>
      (await import("./app_credentials.ts")).runCredentialCreate(args, io),
  },
  {
    name: "credential list",
    usage: "ADDRESS | ID [--json]",
    summary:
      "List credentials: id, user name, scope, end, last use, networks, label",
    help: "--json  print one object of JSON on each line, as the API has it",
    run: async (args, io) =>
      (await import("./app_credentials.ts")).runCredentialList(args, io),
  },
  {
    name: "credential password",
    usage: "ADDRESS | ID CREDENTIAL",
    summary:
      "Give a credential a new password, and end the vaultbox's sessions",
    help: "CREDENTIAL  id of `credential list`",
    run: async (args, io) =>
      (await import("./app_credentials.ts")).runCredentialPassword(args, io),
  },
  {
    name: "credential delete",
    usage: "ADDRESS | ID CREDENTIAL",
    summary: "Revoke a credential, and end the vaultbox's sessions",
    help: "CREDENTIAL  id of `credential list`",
    run: async (args, io) =>
      (await import("./app_credentials.ts")).runCredentialDelete(args, io),
  },
  {
    name: "setup-link create",
    usage: "ADDRESS | ID [--seconds N] [--with-credential]",
    summary: "Make a link by which keys or an Apple profile are fetched once",
    help: [
      "--seconds N        how long it works, 60 to 3600; 900 if left out",
      "--with-credential  an Apple profile has a new credential in it, in clear",
    ].join("\n"),
    run: async (args, io) =>
      (await import("./setup_links.ts")).runSetupLinkCreate(args, io),
  },
  {
    name: "setup-link list",
    usage: "ADDRESS | ID [--json]",
    summary: "List one-time links: id, end or use, kind; the newest first",
    help: "--json  print one object of JSON on each line, as the API has it",
    run: async (args, io) =>
      (await import("./setup_links.ts")).runSetupLinkList(args, io),
  },
  {
    name: "setup-link delete",
    usage: "ADDRESS | ID LINK",
    summary: "Take a one-time link back",
    help: "LINK  id of `setup-link list`",
    run: async (args, io) =>
      (await import("./setup_links.ts")).runSetupLinkDelete(args, io),
  },
  {
    name: "audit",
    usage: "[ADDRESS | ID] [--action WORD] [--limit N] [--json]",
    summary: "Print who has changed what, the newest first",
    help: [
      "--action WORD  one kind of change, such as credential.create",
      "--limit N      entries; 100 if left out",
      "--json         print one object of JSON on each line, as the API has it",
      "",
      "Of a deleted vaultbox by its ID. Entries are: time, who, what, vaultbox, domain,",
      "details.",
    ].join("\n"),
    run: async (args, io) => (await import("./audit.ts")).runAudit(args, io),
  },
];
