import assert from "node:assert/strict";
import { MISSING, type Ran, startAppliance } from "../helpers/appliance.ts";
import { makeBox, PASSWORD } from "../helpers/appliance_box.ts";
import { contentOf, decrypt, latin1 } from "../helpers/mail.ts";

async function must(running: Promise<Ran>): Promise<string> {
  const ran = await running;
  assert.equal(ran.code, 0, ran.out + ran.err);
  return ran.out + ran.err;
}

Deno.test({
  name: `both keys are rotated, and both may be lost${
    MISSING ? ` (needs ${MISSING})` : ""
  }`,
  ignore: MISSING !== undefined,
}, async (t) => {
  await using appliance = await startAppliance();
  const cat = await makeBox(appliance, "cat");
  const secrets = `${appliance.directory}/secrets`;
  const key = (name: string): Promise<string> =>
    Deno.readTextFile(`${secrets}/${name}`);
  let count = 0;
  const mail = async (): Promise<string> => {
    const before = await appliance.inbox(cat.id);
    await appliance.send(`Subject: ${count}\r\n\r\nText\r\n`, cat.address);
    const after = await appliance.waitForInbox(cat.id, ++count);
    return after.find((path) => !before.includes(path))!;
  };
  const opens = async (path: string, p12: Uint8Array<ArrayBuffer>) => {
    const inner = await decrypt(await Deno.readFile(path), p12, PASSWORD);
    assert.equal(contentOf(latin1(inner)), "\r\nText\r\n");
  };
  const bundle = (): Promise<Uint8Array<ArrayBuffer>> =>
    appliance.download("/p12", { "vaultbox_id": cat.id, password: PASSWORD });
  const altered = await mail();
  const first = await mail();
  await mail();

  await t.step("the master key: a dry run changes nothing", async () => {
    const before = await key("master.key");
    const said = await must(
      appliance.root("keys", "rotate-master", "--dry-run"),
    );
    assert.match(
      said,
      /can be put under the new master key, 0 lost\nNothing was changed/,
    );
    assert.equal(await key("master.key"), before);
    await assert.rejects(key("master.key.new"), Deno.errors.NotFound);
  });

  await t.step(
    "the master key: a rotation keeps every key, and the former one opens none",
    async () => {
      const former = await key("master.key");
      await appliance.apiService.stop();
      await must(appliance.root("keys", "rotate-master"));
      await appliance.apiService.start();
      const now = await key("master.key");
      assert.notEqual(now, former);
      await must(appliance.encimap("keys", "check"));
      await opens(first, await bundle());
      await Deno.writeTextFile(`${secrets}/master.key`, former);
      assert.equal((await appliance.encimap("keys", "check")).code, 2);
      await Deno.writeTextFile(`${secrets}/master.key`, now);
    },
  );

  await t.step(
    "the HMAC key: a rotation keeps what is genuine genuine, and what is altered altered",
    async () => {
      const octets = await Deno.readFile(altered);
      octets[octets.length - 100]! ^= 1;
      await Deno.writeFile(altered, octets);
      const former = await key("hmac.key");
      const said = await must(appliance.root("keys", "rotate-hmac"));
      assert.match(
        said,
        /HMAC was changed: 2; files that are no message as it was stored: 1/,
      );
      assert.notEqual(await key("hmac.key"), former);
      await assert.rejects(key("hmac.key.former"), Deno.errors.NotFound);
      await appliance.intake.stop();
      await appliance.intake.start();
      await mail();
      const verified = await appliance.encimap("verify");
      assert.equal(verified.code, 2);
      assert.match(verified.out, /Altered 1, foreign 0/);
    },
  );

  await t.step(
    "the HMAC key: an interrupted rotation is gone on with, and verify waits for it",
    async () => {
      const former = await key("hmac.key");
      await Deno.writeTextFile(`${secrets}/hmac.key.former`, former);
      await Deno.writeTextFile(`${secrets}/hmac.key`, "cd".repeat(32));
      const early = await appliance.encimap("verify");
      assert.equal(early.code, 1);
      assert.match(early.err, /rotate-hmac goes on with it/);
      await must(appliance.root("keys", "rotate-hmac"));
      assert.equal(await key("hmac.key"), "cd".repeat(32));
      assert.match(
        (await appliance.encimap("verify")).out,
        /Altered 1, foreign 0/,
      );
    },
  );

  await t.step(
    "the HMAC key: under a wrong one nothing is rotated, and no key is lost",
    async () => {
      const right = await key("hmac.key");
      await Deno.writeTextFile(`${secrets}/hmac.key`, "ef".repeat(32));
      const ran = await appliance.root("keys", "rotate-hmac");
      assert.equal(ran.code, 1);
      assert.match(ran.err, /not the one that the messages were stored under/);
      assert.equal(await key("hmac.key.former"), "ef".repeat(32));
      await Deno.remove(`${secrets}/hmac.key.former`);
      await Deno.writeTextFile(`${secrets}/hmac.key`, right);
    },
  );

  await t.step(
    "a lost HMAC key is replaced, and believes what is there",
    async () => {
      await Deno.remove(`${secrets}/hmac.key`);
      assert.match(
        (await appliance.root("keys", "rotate-hmac")).err,
        /use --lost/,
      );
      await must(appliance.root("keys", "rotate-hmac", "--lost"));
      assert.match(
        await must(appliance.encimap("verify")),
        /Altered 0, foreign 0/,
      );
    },
  );

  await t.step(
    "a lost master key: new keys are made, and former bundles open old mail and new",
    async () => {
      await appliance.apiService.stop();
      await appliance.intake.stop();
      await Deno.writeTextFile(`${secrets}/master.key`, "12".repeat(32));
      assert.equal((await appliance.encimap("keys", "check")).code, 2);
      const dry = await appliance.encimap("keys", "replace-lost");
      assert.equal(dry.code, 1);
      assert.match(dry.out, /cat@pets\.example\tin bundles 1\tnobody's 0/);
      assert.equal((await appliance.encimap("keys", "check")).code, 2);
      await must(appliance.encimap("keys", "replace-lost", "--yes"));
      await must(appliance.encimap("keys", "check"));
      // The API is healthy only beside an intake.
      await appliance.intake.start();
      await appliance.apiService.start();
      const path = await mail();
      await opens(path, cat.p12);
      await opens(path, await bundle());
      await opens(first, cat.p12);
    },
  );
});
