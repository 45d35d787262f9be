import assert from "node:assert/strict";
import { CAT, catWorld } from "../helpers/cat_world.ts";
import { foreignCertificate } from "../helpers/certificates.ts";
import { run } from "../helpers/openssl.ts";
import { csrFor } from "../helpers/operations.ts";
import { until } from "../helpers/until.ts";

/** What a pipe holds, pipe(7). */
const PIPE_OCTETS = 65_536;

Deno.test("the operator hands a bundle out, confirms it and gets a receipt", async () => {
  await using cat = await catWorld("client");
  const [made] = await cat.certificates();
  const bundle = await cat.encimap(`bundle ${CAT}`);
  assert.equal(bundle.status, 0, bundle.err);
  const [, password] = /shown once: (\S+)/.exec(bundle.err)!;
  const cwd = cat.world.directory;
  await Deno.writeFile(`${cwd}/bundle.zip`, bundle.file!);
  await run("unzip", ["-q", "bundle.zip"], { cwd });
  const pass = `pass:${password}`;
  await run(
    "openssl",
    ["pkcs12", "-in", "certificate.p12", "-passin", pass, "-noout"],
    { cwd },
  );
  const shown = await cat.encimap(`custody show ${CAT}`);
  assert.match(shown.out, /^custody +client$/m);
  assert.match(shown.out, /unconfirmed/);
  assert.match(shown.out, /^ +again until +20\d\d-/m);
  const part = bundle.file!.slice(0, -1);
  const cut = await cat.encimap(`custody confirm ${CAT}`, part);
  assert.equal(cut.status, 1);
  assert.match(cut.err, /No file with this SHA-256/);
  const receipt = await cat.encimap(`custody confirm ${CAT}`, bundle.file);
  assert.equal(receipt.status, 0, receipt.err);
  assert.match(
    receipt.out,
    new RegExp(`^fingerprint +${made!.fingerprintSha256}$`, "m"),
  );
  assert.match(receipt.out, /^Not covered: backups/m);
  assert.deepEqual(await cat.world.app.privateKeys.list(), []);
  const again = await cat.encimap(`bundle ${CAT}`);
  assert.equal(again.status, 1);
  assert.equal(again.file, undefined);
});

Deno.test("the operator is told what a change means before it is made", async () => {
  await using cat = await catWorld("server");
  const early = await cat.encimap(`custody set ${CAT} external --yes`);
  assert.equal(early.status, 1);
  const { pem } = await foreignCertificate();
  assert.equal(
    (await cat.encimap(`certificate upload ${cat.id}`, pem)).status,
    0,
  );
  const csr = await csrFor(CAT);
  const issued = await cat.encimap(`certificate request ${CAT}`, csr);
  assert.match(issued.out, /BEGIN CERTIFICATE/);
  const told = await cat.encimap(`custody set ${CAT} external`);
  assert.match(told.out, /Private keys here: 1/);
  assert.match(told.out, /Nothing was changed/);
  const done = await cat.encimap(`custody set ${CAT} external --yes`);
  assert.equal(done.status, 0, done.err);
  const made = (await cat.certificates())
    .find(({ keyState }) => keyState === "kept")!;
  const asked = await cat.encimap(`custody destroy-key ${CAT} ${made.id}`);
  assert.match(asked.out, /is lost/);
  const gone = await cat.encimap(
    `custody destroy-key ${CAT} ${made.id} --fingerprint ${made.fingerprintSha256}`,
  );
  assert.equal(gone.status, 0, gone.err);
  const list = await cat.encimap(`certificate list ${CAT}`);
  assert.deepEqual(
    list.out.split("\n").map((line) => line.split("\t").slice(3).join(", ")),
    [
      "key elsewhere, handed out, recipient",
      "key elsewhere, handed out, recipient",
      "key destroyed, not handed out, retired",
    ],
  );
});

Deno.test("the operator retires a certificate and takes that back", async () => {
  await using cat = await catWorld("server");
  const given = await cat.encimap(
    `bundle ${CAT} --password-stdin`,
    "Tr0ub4dor and three\n",
  );
  assert.equal(given.status, 0, given.err);
  assert.equal(given.err, "");
  await cat.encimap(`certificate generate ${CAT}`);
  const [, old] = await cat.certificates();
  const told = await cat.encimap(`certificate retire ${CAT} ${old!.id}`);
  assert.match(told.out, /this key alone open no mail/);
  assert.equal((await cat.certificates())[1]!.retiredAt, null);
  await cat.encimap(`certificate retire ${CAT} ${old!.id} --yes`);
  assert.notEqual((await cat.certificates())[1]!.retiredAt, null);
  await cat.encimap(`certificate restore ${CAT} ${old!.id}`);
  assert.equal((await cat.certificates())[1]!.retiredAt, null);
  const nonsense = await cat.encimap(`certificate retire ${CAT} x`);
  assert.equal(nonsense.status, 64);
});

Deno.test("a process that is killed between the decision and the removal leaves a key that the next one destroys", async () => {
  await using cat = await catWorld("client");
  const { file } = await cat.encimap(`bundle ${CAT}`);
  const [made] = await cat.certificates();
  // A pipe that nobody reads holds whoever overwrites the file.
  const path = `${cat.world.directory}/keys/${made!.id}.key`;
  await Deno.rename(path, `${path}.kept`);
  await run("mkfifo", [path], { cwd: cat.world.directory });
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "main.ts", "custody", "confirm", CAT],
    env: cat.env,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(file!);
  await writer.close();
  const state = async (): Promise<string> =>
    (await cat.certificates())[0]!.keyState;
  await until("it is decided", async () => await state() === "destroying");
  child.kill("SIGKILL");
  const { stdout } = await child.output();
  assert.equal(new TextDecoder().decode(stdout), "", "no receipt");
  await Deno.rename(`${path}.kept`, path);
  assert.equal((await cat.encimap(`bundle ${CAT}`)).status, 1);
  const receipt = await cat.encimap(`custody confirm ${CAT}`, file);
  assert.equal(receipt.status, 0, receipt.err);
  assert.match(receipt.out, /^destroyed {4}20/);
  assert.deepEqual(await cat.world.app.privateKeys.list(), []);
  assert.equal(await state(), "destroyed");
});

Deno.test("a process that is killed while it hands out loses no key", async () => {
  await using cat = await catWorld("client");
  // The pipe is full and nobody reads: it hangs between the commit and the first
  // octet of the file.
  const fifo = `${cat.world.directory}/fifo`;
  await new Deno.Command("mkfifo", { args: [fifo] }).output();
  using pipe = await Deno.open(fifo, { read: true, write: true });
  await pipe.write(new Uint8Array(PIPE_OCTETS));
  const child = new Deno.Command("sh", {
    args: [
      "-c",
      'exec "$0" run -A main.ts bundle "$1" >"$2"',
      Deno.execPath(),
      CAT,
      fifo,
    ],
    env: cat.env,
    stdin: "null",
    stderr: "null",
  }).spawn();
  const open = async (): Promise<number> =>
    (await cat.world.app.sql`select from hand_outs where outcome is null`)
      .length;
  await until("it is written down", async () => await open() === 1);
  child.kill("SIGKILL");
  await child.status;
  assert.equal((await cat.world.app.privateKeys.list()).length, 1);
  const { file } = await cat.encimap(`bundle ${CAT}`);
  const receipt = await cat.encimap(`custody confirm ${CAT}`, file);
  assert.equal(receipt.status, 0, receipt.err);
  assert.equal(await open(), 0, "the file that was lost is closed with it");
});
