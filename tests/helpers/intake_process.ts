/**
 * The intake as a process of its own, and senders of large mail.
 *
 * @module
 */

import { request } from "node:http";
import { Readable } from "node:stream";
import type { TestWorld } from "./app.ts";
import { endChild } from "./child.ts";
import { until } from "./until.ts";

/** A running intake. */
export interface IntakeProcess extends AsyncDisposable {
  /** Process id. */
  readonly pid: number;
  /** Its HTTP socket. */
  readonly socket: string;
  /** What it has written to its log. */
  log(): string;
}

/**
 * Starts the intake of a world.
 *
 * @param world Database and folders.
 * @param settings More settings.
 * @returns The intake; it listens.
 */
export async function startIntakeProcess(
  world: TestWorld,
  settings: Readonly<Record<string, string>> = {},
): Promise<IntakeProcess> {
  const socket = `${world.directory}/process.sock`;
  const hmacKey = `${world.directory}/process.hmac.key`;
  await Deno.writeTextFile(hmacKey, "07".repeat(32));
  const main = new URL("../../main.ts", import.meta.url).pathname;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--allow-all", main, "intake"],
    env: {
      ENCIMAP_CONFIG_FILE: "/dev/null",
      ENCIMAP_HOSTNAME: "mail.example.test",
      ENCIMAP_DATABASE_URL: world.database.url("vaultmail"),
      MAILDIR_BASE_PATH: `${world.directory}/mail`,
      ENCIMAP_HMAC_KEY_FILE: hmacKey,
      ENCIMAP_INTAKE_SOCKET: socket,
      ENCIMAP_LMTP_SOCKET: `${world.directory}/process.lmtp.sock`,
      ENCIMAP_MAX_MESSAGE_BYTES: "60000000",
      ...settings,
    },
    stdin: "null",
    stderr: "piped",
    stdout: "null",
  }).spawn();
  let log = "";
  let hasEnded = false;
  child.status.then(() => hasEnded = true);
  const logged = child.stderr.pipeThrough(new TextDecoderStream()).pipeTo(
    new WritableStream({ write: (text) => void (log += text) }),
  );
  try {
    await until("the intake listens", () => {
      if (hasEnded) throw new Error("it has ended");
      return Promise.resolve(log.includes("event=listening"));
    });
  } catch (cause) {
    await endChild(child, "SIGKILL");
    await logged;
    throw new Error(`The intake does not start: ${log}`, { cause });
  }
  return {
    pid: child.pid,
    socket,
    log: () => log,
    async [Symbol.asyncDispose]() {
      await endChild(child);
      await logged;
    },
  };
}

/**
 * Sends a message over a socket.
 *
 * @param socket The intake's.
 * @param id UUID of the vaultbox.
 * @param recipient Its address.
 * @param chunks The message.
 * @returns Status of the answer.
 */
export function send(
  socket: string,
  id: string,
  recipient: string,
  chunks: Iterable<Uint8Array> | AsyncIterable<Uint8Array>,
): Promise<number> {
  const path = `/intake/messages?${new URLSearchParams({
    vaultbox_id: id,
    queue_id: crypto.randomUUID(),
    sender: "bob@sender.example",
    recipient,
  })}`;
  return new Promise((resolve, reject) => {
    const posted = request(
      { socketPath: socket, path, method: "POST", agent: false },
      (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode ?? 0));
      },
    );
    posted.on("error", reject);
    Readable.from(chunks, { objectMode: false }).pipe(posted);
  });
}
