import assert from "node:assert/strict";
import {
  tlsMetrics,
  type TlsService,
} from "../../src/vaultbox/tls_certificates.ts";
import { tlsVerdict } from "../../src/vaultbox/tls_verdict.ts";
import { testConfig } from "../helpers/app.ts";
import { parse } from "../helpers/exposition.ts";
import { temporaryDirectory } from "../helpers/openssl.ts";
import { freePort } from "../helpers/ports.ts";
import { until } from "../helpers/until.ts";

const HOST = "mail.example.test";
const NOW = Date.now();
const DAY_MS = 86_400_000;
const CONFIG = testConfig({ ENCIMAP_HOSTNAME: HOST });

/** A certificate in a folder of its own, and openssl that shows it. */
async function server(options: { days: number; name?: string }) {
  const directory = await temporaryDirectory();
  const { path } = directory;
  const run = async (...args: string[]): Promise<void> => {
    const { success, stderr } = await new Deno.Command("openssl", { args })
      .output();
    assert.ok(success, new TextDecoder().decode(stderr));
  };
  const make = (name: string): Promise<void> =>
    run(
      ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x"],
      ...["-days", String(options.days), "-keyout", `${path}/key.pem`],
      ...["-addext", `subjectAltName=DNS:${options.name ?? HOST}`],
      ...["-out", `${path}/${name}`],
    );
  await make("cert.pem");
  const port = freePort();
  const child = new Deno.Command("openssl", {
    args: [
      ...["s_server", "-quiet", "-accept", `127.0.0.1:${port}`],
      ...["-cert", `${path}/cert.pem`, "-key", `${path}/key.pem`],
    ],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await until("openssl listens", () =>
    Deno.connect({ port }).then((c) => {
      c.close();
      return true;
    }, () => false));
  const service: TlsService = { service: "imap", port, startTls: false };
  const files = {
    certificate: `${path}/cert.pem`,
    problem: `${path}/problem`,
  };
  return {
    service,
    files,
    make,
    /** What is said after so many days. */
    after: (days: number) =>
      tlsVerdict(
        { config: CONFIG, now: () => new Date(NOW + days * DAY_MS) },
        [service],
        files,
      ),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await child.status;
      await directory[Symbol.asyncDispose]();
    },
  };
}

Deno.test("the end of a certificate is told 14 days before, and is urgent 3 days before", async () => {
  await using it = await server({ days: 90 });
  assert.equal(await it.after(75), undefined);
  const warning = await it.after(77);
  assert.equal(warning?.level, "warning");
  assert.match(warning.problem, /^it ends on \d{4}-\d\d-\d\d$/);
  assert.equal((await it.after(86))?.level, "warning");
  assert.equal((await it.after(88))?.level, "failed");
  assert.match((await it.after(91))!.problem, /^it has ended on /);
});

Deno.test("a certificate for a week is not told of from its first day", async () => {
  await using it = await server({ days: 6 });
  assert.equal(await it.after(4), undefined);
  assert.equal((await it.after(5))?.level, "warning");
  assert.equal((await it.after(5.7))?.level, "failed");
});

Deno.test("a certificate for another name is told", async () => {
  await using it = await server({ days: 90, name: "other.example.test" });
  const verdict = await it.after(0);
  assert.deepEqual(verdict, {
    level: "warning",
    problem: `it is not for ${HOST}`,
  });
});

Deno.test("a server that shows another certificate than the file's is told", async () => {
  await using it = await server({ days: 90 });
  await it.make("new.pem");
  await Deno.rename(
    it.files.certificate.replace("cert", "new"),
    it.files.certificate,
  );
  assert.match(
    (await it.after(0))!.problem,
    /^port \d+ shows another than \S+$/,
  );
});

Deno.test("what failed at the last renewal is told", async () => {
  await using it = await server({ days: 90 });
  await Deno.writeTextFile(it.files.problem, "2026-11-23 no answer\n");
  assert.deepEqual(await it.after(0), {
    level: "warning",
    problem: "there is no new one since 2026-11-23 no answer",
  });
});

Deno.test("the metric has the end of what a server shows, and no server that is silent", async () => {
  await using it = await server({ days: 90 });
  const nobody: TlsService = {
    service: "smtp",
    port: freePort(),
    startTls: true,
  };
  const text = await tlsMetrics({ config: CONFIG }, [it.service, nobody])();
  const [sample, ...others] = parse(text);
  assert.deepEqual(others, []);
  assert.deepEqual(sample!.labels, { service: "imap" });
  const days = (sample!.value * 1000 - NOW) / DAY_MS;
  assert.ok(Math.abs(days - 90) < 0.1, String(days));
});
