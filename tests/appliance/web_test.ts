import assert from "node:assert/strict";
import {
  type Appliance,
  MISSING,
  type Ran,
  startAppliance,
} from "../helpers/appliance.ts";
import { isMissing } from "../helpers/openssl.ts";
import { xmlTexts } from "../helpers/public.ts";

const NEEDS = MISSING ?? (isMissing("/usr/sbin/nginx") ? "nginx" : undefined);

Deno.test({
  name: `the web server lets the public in and nothing else${
    NEEDS ? ` (needs ${NEEDS})` : ""
  }`,
  ignore: NEEDS !== undefined,
}, async (t) => {
  await using appliance = await startAppliance();
  const made = await appliance.api("POST", "/vaultboxes", {
    "user_id": "11111111-1111-4111-8111-111111111111",
    domain: "pets.example",
    alias: "cat",
  });
  const id = made.data["vaultbox_id"];
  await appliance.startWeb();

  await t.step("autoconfig answers on both ports", async () => {
    for (const scheme of ["http", "https"] as const) {
      const found = await ask(
        appliance,
        `${scheme}://autoconfig.pets.example`,
        "/mail/config-v1.1.xml?emailaddress=cat@pets.example",
      );
      assert.equal(found.status, 200, found.err);
      const texts = await xmlTexts(found.body);
      assert.deepEqual(texts["domain"], ["pets.example"]);
    }
  });

  await t.step("autodiscover answers a POST of a reasonable size", async () => {
    const body = "<EMailAddress>cat@pets.example</EMailAddress>";
    const post = (text: string) =>
      ask(
        appliance,
        "https://autodiscover.pets.example",
        "/Autodiscover/Autodiscover.xml",
        "--data-binary",
        text,
      );
    const found = await post(body);
    assert.equal(found.status, 200);
    assert.deepEqual((await xmlTexts(found.body))["Type"], ["IMAP", "SMTP"]);
    assert.equal((await post(body + " ".repeat(5000))).status, 413);
  });

  await t.step("a one-time link gives its file, over TLS alone", async () => {
    const { data } = await appliance.api(
      "POST",
      `/vaultboxes/${id}/setup-links`,
    );
    const { pathname } = new URL(data.url);
    const origin = "https://mail.example.test";
    assert.match((await ask(appliance, origin, pathname)).body, /cat@pets/);
    const plain = await ask(appliance, "http://mail.example.test", pathname);
    assert.equal(plain.status, 404);
    const form = "file=profile&password=correct+horse+battery";
    const file = await ask(appliance, origin, pathname, "--data", form);
    assert.equal(file.status, 200);
    assert.match(file.body, /com\.apple\.mail\.managed/);
    assert.equal((await ask(appliance, origin, pathname)).status, 404);
  });

  await t.step(
    "a published certificate is on both ports, and in DNS",
    async () => {
      await appliance.api("PATCH", `/vaultboxes/${id}`, {
        "publish_certificate": true,
      });
      for (
        const origin of [
          "http://mail.example.test",
          "https://mail.example.test",
        ]
      ) {
        const path = "/certificates/search.cgi?uri=cat@pets.example";
        const found = await ask(appliance, origin, path);
        assert.equal(found.status, 200);
        assert.ok(found.body.includes("cat@pets.example"));
      }
      const { out } = await appliance.encimap("dns", "pets.example");
      assert.match(out, /^_imaps\._tcp\.pets\.example\. IN SRV 0 1 993 /m);
      assert.match(out, /\._smimecert\.pets\.example\. IN SMIMEA 3 0 0 30/);
    },
  );

  await t.step(
    "the API is not there, whatever the path looks like",
    async () => {
      for (
        const path of [
          "/s2s/v1/health",
          "/setup/../s2s/v1/health",
          "/setup/%2e%2e/s2s/v1/health",
          "//s2s/v1/health",
          "/mail/config-v1.1.xml/../../s2s/v1/health",
          "/",
        ]
      ) {
        const found = await ask(
          appliance,
          "https://mail.example.test",
          path,
          "--path-as-is",
        );
        assert.ok([400, 404].includes(found.status), `${path} ${found.status}`);
        assert.doesNotMatch(found.body, /healthy|success/);
      }
      // Of the setup links no word goes over a connection without TLS.
      const plain = await ask(
        appliance,
        "http://mail.example.test",
        "/setup/x",
      );
      assert.match(plain.body, /nginx/);
    },
  );

  await t.step("who asks too often is told to wait", async () => {
    const answers = await Promise.all(
      Array.from({ length: 60 }, () =>
        ask(
          appliance,
          "http://autoconfig.pets.example",
          "/mail/config-v1.1.xml",
        )),
    );
    const statuses = new Set(answers.map(({ status }) => status));
    assert.deepEqual([...statuses].sort(), [200, 429]);
  });

  await t.step("no log of the web server has a one-time link", async () => {
    const { data } = await appliance.api(
      "POST",
      `/vaultboxes/${id}/setup-links`,
    );
    const { pathname } = new URL(data.url);
    const origin = "https://mail.example.test";
    const answers = await Promise.all([
      ...Array.from({ length: 30 }, () => ask(appliance, origin, pathname)),
      ask(appliance, origin, pathname, "--data", "x".repeat(5000)),
    ]);
    assert.ok(answers.some(({ status }) => status === 429));
    const log = await Deno.readTextFile(`${appliance.directory}/nginx.log`);
    assert.match(log, /limiting requests/, "of other paths");
    assert.ok(!log.includes("/setup/"), log.split("\n").at(-2));
  });
});

async function ask(
  appliance: Appliance,
  origin: string,
  path: string,
  ...args: string[]
): Promise<{ status: number; body: string; err: string }> {
  const { protocol, hostname } = new URL(origin);
  const port = protocol === "http:" ? appliance.httpPort : appliance.httpsPort;
  const ran: Ran = await appliance.curl(
    `${protocol}//${hostname}:${port}${path}`,
    "--connect-to",
    `::127.0.0.1:${port}`,
    "-w",
    "\n%{http_code}",
    ...args,
  );
  const [body = "", status] = ran.out.split(/\n(?=\d+$)/);
  return { status: Number(status), body, err: ran.err };
}
