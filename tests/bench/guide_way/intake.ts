/**
 * The guide's intake: HTTP on 127.0.0.1, and for each message an `openssl` that
 * encrypts it. Its faults are mended: the header stays outside, the file is
 * durable before the answer, and only stored mail is 200.
 *
 * Arguments: port, and a directory with `ID.pem` and `ID/{tmp,new}` for each
 * vaultbox.
 *
 * @module
 */

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { open, rename } from "node:fs/promises";
import { createServer } from "node:http";

const [port, base] = Deno.args;

/** What `openssl smime` is given: the body and the fields that describe it. */
function divide(message: string): { outer: string; inner: string } {
  const end = message.indexOf("\n\n") + 1;
  const [header, body] = [message.slice(0, end), message.slice(end)];
  const field = /^[!-9;-~]+:.*\n(?:[ \t].*\n)*/gm;
  const fields = header.match(field) ?? [];
  const isInner = (text: string) => /^content-/i.test(text);
  return {
    outer: fields.filter((text) => !isInner(text)).join(""),
    inner: fields.filter(isInner).join("") + body,
  };
}

function encrypt(certificate: string, inner: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn("openssl", [
      ...["cms", "-encrypt", "-aes-256-cbc", "-binary", "-outform", "SMIME"],
      certificate,
    ], { stdio: ["pipe", "pipe", "ignore"] });
    let text = "";
    child.stdout.setEncoding("latin1").on("data", (part) => text += part);
    child.on("error", reject);
    child.on("close", (status) => {
      if (status === 0) resolve(text);
      else reject(new Error(`openssl ended with ${status}`));
    });
    child.stdin.on("error", reject);
    child.stdin.end(inner, "latin1");
  });
}

async function sync(path: string): Promise<void> {
  const directory = await open(path);
  await directory.sync();
  await directory.close();
}

async function store(id: string, message: string): Promise<void> {
  const { outer, inner } = divide(message);
  const text = outer + await encrypt(`${base}/${id}.pem`, inner);
  const name = `${Date.now()}.${randomUUID()}.guide`;
  const file = await open(`${base}/${id}/tmp/${name}`, "wx", 0o600);
  await file.writeFile(text, "latin1");
  await file.sync();
  await file.close();
  await rename(`${base}/${id}/tmp/${name}`, `${base}/${id}/new/${name}`);
  await sync(`${base}/${id}/new`);
}

createServer(async (request, response) => {
  const url = new URL(request.url!, "http://intake");
  const id = url.searchParams.get("vaultbox_id") ?? "";
  let message = "";
  try {
    if (!/^[0-9a-f-]{36}$/.test(id)) throw new Error("no such vaultbox");
    request.setEncoding("latin1");
    for await (const part of request) message += part;
    await store(id, message);
    response.writeHead(200).end();
  } catch {
    response.writeHead(500).end();
  }
}).listen(Number(port), "127.0.0.1");
