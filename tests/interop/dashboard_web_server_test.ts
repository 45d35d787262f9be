import assert from "node:assert/strict";
import { endChild } from "../helpers/child.ts";
import { testDashboard } from "../helpers/dashboard.ts";
import { isMissing, run, temporaryDirectory } from "../helpers/openssl.ts";
import { freePort } from "../helpers/ports.ts";
import { until } from "../helpers/until.ts";

const NGINX = "/usr/sbin/nginx";

/** The web server of docs/dashboard.md with other ports and files. */
async function serverOf(
  directory: string,
  ports: { tls: number; dashboard: number },
): Promise<string> {
  const text = await Deno.readTextFile("docs/dashboard.md");
  const block = /```nginx\n(.*?)```/s.exec(text)![1]!;
  return block
    .replace("listen 443 ssl", `listen 127.0.0.1:${ports.tls} ssl`)
    .replaceAll("/etc/encimap/tls", directory)
    .replaceAll("127.0.0.1:3000", `127.0.0.1:${ports.dashboard}`);
}

Deno.test({
  name:
    "the web server of docs/dashboard.md tells the client's address and logs no one-time link",
  ignore: isMissing(NGINX, "curl"),
}, async () => {
  await using directory = await temporaryDirectory();
  const { path } = directory;
  await run("openssl", [
    ..."req -x509 -newkey rsa:2048 -nodes -subj /CN=x -days 2".split(" "),
    ..."-keyout key.pem -out cert.pem".split(" "),
  ], { cwd: path });
  const stack = new AsyncDisposableStack();
  await using _all = stack;
  const dashboard = stack.use(testDashboard());
  dashboard.world.clock = new Date();
  const tls = freePort();
  const server = await serverOf(path, {
    tls,
    dashboard: Number(new URL(dashboard.base).port),
  });
  await Deno.writeTextFile(
    `${path}/nginx.conf`,
    `daemon off; user root; pid ${path}/pid; error_log ${path}/error.log info;
    events {} http { client_body_temp_path ${path}; proxy_temp_path ${path};
    access_log ${path}/access.log; ${server} }`,
  );
  const nginx = new Deno.Command(NGINX, {
    args: ["-c", `${path}/nginx.conf`, "-e", `${path}/error.log`],
    stderr: "null",
  }).spawn();
  stack.defer(async () => {
    await endChild(nginx);
  });
  const url = `https://dashboard.example.org:${tls}`;
  dashboard.world.url = url;
  const ask = async (
    asked: string,
    ...options: string[]
  ): Promise<string> => {
    const said = await run("curl", [
      ...["-sk", "-o", "/dev/null", "-w", "%{http_code}", "--max-time", "10"],
      ...["--resolve", `dashboard.example.org:${tls}:127.0.0.1`],
      ...options,
      url + asked,
    ], { cwd: path, statuses: [0, 7] });
    return new TextDecoder().decode(said);
  };
  await until("nginx answers", async () => await ask("/sign-in") === "200");

  const link = dashboard.invite({ role: "operator" });
  assert.equal(await ask(link), "200");
  const long = "x".repeat(70_000);
  const origin = ["-H", `Origin: ${url}`];
  assert.equal(await ask("/sign-in", ...origin, "-d", `login=${long}`), "413");
  const statuses: string[] = [];
  for (let i = 0; i < 21; i++) {
    // What a client says of itself is not believed.
    const spoofed = ["-H", `X-Forwarded-For: 192.0.2.${i}`];
    const form = `login=nobody${i}&password=wrong`;
    statuses.push(await ask("/sign-in", ...origin, ...spoofed, "-d", form));
  }
  assert.deepEqual(statuses, [...Array(20).fill("401"), "429"]);

  // Where the dashboard does not answer, the web server says so in its log.
  await Deno.writeTextFile(
    `${path}/nginx.conf`,
    (await Deno.readTextFile(`${path}/nginx.conf`))
      .replaceAll(`127.0.0.1:${new URL(dashboard.base).port}`, "127.0.0.1:9"),
  );
  nginx.kill("SIGHUP");
  await until(
    "nginx has the other port",
    async () => await ask("/sign-in") === "502",
  );
  assert.equal(await ask(link), "502");
  const logged = await Deno.readTextFile(`${path}/error.log`) +
    await Deno.readTextFile(`${path}/access.log`).catch(() => "");
  assert.match(logged, /GET \/sign-in/);
  assert.ok(!logged.includes(link), "the link is in a log");
});
