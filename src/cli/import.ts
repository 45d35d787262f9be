/**
 * `encimap import`: mail from elsewhere, encrypted on its way in.
 *
 * @module
 */

import { isAbsolute } from "node:path";
import { createLog } from "../log.ts";
import { openIntakeApp } from "../open.ts";
import { ImapReader } from "../system/imap.ts";
import { dropPermissions } from "../system/permissions.ts";
import {
  importMessages,
  type ImportTally,
  type SourceMessage,
} from "../vaultbox/import.ts";
import { maildirSource, mboxSource } from "../vaultbox/import_sources.ts";
import { imapSource } from "../vaultbox/import_imap.ts";
import { readPassword } from "./certificates.ts";
import { EXIT, type Io, loadConfig, UsageError } from "./command.ts";
import { addressOf, find, parse, type Parsed } from "./operator.ts";
import { printable } from "./verify.ts";

/** Milliseconds between two words on the progress. */
const PROGRESS_MS = 500;

/** Port of IMAP with TLS from the start, RFC 8314 §3.2. */
const IMAPS_PORT = 993;

/** Name of a folder as IMAP and Maildir++ have it: printable ASCII, no slash. */
const FOLDER_REGEXP = /^[ -.0-~]{1,200}$/;

/** `import`. */
export async function runImport(
  args: readonly string[],
  io: Io,
): Promise<number> {
  const parsed = parse(args, {
    maildir: { type: "string" },
    mbox: { type: "string" },
    folder: { type: "string" },
    imap: { type: "string" },
    login: { type: "string" },
    "tls-ca": { type: "string" },
    "dry-run": { type: "boolean" },
  }, 1);
  const openSource = sourceOf(parsed, io);
  const dryRun = parsed.values["dry-run"] === true;
  const config = loadConfig(io);
  await using app = await openIntakeApp(config, createLog(io.warn, "warn"));
  // Not "write": Deno asks for it to connect to the Unix socket of the database.
  dropPermissions("run");
  const vaultbox = await find(app, parsed.positionals[0]!);
  let unreadable = 0;
  const warn = (text: string): void => {
    io.progress?.("");
    io.warn(text);
  };
  const source = await openSource((what, why) => {
    unreadable++;
    warn(`Left out: ${printable(what)}: ${printable(why)}`);
  });
  let shownAt = 0;
  const tally = await importMessages(app, vaultbox, source, { dryRun }, {
    looked(so, folder) {
      if (Date.now() - shownAt < PROGRESS_MS) return;
      shownAt = Date.now();
      io.progress?.(`${so.messages} messages, ${so.stored} new, ${folder}`);
    },
    leftOut({ name }, why) {
      warn(`Left out: ${printable(name)} ${printable(why)}`);
    },
  });
  io.progress?.("");
  summarize(io, { ...tally, leftOut: tally.leftOut + unreadable }, {
    address: addressOf(vaultbox),
    dryRun,
  });
  return tally.leftOut + unreadable === 0 ? EXIT.ok : EXIT.failed;
}

function summarize(
  io: Io,
  tally: ImportTally,
  { address, dryRun }: { address: string; dryRun: boolean },
): void {
  const verb = dryRun ? "would be imported" : "imported";
  io.print(`${address}: ${tally.stored} message(s) ${verb}`);
  const rest: [number, string][] = [
    [tally.already, "there already"],
    [tally.removed, "removed in the source"],
    [tally.leftOut, "left out"],
    [tally.labelled, "had labels, which are not taken over"],
  ];
  for (const [count, what] of rest) if (count > 0) io.print(`${count} ${what}`);
}

type OpenSource = (
  leftOut: (what: string, why: string) => void,
) => AsyncIterable<SourceMessage> | Promise<AsyncIterable<SourceMessage>>;

function sourceOf({ values }: Parsed, io: Io): OpenSource {
  const { maildir, mbox, folder, imap } = values;
  if ([maildir, mbox, imap].filter((each) => each !== undefined).length !== 1) {
    throw new UsageError("one of --maildir, --mbox and --imap is expected");
  }
  if (imap !== undefined) return imapOf(values, io);
  const path = String(maildir ?? mbox);
  if (path !== "-" && !isAbsolute(path)) {
    throw new UsageError("the path must begin with a slash");
  }
  if (maildir !== undefined) {
    if (folder !== undefined) throw new UsageError("--folder is for --mbox");
    return (leftOut) =>
      maildirSource(
        path,
        (each) => leftOut(each, "is no plain file or cannot be read"),
      );
  }
  const name = folder === undefined ? "INBOX" : folderOf(String(folder));
  return () =>
    mboxSource(path === "-" ? io.stdin : fileChunks(path), name, new Date());
}

function imapOf(values: Parsed["values"], io: Io): OpenSource {
  const { imap, login, folder, "tls-ca": ca } = values;
  if (folder !== undefined) throw new UsageError("--folder is for --mbox");
  if (login === undefined) throw new UsageError("--login is missing");
  const url = URL.parse(String(imap));
  // In clear, everybody on the way would read the mail.
  if (url?.protocol !== "imaps:" || url.hostname === "") {
    throw new UsageError("--imap must be imaps://HOST or imaps://HOST:PORT");
  }
  const user = String(login);
  return async (leftOut) => {
    const reader = await ImapReader.open({
      hostname: url.hostname,
      port: Number(url.port || IMAPS_PORT),
      user,
      password: await readPassword(io),
      caCerts: ca === undefined ? [] : [io.readText(String(ca))],
    });
    return imapSource(reader, `${user}@${url.hostname}`, leftOut);
  };
}

function folderOf(text: string): string {
  if (text.toUpperCase() === "INBOX") return "INBOX";
  if (!FOLDER_REGEXP.test(text) || /^\.|\.\.|\.$/.test(text)) {
    throw new UsageError(
      "--folder must be a name as IMAP writes it, with dots between levels",
    );
  }
  return `.${text}`;
}

async function* fileChunks(
  path: string,
): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  using file = await Deno.open(path);
  yield* file.readable;
}
