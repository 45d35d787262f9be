/**
 * The part of the table of commands that is about the dashboard.
 *
 * @module
 */

import type { Command } from "./command.ts";

/** Commands on the dashboard, in the order of the help; the longer names first. */
export const DASHBOARD_COMMANDS: readonly Command[] = [
  {
    name: "dashboard invite",
    usage:
      "--operator | --customer UUID [--vaultbox UUID] | --reset LOGIN [--hours N]",
    summary: "Print a one-time link that makes an account of the dashboard",
    help: [
      "--operator       an account that may do everything",
      "--customer UUID  one for the domains and vaultboxes of this user",
      "--vaultbox UUID  and of them for this vaultbox alone",
      "--reset LOGIN    a new password for an account; asks for no code any more, and",
      "                 ends its sessions",
      "--hours N        how long the link works, 1 to 168; 24 if left out",
    ].join("\n"),
    run: async (args, io) =>
      (await import("./dashboard.ts")).runDashboardInvite(args, io),
  },
  {
    name: "dashboard save",
    usage: "",
    summary:
      "Write accounts and sessions to standard output, as a file of SQLite",
    help:
      "As they are at one moment, while the dashboard runs. `encimap backup` does this.",
    run: async (_args, io) =>
      (await import("./dashboard.ts")).runDashboardSave(io),
  },
  {
    name: "dashboard load",
    usage: "",
    summary:
      "Take accounts from standard input in place of those that are there",
    help:
      "Reads what `dashboard save` wrote; sessions end, and one-time links. The store\nthat was there becomes former.sqlite beside it, in place of one before. Stop encimap-dashboard.service\nfirst. install.sh does both after `encimap restore`.",
    run: async (_args, io) =>
      (await import("./dashboard.ts")).runDashboardLoad(io),
  },
  {
    name: "dashboard",
    usage: "",
    summary: "Answer browsers on 127.0.0.1 until SIGTERM",
    help:
      "Listens on ENCIMAP_DASHBOARD_PORT and asks the API on API_PORT. The first account\nis made by the link that `encimap dashboard invite --operator` prints.",
    run: async (_args, io) => (await import("./dashboard.ts")).runDashboard(io),
  },
];
