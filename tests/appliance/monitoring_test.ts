/**
 * What the running appliance says of itself: metrics, and the log.
 *
 * @module
 */

import assert from "node:assert/strict";
import { createServer } from "node:net";
import type { Metric } from "../../src/metrics/metric.ts";
import { METRICS } from "../../src/metrics/table.ts";
import { lineHeads } from "../../src/system/line_heads.ts";
import { queueMetrics } from "../../src/vaultbox/queue_metrics.ts";
import { ALICE } from "../helpers/app.ts";
import {
  type Appliance,
  MISSING,
  startAppliance,
} from "../helpers/appliance.ts";
import { parse, promtool, valueOf } from "../helpers/exposition.ts";
import { sendByLmtp } from "../helpers/lmtp.ts";
import { isMissing } from "../helpers/openssl.ts";
import { freePort } from "../helpers/ports.ts";
import { until } from "../helpers/until.ts";

/** What only people know; a word for each place that it may come from. */
const SECRETS = {
  alias: "zanzibar",
  name: "Quagga",
  sender: "okapi",
  subject: "Narwhal",
  messageId: "axolotl",
  body: "Capybara",
  nobody: "wombat",
  label: "Tapir",
};
const CAT = `${SECRETS.alias}@pets.example`;

/** Answers as encimap-queue.socket does, for Postfix in its folder. */
async function serveQueue(appliance: Appliance): Promise<AsyncDisposable> {
  const server = createServer((socket) => {
    const config = ["-c", `${appliance.directory}/postfix`];
    queueMetrics(
      ([program, ...args]) => lineHeads([program, ...config, ...args]),
      new Date(),
    ).then((text) => socket.end(text));
  });
  const path = `${appliance.directory}/run/queue.sock`;
  await new Promise<void>((resolve) => server.listen(path, resolve));
  await Deno.chmod(path, 0o666);
  return {
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => server.close(() => resolve())),
  };
}

function mail(number: number): string {
  return [
    `From: Bob <${SECRETS.sender}@sender.example>`,
    `Subject: ${SECRETS.subject}`,
    `Message-ID: <${SECRETS.messageId}.${number}@sender.example>`,
    "",
    SECRETS.body,
    "",
  ].join("\r\n");
}

