import assert from "node:assert/strict";
import { testPgHost } from "../helpers/database.ts";
import type { Mail } from "./mail.ts";
import { hunt, openFiles } from "./hunt.ts";
import { pause } from "./sender.ts";
import { roundsOf, Summary } from "./summary.ts";
import { type FaultWorld, faultWorld } from "./world.ts";

/** Intakes that are killed at the same time, each in a world of its own. */
const WORLDS = 2;

/** Kills of all intakes together. */
const ROUNDS = roundsOf(80);

/** Mails in each round. */
const MAILS = 8;

/** Octets of the mails of a round; now and then a large one. */
function sizes(round: number): number[] {
  const some: number[] = Array.from(
    { length: MAILS },
    (_, i) => i === 3 ? 60_000 : 2000,
  );
  if (round % 10 === 5) some[0] = 5_000_000;
  return some;
}

function mailsOf(faults: FaultWorld, round: number): Mail[] {
  return sizes(round).flatMap((size, i) => {
    const { boxes } = faults;
    const mail = faults.mail(boxes[i % boxes.length]!, size);
    if (i % 4 !== 0) return [mail];
    // The same mail to a second recipient: same queue id and octets.
    const other = boxes[(i + 1) % boxes.length]!;
    return [mail, { ...mail, route: other.id, to: other.address }];
  });
}

Deno.test(`an intake killed ${ROUNDS} times at random moments loses, doubles and exposes nothing`, async () => {
  const summary = new Summary("kill -9 of the intake at random moments");
  const left = {
    "row and no file shown": 0,
    "staged without a row": 0,
    shown: 0,
  };
  await Promise.all(
    Array.from({ length: WORLDS }, async (_, number) => {
      await using faults = await faultWorld();
      const { intake, queue, census } = faults;
      await intake.start();
      // How long a round of a process that has just begun takes: some kills come
      // when all is done.
      const begin = performance.now();
      await queue.deliver(mailsOf(faults, 1));
      const usual = performance.now() - begin;
      let orphans = 0;
      for (let round = number; round < ROUNDS; round += WORLDS) {
        const delivered = queue.deliver(mailsOf(faults, round));
        await pause(Math.random() * usual);
        const exposed = await hunt(faults.canaries, openFiles(intake.pid));
        assert.deepEqual(exposed, []);
        await intake.stop("SIGKILL");
        const acknowledged = queue.stored.size;
        const { withRow, withoutRow } = await census.staged();
        left["row and no file shown"] += withRow.length;
        left["staged without a row"] += withoutRow.length - orphans;
        orphans = withoutRow.length;
        left.shown += await census.shown() - acknowledged;
        if (round % 5 === 0) {
          // While it starts, too.
          intake.spawn();
          await pause(Math.random() * 400);
          await intake.stop("SIGKILL");
        }
        await intake.start();
        await delivered;
        const last = round + WORLDS >= ROUNDS;
        await summary.round(faults, {
          places: round % 20 < WORLDS || last ? [`${testPgHost()}/data`] : [],
        });
      }
    }),
  );
  summary.end(`interrupted: ${JSON.stringify(left)}`);
});
