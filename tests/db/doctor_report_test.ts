/** What `encimap doctor` leaves behind, and what it says of backups. */

import assert from "node:assert/strict";
import { backupChecks } from "../../src/cli/doctor/backup.ts";
import { runChecks } from "../../src/cli/doctor/check.ts";
import type { Doctor } from "../../src/cli/doctor/doctor.ts";
import { findDoctorReport } from "../../src/db/doctor_reports.ts";
import { catWorld } from "../helpers/cat_world.ts";

const HOUR_MS = 3_600_000;

/** What is kept of what a run says, but for the time. */
function said(json: string) {
  const { status, version, checks } = JSON.parse(json) as {
    status: string;
    version: string;
    checks: Record<string, unknown>[];
  };
  return {
    status,
    version,
    checks: checks.map(({ name, status, title, note, problem, fix }) => ({
      name,
      status,
      title,
      note,
      // That of permissions is long where there is no appliance.
      problem: shortened(problem as string | null),
      fix,
    })),
  };
}

function shortened(text: string | null): string | null {
  return text === null || text.length <= 1000 ? text : `${text.slice(0, 999)}…`;
}

Deno.test("encimap doctor keeps its last report", async (t) => {
  await using cat = await catWorld("server");
  const { sql } = cat.world.app;
  assert.equal(await findDoctorReport(sql), undefined);

  for (const options of ["--json", "--fix --dry-run --json"]) {
    await t.step(`with ${options}`, async () => {
      const before = Date.now();
      const ran = await cat.encimap(`doctor ${options}`);
      // This machine is no appliance.
      assert.equal(ran.status, 2);
      assert.doesNotMatch(ran.err, /not kept/);
      const { at, ...report } = (await findDoctorReport(sql))!;
      assert.deepEqual(report, said(ran.out));
      assert.ok(report.checks.length > 20);
      assert.equal(at.toISOString(), JSON.parse(ran.out).at);
      assert.ok(at.getTime() >= before);
    });
  }

  await t.step(
    "and where it cannot, says so and nothing else changes",
    async () => {
      const kept = await findDoctorReport(sql);
      await cat.world.database.sql`
      revoke insert, update on doctor_reports from encimap`;
      const ran = await cat.encimap("doctor --json");
      assert.equal(ran.status, 2);
      assert.deepEqual(said(ran.out).checks, kept!.checks);
      assert.match(ran.err, /^encimap doctor: this report is not kept: /m);
      assert.deepEqual(await findDoctorReport(sql), kept);
      await cat.world.database.sql`
      grant insert, update on doctor_reports to encimap`;
    },
  );

  await t.step("and without the database tries nothing", async () => {
    const kept = await findDoctorReport(sql);
    await cat.world.database.allowConnections(false);
    const ran = await cat.encimap("doctor --json");
    await cat.world.database.allowConnections(true);
    assert.equal(ran.status, 2);
    assert.equal(said(ran.out).checks[0]!.status, "failed");
    assert.doesNotMatch(ran.err, /not kept/);
    assert.deepEqual(await findDoctorReport(sql), kept);
  });
});

Deno.test("the check of backups says how old the newest one is, also when all is well", async () => {
  const folder = await Deno.makeTempDir();
  const now = new Date("2026-11-23T12:00:00Z");
  const app = { now: () => now };
  const checks = backupChecks({ app } as Doctor, {
    secretsPath: folder,
    statePath: folder,
  });
  await Deno.writeTextFile(`${folder}/backup.env`, "");
  await Deno.writeTextFile(`${folder}/backup.password`, "");
  for (
    const [hours, status] of [
      [0, "ok"],
      [50, "ok"],
      [51, "warning"],
      [168, "warning"],
      [169, "failed"],
    ] as const
  ) {
    const last = new Date(now.getTime() - hours * HOUR_MS - 1);
    await Deno.writeTextFile(`${folder}/backup.last`, last.toISOString());
    const [outcome] = await Array.fromAsync(
      runChecks(checks, { mends: false }),
    );
    assert.equal(outcome!.status, status, `${hours} hours`);
    const { note, problem } = outcome!;
    const words = `the last one is ${hours} hours old`;
    assert.deepEqual(
      { note, problem },
      status === "ok"
        ? { note: words, problem: undefined }
        : { note: undefined, problem: words },
    );
  }
  await Deno.remove(folder, { recursive: true });
});
