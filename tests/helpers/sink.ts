/**
 * The next mail server: takes what Postfix sends, and keeps it octet by octet.
 *
 * @module
 */

import { latin1 } from "./mail.ts";
import { until } from "./until.ts";

/** The server. */
export interface Sink extends AsyncDisposable {
  /** Its port on 127.0.0.1. */
  readonly port: number;
  /** What it has got: line ends as they came, one character for each octet. */
  readonly messages: readonly string[];
  /** Whether it refuses recipients for good. */
  refuse: boolean;
  /** Waits for the message with this number, from 1 on. */
  message(number: number): Promise<string>;
}

/**
 * Starts it. It offers no extension: a server without 8BITMIME.
 *
 * @returns The server.
 */
export function startSink(): Sink {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const messages: string[] = [];
  const open = new Set<Deno.Conn>();
  const sink: Sink = {
    port: listener.addr.port,
    messages,
    refuse: false,
    async message(number) {
      await until(
        `message ${number} is here`,
        () => messages.length >= number,
      );
      return messages[number - 1]!;
    },
    [Symbol.asyncDispose]() {
      listener.close();
      for (const each of open) each.close();
      return Promise.resolve();
    },
  };
  (async () => {
    for await (const connection of listener) {
      open.add(connection);
      // Its end closes the connection.
      serve(connection, sink, messages).catch(() => {}).finally(() =>
        open.delete(connection)
      );
    }
  })();
  return sink;
}

async function serve(
  connection: Deno.Conn,
  sink: Sink,
  messages: string[],
): Promise<void> {
  const say = (line: string) =>
    connection.write(new TextEncoder().encode(`${line}\r\n`));
  let held = "";
  let isData = false;
  await say("220 sink.example ESMTP");
  for await (const chunk of connection.readable) {
    held += latin1(chunk);
    for (;;) {
      const end = held.indexOf(isData ? "\r\n.\r\n" : "\r\n");
      if (end < 0) break;
      const text = held.slice(0, end);
      held = held.slice(end + (isData ? 5 : 2));
      if (isData) {
        isData = false;
        messages.push(`${text}\r\n`.replaceAll("\r\n..", "\r\n."));
        await say("250 2.0.0 taken");
        continue;
      }
      const word = text.slice(0, 4).toUpperCase();
      isData = word === "DATA";
      if (word === "RCPT" && sink.refuse) await say("550 5.1.1 nobody");
      else if (word === "QUIT") return void await say("221 2.0.0 bye");
      else await say(isData ? "354 go on" : "250 sink.example");
    }
  }
}