async function metricsOf(port: number): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}/metrics`);
  assert.equal(response.status, 200);
  assert.match(response.headers.get("content-type")!, /version=0\.0\.4/);
  return await response.text();
}

Deno.test({
  name: `the running appliance shows its metrics, and logs nothing of people${
    MISSING ? ` (needs ${MISSING})` : ""
  }`,
  ignore: MISSING !== undefined || isMissing("promtool"),
}, async (t) => {
  const [metricsPort, publicPort] = [freePort(), freePort()];
  await using appliance = await startAppliance({
    ENCIMAP_METRICS_PORT: String(metricsPort),
    ENCIMAP_PUBLIC_PORT: String(publicPort),
  });
  await using _queue = await serveQueue(appliance);
  const { directory } = appliance;
  const made = await appliance.api("POST", "/vaultboxes", {
    "user_id": ALICE,
    domain: "pets.example",
    alias: SECRETS.alias,
    name: SECRETS.name,
  });
  const id = made.data["vaultbox_id"];

  await t.step(
    "one line joins Postfix's queue id and the name of the file",
    async () => {
      await appliance.send(mail(1), CAT, `${SECRETS.sender}@sender.example`);
      const [path] = await appliance.waitForInbox(id, 1);
      // Postfix writes its line after the file is there.
      let queueId: string | undefined;
      await until("Postfix says so", async () => {
        const postfix = await Deno.readTextFile(`${directory}/mail.log`);
        queueId = /pipe\[\d+\]: (\w+): .*status=sent/.exec(postfix)?.[1];
        return queueId !== undefined;
      });
      const log = await Deno.readTextFile(`${directory}/run/intake.log`);
      const line = log.split("\n").find((line) =>
        line.includes(`queue=${queueId} `)
      );
      const [, message] = / message=([0-9a-f-]{36}) /.exec(line!)!;
      assert.match(line!, /^<6>event="message stored" /);
      assert.ok(path!.includes(`R${message}-`), path);
    },
  );

  await t.step("what goes wrong is worked on, too", async () => {
    const { api } = appliance;
    // The same address again, a token's missing scope, garbage, nobody's id.
    await api("POST", "/vaultboxes", {
      "user_id": ALICE,
      domain: "pets.example",
      alias: SECRETS.alias,
      name: SECRETS.name,
    });
    await api("POST", "/vaultboxes", { alias: SECRETS.alias, name: 7 });
    await api("GET", `/vaultboxes/${crypto.randomUUID()}`);
    await api("GET", `/${SECRETS.label}/${SECRETS.nobody}`);
    await api("POST", `/vaultboxes/${id}/app-credentials`, {
      label: SECRETS.label,
    });
    await (await fetch(`http://127.0.0.1:${publicPort}/${SECRETS.label}`))
      .body?.cancel();
    await appliance.send(mail(2), `${SECRETS.nobody}@pets.example`);
    await appliance.send("x".repeat(3_000_000), CAT);
    // The intake itself refuses these: nobody, too large, a lost database.
    const socket = `${directory}/run/lmtp.sock`;
    const byLmtp = (to: string, number: number) =>
      sendByLmtp(socket, {
        from: `${SECRETS.sender}@sender.example`,
        to: [to],
        message: mail(number),
      });
    const [gone] = await byLmtp(`${SECRETS.nobody}@pets.example`, 3);
    assert.match(gone!, /^550 /);
    await appliance.database.allowConnections(false);
    const [away] = await byLmtp(CAT, 4);
    assert.match(away!, /^4/);
    await api("GET", "/vaultboxes").catch(() => {});
    await appliance.database.allowConnections(true);
    await until(
      "the database is back",
      async () => (await api("GET", "/vaultboxes")).success === true,
    );
    await appliance.send(mail(5), CAT, `${SECRETS.sender}@sender.example`);
    await appliance.waitForInbox(id, 2);
    assert.equal((await appliance.encimap("maintenance")).code, 0);
    assert.equal((await appliance.encimap("verify")).code, 0);
  });

  await t.step("every metric of the table is there, and in form", async () => {
    const text = await metricsOf(metricsPort);
    assert.deepEqual(await promtool(["check", "metrics"], text), {
      code: 0,
      out: "",
    });
    const there = new Set(
      [...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name!),
    );
    const table: Metric[] = Object.values(METRICS);
    assert.deepEqual(
      [...there].sort(),
      table.map(({ name }) => name).sort(),
    );
    for (const up of ["intake", "queue", "database"]) {
      assert.equal(valueOf(text, `encimap_${up}_up`), 1, up);
    }
    const stored = { door: "socket", outcome: "stored" };
    assert.equal(valueOf(text, "encimap_deliveries_total", stored), 2);
    const refused = { door: "lmtp", outcome: "unknown_vaultbox" };
    assert.equal(valueOf(text, "encimap_deliveries_total", refused), 1);
    for (const word of [...Object.values(SECRETS), "pets", ALICE, id]) {
      assert.ok(!text.toLowerCase().includes(word.toLowerCase()), word);
    }
    const names = new Set(parse(text).map(({ name }) => name));
    for (const [where, exprs] of await expressions()) {
      for (const expr of exprs) {
        for (const [name] of expr.matchAll(/\bencimap_[a-z_]+/g)) {
          assert.ok(names.has(name), `${where} asks for ${name}`);
        }
      }
    }
  });

  await t.step(
    "what the dashboard asks is in the language of Prometheus",
    async () => {
      const exprs = (await expressions()).get("the dashboard")!;
      const rules = exprs.map((expr, i) => ({
        record: `panel:${i}`,
        expr: expr.replaceAll("$__rate_interval", "5m"),
      }));
      const path = `${directory}/panels.yml`;
      await Deno.writeTextFile(
        path,
        JSON.stringify({ groups: [{ name: "panels", rules }] }),
      );
      const { code, out } = await promtool(["check", "rules", path]);
      assert.equal(code, 0, out);
    },
  );

  await t.step("mail that waits is seen in the queue", async () => {
    await appliance.intake.stop();
    await appliance.send(mail(6), CAT, `${SECRETS.sender}@sender.example`);
    await until("the queue has it", async () => {
      const text = await metricsOf(metricsPort);
      assert.equal(valueOf(text, "encimap_intake_up"), 0);
      const deferred = { queue: "deferred" };
      return valueOf(text, "encimap_queue_messages", deferred) === 1;
    });
    await appliance.intake.start();
    await appliance.waitForInbox(id, 3);
  });

  await t.step("counts of deliveries outlive the intake", async () => {
    const rows = await appliance.sql(
      "select deliveries from delivery_counts where outcome = 'stored'",
    );
    assert.equal(rows[0]?.["deliveries"], 2);
  });

  await t.step(
    "an operator is shown queue, disk and what doctor has left",
    async () => {
      await appliance.encimap("doctor");
      const { data } = await appliance.api("GET", "/machine");
      assert.equal(data.queues.length, 5);
      const { total_bytes: total, free_bytes: free } = data.store;
      assert.ok(free > 0 && free < total, `${free} of ${total}`);
      // This is no machine of its own.
      assert.equal(data.doctor.status, "failed");
      assert.ok(data.doctor.checks.length > 20);
    },
  );

  await t.step("no log of ours has anything of people", async () => {
    for (const name of ["intake", "api"]) {
      const log = await Deno.readTextFile(`${directory}/run/${name}.log`);
      assert.match(log, /event=/, name);
      for (const word of [...Object.values(SECRETS), "pets.example"]) {
        const line = log.split("\n").find((line) =>
          line.toLowerCase().includes(word.toLowerCase())
        );
        assert.equal(line, undefined, name);
      }
    }
  });
});

/** What rules and dashboard ask Prometheus. */
async function expressions(): Promise<Map<string, string[]>> {
  const rules = await Deno.readTextFile(
    "appliance/monitoring/encimap.rules.yml",
  );
  const dashboard = JSON.parse(
    await Deno.readTextFile("appliance/monitoring/dashboard.json"),
  );
  const panels = dashboard.panels as { targets?: { expr: string }[] }[];
  return new Map([
    ["the rules", [rules]],
    [
      "the dashboard",
      panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr)),
    ],
  ]);
}
