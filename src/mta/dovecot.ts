/**
 * Dovecot's sessions, ended over the socket of its doveadm service.
 *
 * @module
 */

import { connect } from "node:net";
import type { Sessions } from "../app.ts";
import { AppError } from "../errors.ts";

/** Milliseconds that an answer may take. */
const TIMEOUT_MS = 5000;

/**
 * Makes the adapter.
 *
 * @param socket Unix socket of the doveadm service.
 * @returns The adapter.
 * @see {@link https://doc.dovecot.org/2.3/developer_manual/design/doveadm_protocol/ | Doveadm protocol}
 */
export function dovecotSessions(socket: string): Sessions {
  return {
    async end(username) {
      try {
        await kick(socket, username);
      } catch (error) {
        throw new AppError("unavailable", "IMAP sessions cannot be ended now", {
          cause: error,
        });
      }
    },
  };
}

/** Speaks one dialogue: version, command, `+` or `-`. */
function kick(path: string, username: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect({ path });
    const timer = setTimeout(
      () => socket.destroy(new Error("doveadm does not answer")),
      TIMEOUT_MS,
    );
    socket.on("error", reject);
    socket.on("close", () => {
      clearTimeout(timer);
      reject(new Error(`doveadm closed the connection: ${answer.trim()}`));
    });
    socket.on("data", (chunk: Uint8Array) => {
      answer += new TextDecoder().decode(chunk);
      // The server greets with a line of its own: + where no password is asked.
      // Then come output and a line that begins with + for success or - for
      // failure. A user name without a session is no failure for us.
      const [greeting, verdict] = answer.matchAll(/^([+-])([^\n]*)\n/gm);
      if (greeting?.[1] === "-") {
        reject(new Error("doveadm asks for a password"));
      } else if (verdict === undefined) return;
      else if (verdict[1] === "+" || verdict[2] === "NOTFOUND") resolve();
      else reject(new Error(`doveadm: ${verdict[2]}`));
      socket.destroy();
    });
    socket.write(
      `VERSION\tdoveadm-server\t1\t0\n\t${username}\tkick\t${username}\n`,
    );
  });
}
