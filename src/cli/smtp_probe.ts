/**
 * Asks Postfix whether it would take a mail.
 *
 * @module
 */

import { connect } from "node:net";

/** Milliseconds for each answer. */
const TIMEOUT_MS = 10_000;

/**
 * Begins a mail on a port of this machine, and breaks it off. Postfix connects to
 * its filters at that.
 *
 * @param port Port.
 * @throws {Error} With the answer, if Postfix does not take the sender.
 */
export function takesSender(port: number): Promise<void> {
  const lines = ["EHLO localhost", "MAIL FROM:<>", "QUIT"];
  return new Promise((resolve, reject) => {
    const socket = connect({ host: "127.0.0.1", port });
    let said = "";
    const end = (error?: Error): void => {
      socket.destroy();
      if (error === undefined) resolve();
      else reject(error);
    };
    socket.setTimeout(TIMEOUT_MS, () => end(new Error("no answer")));
    socket.on("error", end);
    socket.on("close", () => end(new Error("no answer")));
    socket.on("data", (chunk: Uint8Array) => {
      said += new TextDecoder().decode(chunk);
      // The last line of an answer.
      const answer = /^(\d{3}) .*$/m.exec(said)?.[0];
      if (answer === undefined) return;
      said = "";
      const line = lines.shift();
      if (!answer.startsWith("2")) end(new Error(answer.trim()));
      else if (line === undefined || line === "QUIT") end();
      else socket.write(`${line}\r\n`);
    });
  });
}
