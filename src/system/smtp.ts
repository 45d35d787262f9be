/**
 * Sends one message to an SMTP server of this machine.
 *
 * @module
 * @see {@link https://www.rfc-editor.org/rfc/rfc5321 | RFC 5321}
 */

import { connect, type Socket } from "node:net";

/** Octets of an answer, at most. */
const ANSWER_MAX = 65_536;

/** A message and where it goes. */
export interface SmtpMail {
  /** Port on 127.0.0.1. */
  readonly port: number;
  /** What the client calls itself. */
  readonly hello: string;
  /** The recipient. */
  readonly to: string;
  /** Lines of the message; none begins with a dot. */
  readonly lines: readonly string[];
}

/**
 * Sends a message from the empty sender, so that nobody is told when it cannot be
 * delivered.
 *
 * @param mail The message.
 * @param signal Breaks it off.
 * @returns What the server said when it took the message.
 * @throws {Error} If it did not; with what it said and to which command.
 */
export async function sendBySmtp(
  { port, hello, to, lines }: SmtpMail,
  signal: AbortSignal,
): Promise<string> {
  const socket = connect({ host: "127.0.0.1", port });
  const stop = (): void => {
    socket.destroy(new Error("the SMTP server does not answer"));
  };
  signal.addEventListener("abort", stop);
  const answers = answersOf(socket);
  const say = async (
    command: string | undefined,
    expected: string,
  ): Promise<string> => {
    if (command !== undefined) socket.write(`${command}\r\n`);
    const { value } = await answers.next();
    const answer = value ?? "nothing";
    if (answer.startsWith(expected)) return answer;
    const what = command === undefined ? "greets with" : "answers";
    const to = command?.split("\r\n").at(-1);
    throw new Error(
      `port ${port} ${what} "${answer}"${to === undefined ? "" : ` to ${to}`}`,
    );
  };
  try {
    await say(undefined, "220");
    await say(`EHLO ${hello}`, "250");
    await say("MAIL FROM:<>", "250");
    await say(`RCPT TO:<${to}>`, "250");
    await say("DATA", "354");
    const taken = await say([...lines, "."].join("\r\n"), "250");
    socket.write("QUIT\r\n");
    return taken;
  } finally {
    signal.removeEventListener("abort", stop);
    socket.destroy();
  }
}

/** Gives each answer as one line. */
async function* answersOf(socket: Socket): AsyncGenerator<string, undefined> {
  const decoder = new TextDecoder("latin1");
  let text = "";
  for await (const chunk of socket) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > ANSWER_MAX) throw new Error("an answer is too long");
    for (;;) {
      // All lines of an answer but the last have a hyphen behind the code.
      const match = /^(?:\d{3}-[^\n]*\n)*(\d{3}(?: [^\n]*)?)\n/.exec(text);
      if (match === null) break;
      text = text.slice(match[0].length);
      yield match[1]!.trim().replace(/[^ -~]/g, "?").slice(0, 200);
    }
  }
}
