/**
 * `pipe`: Postfix's pipe(8) starts it for every delivery.
 *
 * It loads only what it needs and never ends with a status that bounces mail
 * for a fault of ours. It has no deadline of its own, since a timer alone takes
 * longer to load than all of this: encimap_pipe.sh ends it.
 *
 * @module
 */

import { OUTCOMES } from "../errors.ts";
import { concat } from "../mail/octets.ts";
import { dropPermissions } from "../system/permissions.ts";
import { type Answer, unixPost } from "../system/unix_post.ts";
import { EXIT, type Io, loadConfig } from "./command.ts";

/**
 * Hands standard input to the intake.
 *
 * The first words printed are an enhanced status code (RFC 3463), which pipe(8)
 * puts in its log, in the queue or in the bounce.
 *
 * @param args Route, queue id, envelope sender and recipient.
 * @param io The process.
 * @returns Exit status of sysexits.h: 0, with the words 2.0.0, once the message is
 * durable, 67 if the vaultbox is gone, 65 if the message is too large or comes
 * back in a loop, else 75.
 */
export async function runPipe(
  args: readonly string[],
  io: Io,
): Promise<number> {
  try {
    const [route, queueId, sender, recipient] = args;
    if (args.length !== 4 || !route || !recipient) {
      throw new Error("expected: pipe ROUTE QUEUE_ID SENDER RECIPIENT");
    }
    const { intakeSocket } = loadConfig(io);
    dropPermissions("run");
    const parameters = new URLSearchParams({
      "vaultbox_id": route,
      "queue_id": queueId ?? "",
      "sender": sender ?? "",
      "recipient": recipient,
    });
    const path = `/intake/messages?${parameters}`;
    if (io.env["PIPE_END"] === "") throw new Error("PIPE_END is empty");
    const body = wholeMessage(io.stdin, io.env["PIPE_END"]);
    return verdict(await unixPost(intakeSocket, path, { body }), io);
  } catch (error) {
    io.warn(`encimap pipe: ${error instanceof Error ? error.message : error}`);
    io.print("4.3.0 Mail cannot be stored now");
    return EXIT.tempfail;
  }
}

/** What the intake says of a message; anything else is told as 4.3.0. */
const VERDICTS = [
  "unknown_vaultbox",
  "message_too_large",
  "mail_loop",
  "vaultbox_suspended",
  "vaultbox_full",
  "storage_full",
  "too_many_requests",
  "unavailable",
] as const;

/** Trusts nothing but an answer of the intake that it knows. */
function verdict(answer: Answer, io: Io): number {
  const body = JSON.parse(answer.body);
  if (answer.status === 200 && body.success === true) {
    io.print("2.0.0 Stored");
    return EXIT.ok;
  }
  for (const code of VERDICTS) {
    const { exit, http, status } = OUTCOMES[code];
    if (answer.status === http && body.error?.code === code) {
      io.print(`${status} ${body.error.message}`);
      return exit;
    }
  }
  io.print(`4.3.0 ${body.error?.message ?? "Mail cannot be stored now"}`);
  return EXIT.tempfail;
}

/**
 * Passes a message on, less the mark at its end.
 *
 * A Postfix that is stopped closes the pipe in the middle of a message, and a
 * part of it would be taken for the whole. So encimap_pipe.sh writes a mark
 * behind a message that it has read while pipe(8) was there to its end.
 *
 * @throws {Error} At the end of a message without the mark.
 */
async function* wholeMessage(
  stdin: AsyncIterable<Uint8Array<ArrayBuffer>>,
  mark = "",
): AsyncGenerator<Uint8Array> {
  let held = new Uint8Array(0);
  for await (const chunk of stdin) {
    const octets = concat([held, chunk]);
    const sure = Math.max(octets.length - mark.length, 0);
    if (sure > 0) yield octets.subarray(0, sure);
    held = octets.slice(sure);
  }
  if (new TextDecoder().decode(held) !== mark) {
    throw new Error("pipe(8) ended before the message did");
  }
}
