import assert from "node:assert/strict";
import type { FaultWorld } from "./world.ts";
import { faultWorld } from "./world.ts";
import { Intake } from "./intake.ts";
import { httpDoor, pause, Queue } from "./sender.ts";
import { Census } from "./census.ts";
import { until } from "../helpers/until.ts";

const UNIT = new URL("../helpers/socket_unit.py", import.meta.url).pathname;
const NOTHING = { lost: [], doubled: [], misplaced: [], wrong: [] };

/** Intakes behind sockets that somebody else holds, as systemd does. */
function behindSocket(world: FaultWorld, count = 1): readonly string[] {
  const sockets = [
    world.env["ENCIMAP_INTAKE_SOCKET"]!,
    world.env["ENCIMAP_LMTP_SOCKET"]!,
  ];
  return ["/usr/bin/python3", UNIT, String(count), ...sockets, "--"];
}

async function assertAllStored(world: FaultWorld): Promise<void> {
  const { accepted, ...found } = await world.census.count();
  assert.deepEqual(found, NOTHING);
  assert.equal(world.queue.stored.size, accepted);
  assert.equal(world.queue.bounced.size, 0);
}

Deno.test("an intake behind systemd's socket is restarted five times under load, and defers nothing", async () => {
  await using world = await faultWorld();
  await world.intake.start({ under: behindSocket(world) });
  const mails = Array.from(
    { length: 600 },
    (_, i) => world.mail(world.boxes[i % 3]!, i % 20 === 0 ? 300_000 : 3000),
  );
  let isDone = false;
  const delivering = world.queue.deliver(mails).finally(() => isDone = true);
  let restarts = 0;
  while (!isDone && restarts < 5) {
    await pause(300 + Math.random() * 700);
    const listening = (): number =>
      Deno.readTextFileSync(world.intake.log).split("event=listening").length;
    const before = listening();
    Deno.kill(world.intake.pid, "SIGHUP");
    restarts++;
    await until("the next one listens", () => listening() > before);
  }
  await delivering;
  await assertAllStored(world);
  assert.ok(restarts >= 3, `${restarts} restarts`);
  const log = await Deno.readTextFile(world.intake.log);
  const stopped = log.split("event=stopping").length - 1;
  assert.ok(stopped >= 3, `${stopped} processes have stopped`);
  assert.doesNotMatch(log, /in the middle of work/);
  assert.equal(world.queue.deferrals, 0);
});

Deno.test("an intake that makes its socket itself is restarted under load, and loses nothing", async () => {
  await using world = await faultWorld();
  await world.intake.start();
  const mails = Array.from(
    { length: 200 },
    (_, i) => world.mail(world.boxes[i % 3]!),
  );
  const delivering = world.queue.deliver(mails);
  for (let round = 0; round < 4; round++) {
    await pause(200 + Math.random() * 400);
    assert.equal(await world.intake.stop("SIGTERM"), 0);
    await world.intake.start();
  }
  await delivering;
  await assertAllStored(world);
});

Deno.test("two intakes behind one socket store each mail once, also while both are restarted", async () => {
  await using world = await faultWorld();
  await world.intake.start({ under: behindSocket(world, 2) });
  // Each mail is offered twice at the same time, as two attempts would be.
  const door = httpDoor(() => world.env["ENCIMAP_INTAKE_SOCKET"]!);
  const queue = new Queue(async (mail) => {
    const [first, second] = await Promise.all([door(mail), door(mail)]);
    return first === "stored" ? second : first;
  });
  const mails = Array.from(
    { length: 200 },
    (_, i) => world.mail(world.boxes[i % 3]!),
  );
  const delivering = queue.deliver(mails);
  for (let round = 0; round < 3; round++) {
    await pause(800);
    Deno.kill(world.intake.pid, "SIGHUP");
  }
  await delivering;
  const { sql } = world.world.app;
  const census = new Census(sql, `${world.state}/mail`, world.boxes, queue);
  const { accepted, ...found } = await census.count();
  assert.deepEqual(found, NOTHING);
  assert.equal(queue.stored.size, accepted);
});

Deno.test("a second intake by mistake takes no socket away from the first", async () => {
  await using world = await faultWorld();
  await world.intake.start();
  await using second = new Intake(`${world.state}/tmp`, {
    ...world.env,
    ENCIMAP_LMTP_SOCKET: `${world.state}/run/other-lmtp.sock`,
  });
  second.spawn();
  await until(
    "it gives up",
    () => {
      try {
        const log = Deno.readTextFileSync(second.log);
        return log.includes("Another process listens");
      } catch {
        return false;
      }
    },
  );
  await world.queue.deliver([world.mail(world.boxes[0]!)]);
  assert.equal(world.queue.deferrals, 0);
});

Deno.test("a stalled peer holds a stop for seconds only, and a second SIGTERM ends it at once", async () => {
  await using world = await faultWorld();
  const stall = async (): Promise<Deno.Conn> => {
    const path = world.env["ENCIMAP_INTAKE_SOCKET"]!;
    const peer = await Deno.connect({ transport: "unix", path });
    const head = `POST /intake/messages?vaultbox_id=${
      world.boxes[0]!.id
    }&recipient=cat@pets.example HTTP/1.1\r\nHost: x\r\nContent-Length: 99\r\n\r\n`;
    await peer.write(new TextEncoder().encode(head));
    await pause(300);
    return peer;
  };
  await world.intake.start();
  using _first = await stall();
  const begin = performance.now();
  assert.equal(await world.intake.stop("SIGTERM"), 0);
  const took = performance.now() - begin;
  assert.ok(took > 4000 && took < 15_000, `${took} ms`);

  await world.intake.start();
  using _second = await stall();
  const again = performance.now();
  const { pid } = world.intake;
  const stopped = world.intake.stop("SIGTERM");
  await pause(500);
  Deno.kill(pid, "SIGTERM");
  assert.equal(await stopped, 0);
  assert.ok(performance.now() - again < took);
});
