import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { connect } from "../../src/db/connect.ts";
import { testPgHost } from "../helpers/database.ts";
import { temporaryDirectory } from "../helpers/openssl.ts";
import { formsOf, hunt, openFiles } from "./hunt.ts";
import { newCanaries, writeMail } from "./mail.ts";

const canaries = newCanaries();
const mail = writeMail(canaries, "n1", 5000);
/** The attachment as a program has it that has decoded it. */
const decoded = `\0\x01${canaries.attachment} ${canaries.attachment}\xff`;

const WAYS: [string, string | Uint8Array][] = [
  ["a mail as it came", mail],
  ["a mail among other octets", Buffer.concat([noise(), mail, noise()])],
  ["the base64 of the attachment alone", base64Of(mail)],
  ["the attachment, decoded", Buffer.from(decoded, "latin1")],
  ["the body as base64", btoa(`number n1 ${canaries.body}`)],
  [
    "the body in UTF-16, as a heap has it",
    Buffer.from(canaries.body, "utf16le"),
  ],
  ["the body in hexadecimal", Buffer.from(canaries.body).toString("hex")],
  ["a line of a log", `level=error cause="${canaries.body}"`],
];
for (const [name, content] of WAYS) {
  Deno.test(`the hunt finds ${name}`, async () => {
    await using directory = await temporaryDirectory({ found: content });
    await Deno.writeFile(`${directory.path}/other`, noise());
    assert.deepEqual(await hunt(canaries, [directory.path]), [
      `${directory.path}/found`,
    ]);
  });
}

Deno.test("the hunt finds each form of the canaries by itself", async () => {
  for (const form of formsOf(canaries)) {
    await using directory = await temporaryDirectory({ found: form });
    assert.equal((await hunt(canaries, [directory.path])).length, 1);
  }
});

Deno.test("the hunt finds nothing where there is nothing", async () => {
  await using directory = await temporaryDirectory({
    other: writeMail(newCanaries(), "n1", 5000),
    noise: noise(),
  });
  assert.deepEqual(await hunt(canaries, [directory.path, "/nowhere"]), []);
});

Deno.test("the hunt finds what a table and the WAL of PostgreSQL have", async () => {
  const own = newCanaries();
  const host = testPgHost();
  const sql = connect(
    `postgresql://postgres@${encodeURIComponent(host)}/postgres`,
    { max: 1 },
  );
  await sql`create table planted (text text)`;
  try {
    await sql`insert into planted values (${own.body})`;
    await sql`checkpoint`;
    const found = await hunt(own, [`${host}/data`]);
    assert.ok(found.some((path) => path.includes("/base/")), String(found));
    assert.ok(found.some((path) => path.includes("/pg_wal/")), String(found));
  } finally {
    await sql`drop table planted`;
    await sql.end();
  }
});

function noise(): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(50_000));
}

function base64Of(octets: Uint8Array): string {
  const text = new TextDecoder().decode(octets);
  return text.slice(text.lastIndexOf("\r\n\r\n"), text.indexOf("\r\n--edge--"));
}

Deno.test("the hunt finds a file that is unlinked and still open", async () => {
  await using directory = await temporaryDirectory();
  const path = `${directory.path}/gone`;
  const text =
    `exec 3>'${path}'; printf '%s' '${canaries.body}' >&3; rm '${path}'; echo ready; exec cat`;
  const child = new Deno.Command("sh", {
    args: ["-c", text],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.getReader();
  await reader.read();
  assert.deepEqual(await hunt(canaries, openFiles(child.pid)), [
    `/proc/${child.pid}/fd/3`,
  ]);
  await reader.cancel();
  await child.stdin.close();
  await child.status;
});
