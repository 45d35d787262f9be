import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { lmtpClient } from "../helpers/lmtp.ts";
import { run } from "../helpers/openssl.ts";
import type { Count } from "./census.ts";
import { type Mail, newQueueId, writeMail } from "./mail.ts";
import { pause } from "./sender.ts";
import { Summary } from "./summary.ts";
import { type FaultWorld, faultWorld } from "./world.ts";

/** Transactions, which run at the same time. */
const TRANSACTIONS = 10;

/** Recipients of each: as many as the intake takes. */
const RECIPIENTS = 1000;

/** Files of them that OpenSSL decrypts; of the others the HMAC is compared. */
const DECRYPTED = 100;

/** Milliseconds between two attempts. */
const PAUSE_MS = 500;

/** Vaultboxes of ten thousand people, all with the certificate of one. */
async function makeMany({ world, boxes }: FaultWorld): Promise<void> {
  const [cat] = boxes;
  await world.app.sql.begin(async (sql) => {
    await sql`set local statement_timeout = 0`;
    await sql`
    insert into vaultboxes (user_id, domain, alias, name)
    select user_id, domain, 'many' || n, 'many' || n
    from vaultboxes, generate_series(1, ${TRANSACTIONS * RECIPIENTS}::int) n
    where id = ${cat!.id}
  `;
    await sql`
    insert into addresses (domain, alias, vaultbox_id, kind)
    select domain, alias, id, 'own' from vaultboxes where alias like 'many%'
  `;
    await sql`
    insert into vaultbox_certs (
      vaultbox_id, public_cert_pem, fingerprint_sha256, not_before, not_after
    )
    select v.id, c.public_cert_pem, c.fingerprint_sha256, c.not_before,
      c.not_after
    from vaultboxes v, vaultbox_certs c
    where v.alias like 'many%' and c.vaultbox_id = ${cat!.id}
  `;
  });
  await world.app.sql`analyze`;
}

/** One attempt; gives the recipients that are not stored yet. */
async function attempt(
  socket: string,
  mail: Omit<Mail, "to" | "route">,
  recipients: readonly string[],
): Promise<string[]> {
  using client = lmtpClient(socket);
  client.send(
    `LHLO postfix.example\r\nXFORWARD IDENT=${mail.queueId}\r\n` +
      "MAIL FROM:<sender@elsewhere.example>\r\n" +
      recipients.map((to) => `RCPT TO:<${to}>\r\n`).join("") + "DATA\r\n",
  );
  const before = (await client.replies(5 + recipients.length)).slice(4);
  if (!before.at(-1)?.startsWith("354")) return [...recipients];
  client.socket.write(mail.octets);
  client.send(".\r\n");
  const replies = await client.replies(recipients.length);
  for (const reply of replies) assert.doesNotMatch(reply, /^5/);
  return recipients.filter((_, i) => !replies[i]?.startsWith("250"));
}

/** Delivers a mail as Postfix does, with retries for those that are left. */
async function deliver(
  socket: string,
  mail: Omit<Mail, "to" | "route">,
  recipients: readonly string[],
): Promise<number> {
  let attempts = 0;
  for (let left = [...recipients]; left.length > 0;) {
    attempts++;
    const tried = left;
    left = await attempt(socket, mail, tried).catch(() => tried);
    if (left.length > 0) await pause(PAUSE_MS);
  }
  return attempts;
}

/** Counts rows and files of the ten thousand. */
async function count({ world, state, boxes }: FaultWorld): Promise<Count> {
  const rows = await world.app.sql<
    { id: string; alias: string; files: string[]; hmac: string; used: number }[]
  >`
    select v.id, v.alias, v.message_count as used,
      coalesce(json_agg(m.storage->>'file') filter (where m.id is not null), '[]')
        as files,
      min(m.storage->>'hmac') as hmac
    from vaultboxes v left join messages m on m.vaultbox_id = v.id
    where v.alias like 'many%' group by v.id
  `;
  const found: Record<"lost" | "doubled" | "misplaced" | "wrong", string[]> = {
    lost: [],
    doubled: [],
    misplaced: [],
    wrong: [],
  };
  const key = new Uint8Array(32).fill(9);
  for (const [i, { id, alias, files, hmac, used }] of rows.entries()) {
    const folder = `${state}/mail/${id}/Maildir/new`;
    const names = await Array.fromAsync(Deno.readDir(folder))
      .then((entries) => entries.map(({ name }) => name), () => []);
    if (names.length === 0) found.lost.push(alias);
    if (names.length > 1) found.doubled.push(alias);
    if (used !== 1 || files.join() !== names.join()) found.wrong.push(alias);
    for (const name of names) {
      const path = `${folder}/${name}`;
      const octets = await Deno.readFile(path);
      const actual = createHmac("sha256", key).update(octets).digest("hex");
      if (actual !== hmac) found.misplaced.push(`${alias}: ${name}`);
      if (i % (rows.length / DECRYPTED) !== 0) continue;
      const keys = boxes[0]!.keys[0]!;
      const inner = await run("openssl", [
        ...["cms", "-decrypt", "-binary", "-inform", "SMIME", "-in", path],
        ...["-inkey", keys, "-recip", keys],
      ], { cwd: "/" });
      const transaction = Math.floor((Number(alias.slice(4)) - 1) / RECIPIENTS);
      const text = new TextDecoder().decode(inner);
      if (!text.includes(`number t${transaction} `)) {
        found.misplaced.push(alias);
      }
    }
  }
  return { accepted: rows.length, ...found };
}

// Too long for CI.
if (Deno.env.has("FAULT_ROUNDS")) {
  Deno.test("ten thousand recipients over ten transactions get one file and one row each, though the intake is killed", async () => {
    await using faults = await faultWorld();
    const { intake, canaries, env } = faults;
    await makeMany(faults);
    await intake.start();
    const summary = new Summary("10,000 recipients over ten transactions");
    const deliveries = Array.from({ length: TRANSACTIONS }, (_, t) => {
      const number = `t${t}`;
      const octets = writeMail(canaries, number, 3000);
      const mail = { number, queueId: newQueueId(), octets };
      const recipients = Array.from(
        { length: RECIPIENTS },
        (_, i) => `many${t * RECIPIENTS + i + 1}@pets.example`,
      );
      return deliver(env["ENCIMAP_LMTP_SOCKET"]!, mail, recipients);
    });
    await pause(2000);
    await intake.stop("SIGKILL");
    await intake.start();
    const attempts = await Promise.all(deliveries);
    await summary.round({
      state: faults.state,
      canaries,
      census: { count: () => count(faults) },
    });
    summary.end(`attempts: ${attempts.join(" ")}`);
  });
}
