import assert from "node:assert/strict";
import { connect as connectTcp } from "node:net";
import type { AddressInfo } from "node:net";
import { run } from "../../src/cli/run.ts";
import { type Access, intakeServer } from "../../src/http/intake.ts";
import { socketIntake } from "../../src/mta/intake.ts";
import { Admission } from "../../src/vaultbox/admission.ts";
import { makeBox, type TestWorld, testWorld } from "../helpers/app.ts";
import { until } from "../helpers/until.ts";

const TOKEN = "t".repeat(40);
const MAIL = "From: a@b.example\n\ntext\n";

interface Running extends AsyncDisposable {
  port: number;
  path: string;
}

async function listen(world: TestWorld, access: Access): Promise<Running> {
  const server = intakeServer(
    world.intake,
    access,
    new Admission(world.intake),
  );
  const path = `${world.directory}/intake.sock`;
  const where = access.kind === "socket"
    ? { path }
    : { host: "127.0.0.1", port: 0 };
  await new Promise<void>((resolve) => server.listen(where, () => resolve()));
  return {
    port: (server.address() as AddressInfo | null)?.port ?? 0,
    path,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function stored(world: TestWorld): Promise<number> {
  const [row] = await world.app.sql`select count(*) from messages`;
  return row!["count"];
}

/** Runs `encimap pipe` in this process. */
async function pipe(
  socket: string,
  args: string[],
  body: string,
  env: Record<string, string> = {},
): Promise<{ status: number; out: string }> {
  const out: string[] = [];
  const status = await run(["pipe", ...args], {
    env: {
      ENCIMAP_INTAKE_SOCKET: socket,
      ENCIMAP_CONFIG_FILE: "/dev/null",
      ...env,
    },
    isTerminal: false,
    write: () => {},
    print: (line) => out.push(line),
    warn: () => {},
    readText: () => "",
    stdin: new Blob([body]).stream(),
  });
  return { status, out: out.join("\n") };
}

const PIPED: [string, (id: string) => string[], string, number, RegExp][] = [
  [
    "a message",
    (id) => [id, "q1", "", "cat@pets.example"],
    MAIL,
    0,
    /^2\.0\.0 /,
  ],
  [
    "an id that is gone",
    () => [crypto.randomUUID(), "q1", "", "cat@pets.example"],
    MAIL,
    67,
    /^5\.1\.1 /,
  ],
  [
    "a message over the limit",
    (id) => [id, "q1", "", "cat@pets.example"],
    "x".repeat(20_000_000),
    65,
    /^5\.3\.4 /,
  ],
  [
    "a route that is no id",
    () => ["%00/..", "q1", "", "cat@pets.example"],
    MAIL,
    75,
    /^4\.3\.0 /,
  ],
  [
    "a recipient of another",
    (id) => [id, "q1", "", "&vaultbox_id=x@pets.example"],
    MAIL,
    75,
    /^4\.3\.2 /,
  ],
];
for (const [name, args, body, status, words] of PIPED) {
  Deno.test(`pipe of ${name} exits ${status}`, async () => {
    await using world = await testWorld({ ENCIMAP_MAX_MESSAGE_BYTES: "65536" });
    const id = await makeBox(world);
    await using server = await listen(world, { kind: "socket" });
    const ran = await pipe(server.path, args(id), body);
    assert.equal(ran.status, status);
    assert.match(ran.out, words);
    assert.equal(await stored(world), status === 0 ? 1 : 0);
  });
}

for (
  const [body, status] of [
    [`${MAIL}the-mark`, 0],
    [MAIL, 75],
    [`${MAIL}the-mar`, 75],
    [`${MAIL}the-mark\n`, 75],
    ["", 75],
  ] as const
) {
  Deno.test(`pipe of ${JSON.stringify(body)} with the mark "the-mark" exits ${status}`, async () => {
    await using world = await testWorld();
    const id = await makeBox(world);
    await using server = await listen(world, { kind: "socket" });
    const args = [id, "q1", "", "cat@pets.example"];
    const ran = await pipe(server.path, args, body, { PIPE_END: "the-mark" });
    assert.equal(ran.status, status);
    assert.equal(await stored(world), status === 0 ? 1 : 0);
  });
}

Deno.test("pipe exits 75 if the database is gone", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await using server = await listen(world, { kind: "socket" });
  await world.database.allowConnections(false);
  const args = [id, "q1", "", "cat@pets.example"];
  const ran = await pipe(server.path, args, MAIL);
  await world.database.allowConnections(true);
  assert.equal(ran.status, 75);
  assert.match(ran.out, /^4\.3\.2 /);
});

Deno.test("the port takes mail from a bearer of the token only", async (t) => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await using server = await listen(world, { kind: "bearer", token: TOKEN });
  const parameters = `vaultbox_id=${id}&recipient=cat@pets.example`;
  const url = `http://127.0.0.1:${server.port}/intake/messages?${parameters}`;
  for (
    const header of [
      undefined,
      "",
      "Bearer",
      `Bearer ${TOKEN}x`,
      `Basic ${TOKEN}`,
    ]
  ) {
    await t.step(`401 for ${header}`, async () => {
      const response = await fetch(url, {
        method: "POST",
        body: MAIL,
        headers: header === undefined ? {} : { authorization: header },
      });
      assert.equal(response.status, 401);
      assert.equal((await response.json()).error.code, "unauthorized");
    });
  }
  await t.step("200 for the token", async () => {
    const response = await fetch(url, {
      method: "POST",
      body: MAIL,
      headers: { authorization: `Bearer ${TOKEN}` },
    });
    assert.equal(response.status, 200);
    assert.equal((await response.json()).success, true);
  });
  await t.step(
    "400 for a request without a body, which is no empty mail",
    async () => {
      const answer = await new Promise<string>((resolve) => {
        const socket = connectTcp(server.port, "127.0.0.1");
        socket.on("data", (chunk: Uint8Array) => {
          resolve(new TextDecoder().decode(chunk));
          socket.destroy();
        });
        socket.write(
          `POST /intake/messages?${parameters} HTTP/1.1\r\nHost: x\r\n` +
            `Authorization: Bearer ${TOKEN}\r\n\r\n`,
        );
      });
      assert.match(answer, /^HTTP\/1\.1 400 /);
    },
  );
  await t.step("404 for its health, which writes to the disk", async () => {
    const response = await fetch(`http://127.0.0.1:${server.port}/health`);
    await response.body?.cancel();
    assert.equal(response.status, 404);
  });
  await t.step("404 for another path", async () => {
    const response = await fetch(
      `http://127.0.0.1:${server.port}/intake/test`,
      {
        method: "POST",
        body: MAIL,
      },
    );
    await response.body?.cancel();
    assert.equal(response.status, 404);
  });
  assert.equal(await stored(world), 1);
});

