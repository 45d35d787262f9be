import assert from "node:assert/strict";
import { MISSING } from "../helpers/appliance.ts";
import { until } from "../helpers/until.ts";
import { keyOf } from "./sender.ts";
import { Summary } from "./summary.ts";
import { postfixWorld } from "./postfix_world.ts";

const NEEDS = MISSING ? ` (needs ${MISSING})` : "";

/** Postfix's hopcount_limit. */
const HOPS_MAX = 50;

function hops(count: number): string {
  return Array.from(
    { length: count },
    (_, i) => `Received: from h${i}.example by h${i + 1}.example; today\r\n`,
  ).join("");
}

Deno.test({
  name:
    `mail that comes back to a vaultbox is refused once, and a loop ends${NEEDS}`,
  ignore: MISSING !== undefined,
}, async (t) => {
  await using world = await postfixWorld();
  const { appliance, boxes, mailer } = world;
  const summary = new Summary("mail loops, by pipe(8) and by lmtp(8)");
  const logOf = async (address: string): Promise<string[]> =>
    (await world.maillog()).split("\n")
      .filter((line) => line.includes(`to=<${address}>`));
  const count = async (): Promise<number> => {
    await world.drained();
    return await world.census.shown();
  };

  for (const box of boxes) {
    const { address } = box;
    const road = box === boxes[0] || box === boxes[1] ? "pipe(8)" : "lmtp(8)";
    await t.step(
      `what ${address} has by ${road} comes back as it is: 5.4.6`,
      async () => {
        await mailer.send([world.mail(box)]);
        const [path] = await appliance.waitForInbox(box.id, 1);
        const stored = await Deno.readTextFile(path!);
        // As a program of its owner's does that sends everything on.
        const { code } = await appliance.send(stored, address, "");
        assert.equal(code, 0);
        await until(
          "it has bounced",
          async () =>
            (await logOf(address)).some((line) =>
              /dsn=5\.4\.6, status=bounced .*Mail loops/.test(line)
            ),
        );
        assert.equal((await appliance.inbox(box.id)).length, 1);
      },
    );
  }
  await t.step(
    "a mail that was another's before is stored, and one recipient's loop is not another's",
    async () => {
      const before = await count();
      const [cat, hen, dog, owl] = boxes;
      const mail = world.mail(hen!);
      const fields = `Delivered-To: ${cat!.address}\r\n` +
        `Delivered-To: ${dog!.address.toUpperCase()}\r\n`;
      const text = fields + new TextDecoder().decode(mail.octets);
      const all = boxes.map(({ address }) => address);
      assert.equal((await appliance.send(text, all, "")).code, 0);
      for (const { id, address } of [hen!, owl!]) {
        const one = { ...mail, route: id, to: address };
        mailer.offered.set(keyOf(one), one);
        mailer.stored.add(keyOf(one));
      }
      assert.equal(await count(), before + 2);
    },
  );
  await t.step(
    `a mail with ${HOPS_MAX} hops behind it is refused before it is queued, one with a few less is not`,
    async () => {
      const before = await count();
      const mail = world.mail(boxes[0]!);
      const text = new TextDecoder().decode(mail.octets);
      const many = await appliance.send(hops(HOPS_MAX) + text, mail.to);
      assert.match(many.err, /554 5\.4\.0 Error: too many hops/);
      await mailer.send([{
        ...mail,
        octets: new TextEncoder().encode(hops(HOPS_MAX - 2) + text),
      }]);
      assert.equal(await count(), before + 1);
      assert.ok(mailer.stored.has(keyOf(mail)));
    },
  );
  await t.step("nothing else has bounced", async () => {
    const bounced = (await world.maillog()).match(/status=bounced.*/g) ?? [];
    assert.equal(bounced.length, boxes.length + 2);
    for (const line of bounced) assert.match(line, /Mail loops/);
  });
  await summary.round(world, { places: world.places() });
  summary.end();
});
