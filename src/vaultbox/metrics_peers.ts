/**
 * What other processes of the appliance say of themselves to Prometheus.
 *
 * @module
 */

import { request } from "node:http";
import { connect } from "node:net";

/** Milliseconds that one may take to answer. */
const TIMEOUT_MS = 5000;

/** Octets of an answer, at most; ours have a hundredth. */
const TEXT_OCTETS_MAX = 1_048_576;

/**
 * Asks the intake for its metrics.
 *
 * @param socketPath Its Unix socket.
 * @returns Text for Prometheus.
 * @throws {Error} If it does not answer.
 */
export function intakeText(socketPath: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        socketPath,
        path: "/metrics",
        agent: false,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      },
      (response) => {
        if (response.statusCode !== 200) {
          asked.destroy(new Error(`intake answers ${response.statusCode}`));
        } else textOf(response).then(resolve, reject);
      },
    );
    asked.on("error", reject);
    asked.end();
  });
}

/**
 * Asks for the metrics of Postfix's queue: encimap-queue.socket starts
 * `encimap queue` for each connection.
 *
 * @param path The Unix socket.
 * @returns Text for Prometheus.
 * @throws {Error} If nobody answers.
 */
export async function queueText(path: string): Promise<string> {
  const socket = connect({ path });
  const timer = setTimeout(
    () => socket.destroy(new Error("no answer")),
    TIMEOUT_MS,
  );
  try {
    const text = await textOf(socket);
    // A program that failed has said nothing.
    if (!text.endsWith("\n")) throw new Error("no answer");
    return text;
  } finally {
    clearTimeout(timer);
    socket.destroy();
  }
}

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > TEXT_OCTETS_MAX) throw new Error("answer is too long");
  }
  return text;
}
