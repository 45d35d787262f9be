/**
 * A world for faults around the real Postfix: mail goes in over port 25, and
 * by pipe(8) or lmtp(8) to the intake.
 *
 * @module
 */

import { startAppliance } from "../helpers/appliance.ts";
import type { Appliance } from "../helpers/appliance.ts";
import { makeBox, PASSWORD } from "../helpers/appliance_box.ts";
import { testPgHost } from "../helpers/database.ts";
import { lmtpClient } from "../helpers/lmtp.ts";
import { run } from "../helpers/openssl.ts";
import { family } from "../helpers/processes.ts";
import { until } from "../helpers/until.ts";
import { Census, type Sent } from "./census.ts";
import { type Canaries, type Mail, newCanaries, writeMail } from "./mail.ts";
import { keyOf, pause } from "./sender.ts";
import type { Counted } from "./summary.ts";
import type { Box } from "./world.ts";

/** Milliseconds between two attempts of a client of Postfix. */
const PAUSE_MS = 50;

/** The world. */
export interface PostfixWorld extends AsyncDisposable, Counted {
  /** Postfix, the intake, the API, and the database. */
  readonly appliance: Appliance;
  /** Vaultboxes, those that get their mail by pipe(8) first. */
  readonly boxes: readonly Box[];
  /** Counts what was stored. */
  readonly census: Census;
  /** What the clients of Postfix know of what they have sent. */
  readonly mailer: Mailer;
  /** Where else than in `state` to look for plaintext. */
  places(): string[];
  /** Writes a mail for a vaultbox. */
  mail(box: Box, size?: number): Mail;
  /** Runs a program of Postfix. */
  postfix(program: string, ...args: string[]): Promise<string>;
  /** Starts Postfix, as soon as nothing of a former one is in the way. */
  startPostfix(): Promise<void>;
  /** Processes of this Postfix by their names, as `qmgr`. */
  processes(name: string): Promise<number[]>;
  /** Waits until Postfix's queue is empty. */
  drained(): Promise<void>;
  /** Postfix's log. */
  maillog(): Promise<string>;
}

/** How a mail was taken. */
type Verdict = "accepted" | "later" | "never" | "unsure";

/** Clients of Postfix; each sends one mail after the other. */
export class Mailer implements Sent {
  readonly offered: Map<string, Mail> = new Map();
  readonly stored: Set<string> = new Set();
  readonly bounced: Set<string> = new Set();
  readonly unsure: Set<string> = new Set();
  readonly #port: number;

  /**
   * Makes it.
   *
   * @param port Port 25.
   */
  constructor(port: number) {
    this.#port = port;
  }

  /**
   * Sends mail, until each was accepted or refused for good, or may have been
   * accepted.
   *
   * @param mails The mail.
   * @param clients How many send at a time.
   */
  async send(mails: readonly Mail[], clients = 4): Promise<void> {
    const waiting = [...mails];
    const client = async (): Promise<void> => {
      while (waiting.length > 0) {
        await this.#session(waiting);
        await pause(Math.random() * PAUSE_MS);
      }
    };
    await Promise.all(Array.from({ length: clients }, client));
  }

  /** Sends until the connection breaks or something is refused for now. */
  async #session(waiting: Mail[]): Promise<void> {
    using smtp = lmtpClient(this.#port);
    if (!(await smtp.replies(1))[0]?.startsWith("220")) return;
    smtp.send("EHLO client.example\r\n");
    if (!(await smtp.replies(1))[0]?.startsWith("250")) return;
    for (let mail; (mail = waiting.shift()) !== undefined;) {
      const key = keyOf(mail);
      const verdict = await offer(smtp, mail);
      if (verdict === "later") {
        waiting.push(mail);
        return;
      }
      this.offered.set(key, mail);
      if (verdict === "accepted") this.stored.add(key);
      else if (verdict === "never") this.bounced.add(key);
      else this.unsure.add(key);
    }
    smtp.send("QUIT\r\n");
  }
}

