import assert from "node:assert/strict";
import { MISSING } from "../helpers/appliance.ts";
import { type PostfixWorld, postfixWorld } from "./postfix_world.ts";
import { pause } from "./sender.ts";
import { roundsOf, Summary } from "./summary.ts";

const NEEDS = MISSING ? ` (needs ${MISSING})` : "";

/** Rounds of each fault. */
const ROUNDS = roundsOf(1);

/** Mails in each round, half of them by pipe(8) and half by lmtp(8). */
const MAILS = 24;

/** Processes of one name that are killed in a round, one after the other. */
const KILLS = 4;

/** Kills whatever has the name, some times, and says how many it were. */
async function killAll(world: PostfixWorld, name: string): Promise<number> {
  let killed = 0;
  for (let i = 0; i < KILLS; i++) {
    let pids: number[] = [];
    // Those of pipe(8) and lmtp(8) are there while there is mail for them.
    for (let tries = 0; pids.length === 0 && tries < 20; tries++) {
      pids = await world.processes(name);
      if (pids.length === 0) await pause(20);
    }
    for (const pid of pids) {
      try {
        Deno.kill(pid, "SIGKILL");
        killed++;
      } catch {
        // It has ended by itself.
      }
    }
    await pause(Math.random() * 200);
  }
  return killed;
}

const FAULTS: [string, (world: PostfixWorld) => Promise<number>][] = [
  ["Postfix stopped and started", async (world) => {
    await world.postfix("postfix", "stop");
    await world.startPostfix();
    return 1;
  }],
  ["Postfix aborted and started", async (world) => {
    await world.postfix("postfix", "abort");
    await world.startPostfix();
    return 1;
  }],
  ["kill -9 of Postfix's master", async (world) => {
    const killed = await world.processes("master");
    Deno.kill(killed[0]!, "SIGKILL");
    await world.startPostfix();
    return killed.length;
  }],
  ...["qmgr", "pipe", "lmtp", "cleanup", "smtpd"].map((name) =>
    [
      `kill -9 of Postfix's ${name}`,
      (world: PostfixWorld) => killAll(world, name),
    ] as [string, (world: PostfixWorld) => Promise<number>]
  ),
];

Deno.test({
  name: `faults of Postfix lose, double, bounce and expose nothing${NEEDS}`,
  ignore: MISSING !== undefined,
}, async (t) => {
  await using world = await postfixWorld();
  const { boxes, mailer } = world;
  for (const [name, fault] of FAULTS) {
    await t.step(name, async () => {
      const summary = new Summary(name);
      const before = mailer.offered.size;
      const unsureBefore = mailer.unsure.size;
      let faults = 0;
      for (let round = 0; round < ROUNDS; round++) {
        const mails = Array.from(
          { length: MAILS },
          (_, i) =>
            world.mail(boxes[i % boxes.length]!, i % 10 < 4 ? 400_000 : 3000),
        );
        const sent = mailer.send(mails);
        await pause(300 + Math.random() * 700);
        faults += await fault(world);
        await sent;
        await world.drained();
        await summary.round(world, { places: world.places(), before });
      }
      assert.ok(faults > 0, "no fault was made");
      assert.equal(mailer.bounced.size, 0);
      assert.doesNotMatch(await world.maillog(), /status=bounced/);
      const unsure = mailer.unsure.size - unsureBefore;
      summary.end(`${faults} faults; ${unsure} times no answer of Postfix`);
    });
  }
});
