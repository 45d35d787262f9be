/**
 * Bouncy Castle, in one process for all messages.
 *
 * @module
 */

import { temporaryDirectory } from "../../helpers/openssl.ts";
import type { Issued } from "../../helpers/openssl.ts";
import type { Session } from "./session.ts";

/**
 * Starts it; CmsOpen.java says how it is talked to.
 *
 * @param jars Its libraries.
 * @returns What opens messages, and which version it is.
 */
export async function startBouncyCastle(
  jars: readonly string[],
): Promise<Session & { version: string }> {
  const directory = await temporaryDirectory();
  const source = new URL("CmsOpen.java", import.meta.url).pathname;
  const process = new Deno.Command("java", {
    args: ["-Xmx512m", "-Dfile.encoding=UTF-8", "-cp", jars.join(":"), source],
    cwd: directory.path,
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const recipients: Issued[] = [];
  const writer = process.stdin.getWriter();
  const answers = lines(process.stdout);
  const answer = async (): Promise<string> => {
    const { value } = await answers.next();
    if (value === undefined) throw new Error("Bouncy Castle has ended");
    return value;
  };
  return {
    version: await answer(),
    async open(recipient, contentInfo) {
      const { path } = directory;
      const known = recipients.indexOf(recipient);
      const index = known < 0 ? recipients.push(recipient) - 1 : known;
      const key = `${index}.p12`;
      if (known < 0) await Deno.writeFile(`${path}/${key}`, recipient.pkcs12);
      await Deno.writeFile(`${path}/message.der`, contentInfo);
      const task = [key, recipient.password, "message.der", "content"];
      await writer.write(new TextEncoder().encode(`${task.join("\t")}\n`));
      const text = await answer();
      if (text !== "ok") throw new Error(text);
      return await Deno.readFile(`${path}/content`);
    },
    async [Symbol.asyncDispose]() {
      await writer.close();
      await process.status;
      await answers.return(undefined);
      await directory[Symbol.asyncDispose]();
    },
  };
}

async function* lines(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): AsyncGenerator<string, undefined> {
  let rest = "";
  for await (const text of stream.pipeThrough(new TextDecoderStream())) {
    const parts = `${rest}${text}`.split("\n");
    rest = parts.pop()!;
    yield* parts;
  }
}
