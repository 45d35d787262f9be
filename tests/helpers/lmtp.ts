/**
 * An LMTP client that says what it is told, in its own words.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import { latin1 } from "../../src/mail/octets.ts";

/** A connection to an LMTP server. */
export interface LmtpClient extends Disposable {
  /** Sends text, one octet for each character. */
  send(text: string): void;
  /** Waits for the next line; undefined where the server has hung up. */
  line(): Promise<string | undefined>;
  /** Waits for so many whole replies; their last lines. */
  replies(count: number): Promise<string[]>;
  /** The connection. */
  readonly socket: Socket;
}

/**
 * Connects.
 *
 * @param at Unix socket, or the port on loopback of a server of SMTP.
 * @returns The client; nothing was read yet.
 */
export function lmtpClient(at: string | number): LmtpClient {
  const socket = typeof at === "string"
    ? connect({ path: at })
    : connect({ host: "127.0.0.1", port: at });
  let held = "";
  let isOver = false;
  let wake = (): void => {};
  socket.on("data", (chunk: Uint8Array) => {
    held += latin1(chunk);
    wake();
  });
  for (const event of ["end", "close", "error"]) {
    socket.on(event, () => {
      isOver = true;
      wake();
    });
  }
  const line = async (): Promise<string | undefined> => {
    for (;;) {
      const end = held.indexOf("\r\n");
      if (end >= 0) {
        const text = held.slice(0, end);
        held = held.slice(end + 2);
        return text;
      }
      if (isOver) return undefined;
      await new Promise<void>((resolve) => wake = resolve);
    }
  };
  return {
    socket,
    line,
    send: (text) =>
      void socket.write(Uint8Array.from(text, (each) => each.charCodeAt(0))),
    async replies(count) {
      const replies: string[] = [];
      while (replies.length < count) {
        const text = await line();
        if (text === undefined) break;
        if (text[3] === " ") replies.push(text);
      }
      return replies;
    },
    [Symbol.dispose]: () => socket.destroy(),
  };
}

/**
 * Sends one message with all commands at once, as a client that pipelines.
 *
 * @param path Unix socket.
 * @param mail Envelope and message; the message has its dots stuffed already.
 * @returns The replies to the recipients after the data, or what came instead
 * of 354.
 */
export async function sendByLmtp(
  path: string,
  mail: { from?: string; to: string[]; ident?: string; message: string },
): Promise<string[]> {
  using client = lmtpClient(path);
  const ident = mail.ident === undefined
    ? ""
    : `XFORWARD IDENT=${mail.ident}\r\n`;
  client.send(
    `LHLO client.example\r\n${ident}MAIL FROM:<${mail.from ?? ""}>\r\n` +
      mail.to.map((to) => `RCPT TO:<${to}>\r\n`).join("") + "DATA\r\n",
  );
  const before = 3 + (ident === "" ? 0 : 1) + mail.to.length;
  const [go] = (await client.replies(before + 1)).slice(before);
  if (!go?.startsWith("354")) return [go ?? "closed"];
  client.send(`${mail.message}.\r\nQUIT\r\n`);
  return (await client.replies(mail.to.length + 1)).slice(0, mail.to.length);
}