async function offer(
  smtp: ReturnType<typeof lmtpClient>,
  mail: Mail,
): Promise<Verdict> {
  smtp.send(
    `MAIL FROM:<sender@elsewhere.example>\r\nRCPT TO:<${mail.to}>\r\nDATA\r\n`,
  );
  const replies = await smtp.replies(3);
  if (replies.some((reply) => reply.startsWith("5"))) return "never";
  if (!replies[2]?.startsWith("354")) return "later";
  smtp.socket.write(mail.octets);
  smtp.send(".\r\n");
  const [reply] = await smtp.replies(1);
  if (reply === undefined) return "unsure";
  if (reply.startsWith("250")) return "accepted";
  return reply.startsWith("5") ? "never" : "later";
}

/**
 * Starts it, with two vaultboxes that get their mail by pipe(8) and two that
 * get it by lmtp(8).
 *
 * @param settings Settings of Postfix besides those of the appliance.
 * @returns The world.
 */
export async function postfixWorld(
  settings: readonly string[] = [],
): Promise<PostfixWorld> {
  await using stack = new AsyncDisposableStack();
  const appliance = stack.use(await startAppliance());
  const { directory, database } = appliance;
  const state = `${directory}/run`;
  const keys = `${directory}/census`;
  await Deno.mkdir(keys);
  const canaries: Canaries = newCanaries();
  const postfix = async (
    program: string,
    ...args: string[]
  ): Promise<string> => {
    const { code, out, err } = await appliance.postfix(program, ...args);
    if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${err}`);
    return out;
  };
  await postfix(
    "postconf",
    "-e",
    // What Postfix waits for by default is longer than a test may take.
    ...["service_throttle_time=1s", "transport_retry_time=1s"],
    ...settings,
  );
  await postfix("postfix", "reload");
  const boxes: Box[] = [];
  const aliases = ["cat", "hen", "dog", "owl"];
  for (const [i, alias] of aliases.entries()) {
    const { id, address, p12 } = await makeBox(appliance, alias);
    const path = `${keys}/${id}.pem`;
    await run("openssl", [
      ...["pkcs12", "-in", "-", "-passin", `pass:${PASSWORD}`],
      ...["-nodes", "-out", path],
    ], { cwd: keys, stdin: p12 });
    boxes.push({ id, address, keys: [path] });
    if (i < 2) continue;
    const route = `encimap-lmtp:unix:${directory}/run/lmtp.sock`;
    await run("/usr/sbin/postmap", [
      ...["-i", "-r", `lmdb:${directory}/maps/transport`],
    ], {
      cwd: "/",
      stdin: new TextEncoder().encode(`${address} ${route}\n`),
    });
  }
  // A count under load may be too high until the next one; src/db/recounts.ts.
  await database.sql`update vaultboxes set counted_at = now()`;
  const mailer = new Mailer(appliance.smtpPort);
  const census = new Census(database.sql, `${directory}/mail`, boxes, mailer);
  const master = async (): Promise<number> =>
    Number(await Deno.readTextFile(`${directory}/spool/pid/master.pid`));
  let count = 0;
  const cleanup = stack.move();
  return {
    appliance,
    boxes,
    mailer,
    census,
    canaries,
    state,
    postfix,
    places: () => [
      ...["mail", "maps", "data", "keys", "dovecot", "mail.log"]
        .map((name) => `${directory}/${name}`),
      `${testPgHost()}/data`,
      ...[...Deno.readDirSync("/tmp")].filter(({ isFile }) => isFile)
        .map(({ name }) => `/tmp/${name}`),
    ],
    mail(box, size = 3000) {
      const number = `n${++count}`;
      const octets = writeMail(canaries, number, size);
      return { number, route: box.id, to: box.address, queueId: "", octets };
    },
    startPostfix: () =>
      until(
        "Postfix starts",
        async () => (await appliance.postfix("postfix", "start")).code === 0,
      ),
    async processes(name) {
      if (name === "master") return [await master()];
      const found: number[] = [];
      for (const pid of await family(await master())) {
        const path = `/proc/${pid}/comm`;
        const comm = await Deno.readTextFile(path).catch(() => "");
        if (comm.trim() === name) found.push(pid);
      }
      return found;
    },
    drained: () =>
      until("Postfix's queue is empty", async () => {
        const { code } = await appliance.postfix("postqueue", "-f");
        const left = await appliance.postfix("postqueue", "-j");
        return code === 0 && left.code === 0 && left.out === "";
      }, 300),
    maillog: () => Deno.readTextFile(`${directory}/mail.log`),
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}
