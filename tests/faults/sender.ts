/**
 * Postfix's side of a delivery: it keeps each mail until it is acknowledged,
 * tries again with the same queue id after a temporary failure and never gives
 * up.
 *
 * @module
 */

import { request } from "node:http";
import { lmtpClient } from "../helpers/lmtp.ts";
import type { Mail } from "./mail.ts";

/** What an attempt came to. */
export type Verdict = "stored" | "later" | "never";

/** A way into the intake. It may throw: then the mail waits, too. */
export type Door = (mail: Mail) => Promise<Verdict>;

/** Milliseconds until a client gives an attempt up. */
const ATTEMPT_MS = 60_000;

/** Milliseconds between two attempts, at most. */
const PAUSE_MS = 60;

/** Milliseconds in which all mail must be in, else it counts as lost. */
const DEADLINE_MS = 120_000;

/** The queue of a world. */
export class Queue {
  /** What was offered, by recipient and number. */
  readonly offered: Map<string, Mail> = new Map();
  /** What was acknowledged. */
  readonly stored: Set<string> = new Set();
  /** What was refused for good: Postfix would bounce it. */
  readonly bounced: Set<string> = new Set();
  /** Attempts that failed for now. */
  deferrals = 0;
  readonly #door: Door;

  /**
   * Makes an empty queue.
   *
   * @param door The way into the intake.
   */
  constructor(door: Door) {
    this.#door = door;
  }

  /**
   * Delivers mail, with retries.
   *
   * @param mails The mail.
   * @param clients Attempts at a time.
   * @returns When each was acknowledged or refused for good, or after two
   * minutes: what is left by then was not delivered.
   */
  async deliver(mails: readonly Mail[], clients = 8): Promise<void> {
    const waiting = [...mails];
    for (const mail of mails) this.offered.set(keyOf(mail), mail);
    const deadline = Date.now() + DEADLINE_MS;
    const client = async (): Promise<void> => {
      for (let mail; (mail = waiting.shift()) !== undefined;) {
        const verdict = await this.#door(mail).catch((): Verdict => "later");
        if (verdict === "stored") this.stored.add(keyOf(mail));
        else if (verdict === "never") this.bounced.add(keyOf(mail));
        else {
          this.deferrals++;
          if (Date.now() > deadline) return;
          waiting.push(mail);
          await pause(Math.random() * PAUSE_MS);
        }
      }
    };
    await Promise.all(Array.from({ length: clients }, client));
  }
}

/** Recipient and number of a mail in one word. */
export function keyOf(mail: Pick<Mail, "to" | "number">): string {
  return `${mail.to}/${mail.number}`;
}

/**
 * The HTTP door, as `encimap pipe` uses it.
 *
 * @param socket Path of the intake's socket.
 * @returns The door.
 */
export function httpDoor(socket: () => string): Door {
  return (mail) => {
    const parameters = new URLSearchParams({
      "vaultbox_id": mail.route,
      "queue_id": mail.queueId,
      "sender": "sender@elsewhere.example",
      "recipient": mail.to,
    });
    return new Promise((resolve, reject) => {
      const posted = request({
        socketPath: socket(),
        path: `/intake/messages?${parameters}`,
        method: "POST",
        agent: false,
      }, (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (chunk: string) => body += chunk);
        response.on("error", reject);
        response.on("close", () => {
          clearTimeout(timer);
          if (!response.complete) return reject(new Error("cut off"));
          resolve(verdictOf(response.statusCode, body));
        });
      });
      const timer = setTimeout(
        () => posted.destroy(new Error("no answer")),
        ATTEMPT_MS,
      );
      posted.on("error", (error) => {
        clearTimeout(timer);
        reject(error);
      });
      posted.end(mail.octets);
    });
  };
}

/**
 * The LMTP door, as Postfix's lmtp(8) uses it.
 *
 * @param socket Path of the intake's socket.
 * @returns The door.
 */
export function lmtpDoor(socket: () => string): Door {
  return async (mail) => {
    using client = lmtpClient(socket());
    const timer = setTimeout(() => client.socket.destroy(), ATTEMPT_MS);
    try {
      client.send(
        `LHLO postfix.example\r\nXFORWARD IDENT=${mail.queueId}\r\n` +
          "MAIL FROM:<sender@elsewhere.example>\r\n" +
          `RCPT TO:<${mail.to}>\r\nDATA\r\n`,
      );
      const replies = await client.replies(6);
      if (replies[4]?.startsWith("5")) return "never";
      if (!replies[5]?.startsWith("354")) return "later";
      client.socket.write(mail.octets);
      client.send(".\r\n");
      const [reply] = await client.replies(1);
      client.send("QUIT\r\n");
      if (reply?.startsWith("250")) return "stored";
      return reply?.startsWith("5") ? "never" : "later";
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Takes one door for each other mail; a mail keeps its door. */
export function bothDoors(one: Door, other: Door): Door {
  return (mail) => (Number(mail.number.slice(1)) % 2 ? one : other)(mail);
}

function verdictOf(status: number | undefined, body: string): Verdict {
  const answer = JSON.parse(body);
  if (status === 200 && answer.success === true) return "stored";
  const code = answer.error?.code;
  const finals = ["unknown_vaultbox", "message_too_large", "mail_loop"];
  return finals.includes(code) ? "never" : "later";
}

/** Waits so many milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
