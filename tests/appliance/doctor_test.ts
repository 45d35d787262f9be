/**
 * `encimap doctor` on real daemons: its mail through everything, its JSON, and a
 * daemon that hangs. What it says of a machine is in tests/vm/doctor_test.ts.
 */

import assert from "node:assert/strict";
import {
  type Appliance,
  MISSING,
  startAppliance,
} from "../helpers/appliance.ts";
import { until } from "../helpers/until.ts";

/** What `encimap doctor --json` says. */
interface Said {
  readonly status: string;
  readonly hostname: string;
  readonly version: string;
  readonly at: string;
  readonly checks: readonly Readonly<Record<string, unknown>>[];
}

/** Checks that need a machine of their own. */
const OF_A_MACHINE = ["permissions", "postfix-settings", "queue"];

async function doctor(appliance: Appliance): Promise<Said> {
  const { out } = await appliance.encimap("doctor", "--json");
  return JSON.parse(out);
}

function check(said: Said, name: string) {
  const found = said.checks.find((each) => each["name"] === name);
  assert.ok(found, name);
  return found;
}

function failed(said: Said): unknown[] {
  return said.checks.filter(({ status }) => status === "failed")
    .map(({ name }) => name)
    .filter((name) => !OF_A_MACHINE.includes(String(name)));
}

for (const transport of ["lmtp", "pipe"]) {
  Deno.test({
    name: `doctor sends a mail through everything, by ${transport}${
      MISSING === undefined ? "" : ` (needs ${MISSING})`
    }`,
    ignore: MISSING !== undefined,
  }, async (t) => {
    await using appliance = await startAppliance({
      ENCIMAP_TRANSPORT: transport,
    });

    await t.step("and all of it works", async () => {
      const said = await doctor(appliance);
      assert.deepEqual(failed(said), []);
      assert.deepEqual(
        { ...check(said, "mail"), milliseconds: 0 },
        {
          name: "mail",
          status: "ok",
          title:
            "a mail comes in, is encrypted, stored, read by IMAP and decrypted",
          note: null,
          problem: null,
          fix: null,
          mended: null,
          milliseconds: 0,
        },
      );
    });

    await t.step("nothing of it is left", async () => {
      const boxes = await appliance.sql("select alias from vaultboxes");
      assert.deepEqual(boxes.map(({ alias }) => alias), ["postmaster"]);
      assert.deepEqual(await appliance.sql("select from messages"), []);
      const { out } = await appliance.encimap("reconcile", "--dry-run");
      assert.match(out, /Maps agree with the database/);
      await until("its mail is removed", async () => {
        const names = await Array.fromAsync(
          Deno.readDir(`${appliance.directory}/mail`),
          ({ name }) => name,
        );
        return names.every((name) => name.startsWith("."));
      });
    });

    if (transport === "pipe") return;
    await t.step("its JSON has the form of operations.md", async () => {
      const said = await doctor(appliance);
      assert.deepEqual(Object.keys(said), [
        "status",
        "hostname",
        "version",
        "at",
        "checks",
      ]);
      assert.equal(said.status, "failed", "this is no machine of its own");
      assert.equal(said.hostname, "mail.example.test");
      assert.ok(Math.abs(Date.parse(said.at) - Date.now()) < 60_000);
      for (const each of said.checks) {
        assert.deepEqual(Object.keys(each), [
          "name",
          "status",
          "title",
          "note",
          "problem",
          "fix",
          "mended",
          "milliseconds",
        ]);
        const isBad = ["failed", "warning"].includes(String(each["status"]));
        assert.equal(each["fix"] !== null, isBad, String(each["name"]));
      }
    });

    await t.step("a daemon that hangs stops no other check", async () => {
      appliance.intake.signal("SIGSTOP");
      const said = await doctor(appliance);
      appliance.intake.signal("SIGCONT");
      assert.deepEqual(failed(said), ["intake"]);
      assert.match(String(check(said, "intake")["problem"]), /silent/);
      assert.equal(check(said, "mail")["problem"], 'it needs "intake"');
      assert.equal(check(said, "imap")["status"], "ok");
    });

    await t.step("wrong options are told", async () => {
      for (const line of [["--dry-run"], ["--fast"], ["now"]]) {
        const { code } = await appliance.encimap("doctor", ...line);
        assert.equal(code, 64, line.join(" "));
      }
    });
  });
}