Deno.test("a message that is cut off on its way is not stored", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await using server = await listen(world, { kind: "socket" });
  for (
    const framing of [
      "Content-Length: 1000\r\n\r\n",
      "Transfer-Encoding: chunked\r\n\r\n100\r\n",
    ]
  ) {
    await new Promise<void>((resolve) => {
      const socket = connectTcp({ path: server.path });
      socket.on("close", () => resolve());
      socket.on("error", () => {});
      const parameters = `vaultbox_id=${id}&recipient=cat@pets.example`;
      socket.write(
        `POST /intake/messages?${parameters} HTTP/1.1\r\nHost: x\r\n${framing}${MAIL}`,
        () => socket.destroy(),
      );
    });
  }
  await until(
    "both are refused",
    () =>
      world.lines.filter((line) => line.includes("delivery refused")).length ===
        2,
  );
  assert.equal(await stored(world), 0);
});

Deno.test("no part of a message is in the log", async () => {
  await using world = await testWorld();
  const id = await makeBox(world);
  await using server = await listen(world, { kind: "socket" });
  const body = "Subject: canary-1\nFrom: canary-2@b.example\n\ncanary-3\n";
  const args = [id, "q1", "s@b.example", "cat@pets.example"];
  await pipe(server.path, args, body);
  await pipe(server.path, ["nonsense", ...args.slice(1)], body);
  assert.doesNotMatch(world.lines.join("\n"), /canary|@/);
});

Deno.test("socketIntake() stores a message through the socket, and is unavailable where that is not done", async () => {
  await using world = await testWorld();
  const vaultboxId = await makeBox(world);
  const message = {
    vaultboxId,
    recipient: "cat@pets.example",
    octets: new TextEncoder().encode(MAIL),
  };
  const unavailable = { name: "AppError", code: "unavailable" };
  await using server = await listen(world, { kind: "socket" });
  const intake = socketIntake(server.path);
  await intake.store(message);
  assert.equal(await stored(world), 1);
  const foreign = { ...message, recipient: "dog@pets.example" };
  await assert.rejects(intake.store(foreign), unavailable);
  const nowhere = socketIntake(`${world.directory}/none.sock`);
  await assert.rejects(nowhere.store(message), unavailable);
  assert.equal(await stored(world), 1);
});
