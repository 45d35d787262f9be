import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { Buffer } from "node:buffer";
import { createVaultbox } from "../../src/vaultbox/create.ts";
import { fillKeyPool } from "../../src/vaultbox/key_pool.ts";
import { reconcile } from "../../src/vaultbox/reconcile.ts";
import { openKeyPool } from "../../src/storage/key_pool.ts";
import { importMasterKey } from "../../src/storage/sealed.ts";
import { generateRsaKey } from "../../src/x509/key_pair.ts";
import { ALICE, SERVICE, testWorld } from "../helpers/app.ts";
import { until } from "../helpers/until.ts";

const CAT = {
  userId: ALICE,
  domain: "pets.example",
  alias: "cat",
  name: "Cat",
  mayClaimDomain: true,
};

/** Two processes that share a folder, and the folder. */
async function twoPools(kind = "rsa-2048") {
  const directory = await Deno.makeTempDir({ prefix: "encimap-" });
  const path = `${directory}/pool`;
  const key = () => importMasterKey(new Uint8Array(32).fill(7));
  return {
    path,
    one: openKeyPool(path, await key(), kind),
    two: openKeyPool(path, await key(), kind),
    [Symbol.asyncDispose]: () => Deno.remove(directory, { recursive: true }),
  };
}

async function names(path: string): Promise<string[]> {
  await Deno.mkdir(path, { recursive: true });
  return (await Array.fromAsync(Deno.readDir(path))).map(({ name }) => name);
}

/** Something that is told apart; the pool does not look into keys. */
const numbered = (n: number) => new Uint8Array(64).fill(n);

Deno.test("take() by two processes at once gives each key to one of them", async () => {
  await using pools = await twoPools();
  await pools.one.trim(40);
  for (let n = 0; n < 40; n++) await pools.one.put(numbered(n));
  const taken = await Promise.all(
    Array.from({ length: 50 }, (_, n) => pools[n % 2 ? "one" : "two"].take()),
  );
  const seen = taken.flatMap((key) => key === undefined ? [] : [key[0]!]);
  assert.deepEqual(
    seen.sort((a, b) => a - b),
    Array.from({ length: 40 }, (_, n) => n),
  );
  assert.deepEqual(await names(pools.path), []);
});

Deno.test("take() gives undefined where there is no folder yet", async () => {
  await using pools = await twoPools();
  assert.equal(await pools.one.take(), undefined);
});

Deno.test("a file of the pool is no key in clear, and nobody else can read it", async () => {
  await using pools = await twoPools();
  await pools.one.trim(1);
  await pools.one.put(numbered(65));
  const [name] = await names(pools.path);
  const { mode } = await Deno.stat(`${pools.path}/${name}`);
  assert.equal(mode! & 0o777, 0o600);
  const text = await Deno.readTextFile(`${pools.path}/${name}`);
  assert.equal(text.includes("AAAA"), false);
});

Deno.test("take() throws a damaged key and a key under another name away", async () => {
  await using pools = await twoPools();
  await pools.one.trim(3);
  for (const n of [1, 2]) await pools.one.put(numbered(n));
  const [damaged, renamed] = await names(pools.path);
  await Deno.truncate(`${pools.path}/${damaged}`, 40);
  const other = `rsa-2048-${crypto.randomUUID()}.key`;
  await Deno.rename(`${pools.path}/${renamed}`, `${pools.path}/${other}`);
  assert.equal(await pools.one.take(), undefined);
  assert.deepEqual(await names(pools.path), []);
});

Deno.test("trim() removes keys of another kind, pieces, and what is too much", async () => {
  await using pools = await twoPools();
  await pools.one.trim(3);
  for (const n of [1, 2, 3]) await pools.one.put(numbered(n));
  const longer = openKeyPool(
    pools.path,
    await importMasterKey(new Uint8Array(32).fill(7)),
    "rsa-3072",
  );
  await longer.put(numbered(4));
  await Deno.writeTextFile(`${pools.path}/rsa-2048-x.key.tmp`, "x");
  assert.equal(await pools.one.trim(2), 2);
  assert.equal((await names(pools.path)).length, 2);
  assert.equal(await longer.take(), undefined);
});

Deno.test("createVaultbox() uses a key of the pool, which reconcile() does not count", async () => {
  await using world = await testWorld({}, { newKeys: true });
  const key = await generateRsaKey(2048);
  await world.app.keyPool.trim(2);
  await world.app.keyPool.put(key);
  assert.deepEqual(
    (await reconcile(world.app, { dryRun: true })).orphanedKeys,
    [],
  );
  const made = await createVaultbox(world.app, SERVICE, CAT);
  const [row] = await world.app.sql`
    select id, fingerprint_sha256 from vaultbox_certs
  `;
  const stored = await world.app.privateKeys.read({
    certificateId: row!["id"],
    vaultboxId: made.id,
    fingerprintSha256: row!["fingerprintSha256"],
  });
  assert.deepEqual(publicKey(stored!), publicKey(key));
  assert.equal(world.lines.join().includes("key pool is empty"), false);
  await createVaultbox(world.app, SERVICE, { ...CAT, alias: "fox" });
  assert.equal(world.lines.join().includes("key pool is empty"), true);
});

Deno.test("fillKeyPool() fills to ENCIMAP_KEY_POOL, and ends at the signal", async () => {
  await using world = await testWorld({ ENCIMAP_KEY_POOL: "2" }, {
    newKeys: true,
  });
  const stopping = new AbortController();
  const filling = fillKeyPool(world.app, stopping.signal);
  const pool = `${world.directory}/keys/pool`;
  const keys = async () =>
    (await names(pool)).filter((name) => name.endsWith(".key"));
  await until("two keys", async () => (await keys()).length === 2);
  stopping.abort();
  await filling;
  assert.notEqual(await world.app.keyPool.take(), undefined);
  assert.notEqual(await world.app.keyPool.take(), undefined);
  assert.equal(await world.app.keyPool.take(), undefined);
});

Deno.test("fillKeyPool() empties the pool if ENCIMAP_KEY_POOL is 0", async () => {
  await using world = await testWorld({ ENCIMAP_KEY_POOL: "0" }, {
    newKeys: true,
  });
  await world.app.keyPool.trim(1);
  await world.app.keyPool.put(numbered(1));
  const stopping = new AbortController();
  const filling = fillKeyPool(world.app, stopping.signal);
  const pool = `${world.directory}/keys/pool`;
  await until("no key", async () => (await names(pool)).length === 0);
  stopping.abort();
  await filling;
});

function publicKey(pkcs8: Uint8Array): Uint8Array {
  const key = Buffer.from(pkcs8);
  return createPublicKey(
    createPrivateKey({ key, format: "der", type: "pkcs8" }),
  )
    .export({ type: "spki", format: "der" });
}
