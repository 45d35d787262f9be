import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { makeBox, testWorld } from "../helpers/app.ts";
import { send, startIntakeProcess } from "../helpers/intake_process.ts";
import { memory, resetPeak } from "../helpers/processes.ts";
import { until } from "../helpers/until.ts";

const CANARY = "the canary sings at noon";
const HEADER = "From: bob@sender.example\r\nSubject: x\r\n\r\n";
const CHUNK = new TextEncoder().encode(`${CANARY}\r\n`.repeat(2500));

/**
 * Peak over idle, MiB: what is promised, and room for a garbage collector that
 * comes late. One message of 50 MB held in memory would be ten times its size.
 */
const MAX_OVER_IDLE = 200;

function* mail(octets: number): Generator<Uint8Array> {
  yield new TextEncoder().encode(HEADER);
  for (let done = 0; done < octets; done += CHUNK.length) yield CHUNK;
}

async function filesBelow(path: string): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory, isFile } of Deno.readDir(path)) {
    if (isDirectory) found.push(...await filesBelow(`${path}/${name}`));
    else if (isFile) found.push(`${path}/${name}`);
  }
  return found;
}

Deno.test("the intake's memory stays flat with 8 messages of 1, 25 and 50 MB at once", async (t) => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await using intake = await startIntakeProcess(world);
  await send(intake.socket, id, "cat@pets.example", mail(1000));
  const idle = (await memory(intake.pid)).now;
  for (const megabytes of [1, 25, 50]) {
    await t.step(`${megabytes} MB`, async () => {
      await resetPeak(intake.pid);
      const answers = await Promise.all(
        Array.from(
          { length: 8 },
          () =>
            send(
              intake.socket,
              id,
              "cat@pets.example",
              mail(megabytes * 1_000_000),
            ),
        ),
      );
      assert.deepEqual(answers, Array(8).fill(200), intake.log());
      const over = (await memory(intake.pid)).peak - idle;
      assert.ok(over < MAX_OVER_IDLE, `${over.toFixed(0)} MiB over idle`);
      for (const file of await filesBelow(`${world.directory}/mail/${id}`)) {
        await Deno.remove(file);
      }
    });
  }
});

Deno.test("no file has a canary of a large message while it comes, nor when it is stored", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await using intake = await startIntakeProcess(world);
  const descriptors = `/proc/${intake.pid}/fd`;
  let spooled = 0;

  /** Every file of the store, and every file that the intake has open. */
  async function hunt(): Promise<void> {
    const paths = await filesBelow(`${world.directory}/mail`);
    for await (const { name } of Deno.readDir(descriptors)) {
      const target = await Deno.readLink(`${descriptors}/${name}`)
        .catch(() => "");
      if (!target.startsWith(world.directory)) continue;
      paths.push(`${descriptors}/${name}`);
      if (!target.includes("/.spool/")) continue;
      spooled = Math.max(
        spooled,
        (await Deno.stat(`${descriptors}/${name}`)).size,
      );
    }
    for (const path of paths) {
      const info = await Deno.stat(path).catch(() => undefined);
      if (!info?.isFile) continue;
      const octets = await Deno.readFile(path).catch(() => new Uint8Array());
      assert.equal(Buffer.from(octets).includes(CANARY), false, path);
    }
  }

  let sent = 0;
  async function* slowly(): AsyncGenerator<Uint8Array> {
    for (const chunk of mail(12_000_000)) {
      yield chunk;
      sent += chunk.length;
      if (sent % 32 === 0) await hunt();
    }
    // What was written last has to arrive.
    await until("the spool has grown", async () => {
      await hunt();
      return spooled > 9_000_000;
    });
  }
  const answer = send(intake.socket, id, "cat@pets.example", slowly());
  let isOver = false;
  answer.finally(() => isOver = true);
  while (!isOver) await hunt();
  assert.equal(await answer, 200, intake.log());
  assert.ok(spooled > 9_000_000, `${spooled} octets`);
  await hunt();
  const stored = await filesBelow(`${world.directory}/mail/${id}/Maildir/new`);
  assert.equal(stored.length, 1);
  assert.deepEqual(
    await Array.fromAsync(Deno.readDir(`${world.directory}/mail/.spool`)),
    [],
  );
});

Deno.test("a sender that dies in the middle of a large message leaves nothing", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await using intake = await startIntakeProcess(world);
  async function* dying(): AsyncGenerator<Uint8Array> {
    for (const chunk of mail(8_000_000)) yield chunk;
    await new Promise((resolve) => setTimeout(resolve, 300));
    throw new Error("killed");
  }
  const socket = intake.socket;
  const path = `/intake/messages?vaultbox_id=${id}&recipient=cat@pets.example`;
  const { connect } = await import("node:net");
  await new Promise<void>((resolve, reject) => {
    const peer = connect({ path: socket });
    peer.on("error", reject);
    peer.on("close", () => resolve());
    peer.write(
      `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: 20000000\r\n\r\n`,
    );
    (async () => {
      try {
        for await (const chunk of dying()) peer.write(chunk);
      } catch {
        peer.destroy();
      }
    })();
  });
  await until("the spool file is closed", async () => {
    for await (const { name } of Deno.readDir(`/proc/${intake.pid}/fd`)) {
      const target = await Deno.readLink(`/proc/${intake.pid}/fd/${name}`)
        .catch(() => "");
      if (target.includes("/.spool/")) return false;
    }
    return true;
  });
  assert.deepEqual(
    await filesBelow(`${world.directory}/mail`),
    [],
    intake.log(),
  );
  const [row] = await world.app.sql`select count(*) from messages`;
  assert.equal(row!["count"], 0);
});
