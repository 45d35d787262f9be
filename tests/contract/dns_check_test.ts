import assert from "node:assert/strict";
import type { App } from "../../src/app.ts";
import { servedApi } from "../helpers/api.ts";
import { ALICE, BOB, makeBox, testWorld } from "../helpers/app.ts";
import { bearer } from "../helpers/http.ts";

/** DNS of one zone: text and other records by name. */
function zone(
  records: Readonly<Record<string, readonly string[]>>,
): App["dns"] {
  const find = (name: string) => Promise.resolve([...records[name] ?? []]);
  return {
    txt: (name) => find(`TXT ${name}`),
    lookup: (name, type) => find(`${type} ${name}`),
  };
}

Deno.test("a domain's records are compared with what DNS has", async () => {
  await using world = await testWorld({ ENCIMAP_HOSTNAME: "mail.test" });
  await makeBox(world, "cat");
  const many = Array.from({ length: 30 }, (_, n) => `v=TLSRPTv1; ${n}`);
  const dns = zone({
    "MX pets.example": ["5 mail.test."],
    "TXT pets.example": ["other", "v=spf1 -all"],
    "TXT _smtp._tls.pets.example": ["x".repeat(5000), ...many],
  });
  await using api = servedApi({ app: { ...world.app, dns } });
  const path = "/domains/pets.example/dns/check";
  const { status, json } = await api.fetch(path, await bearer(ALICE));
  assert.equal(status, 200);
  const of = (name: string, type: string) =>
    json.data.find((each: { name: string; type: string }) =>
      each.name === `${name}.` && each.type === type
    );
  assert.equal(of("pets.example", "MX").state, "ok");
  const spf = of("pets.example", "TXT");
  assert.equal(spf.state, "wrong");
  assert.deepEqual(spf.found, ["v=spf1 -all"]);
  assert.equal(of("_dmarc.pets.example", "TXT").state, "missing");
  // Whoever writes the zone does not make the answer long.
  assert.equal(of("_smtp._tls.pets.example", "TXT").found.length, 10);
  const listed = await api.fetch(
    "/domains/pets.example/dns",
    await bearer(ALICE),
  );
  const plain = json.data.map(
    ({ state: _state, found: _found, ...record }: Record<string, unknown>) =>
      record,
  );
  assert.deepEqual(plain, listed.json.data);
  assert.equal((await api.fetch(path, await bearer(BOB))).status, 404);
});

Deno.test("records are of unknown state where DNS does not answer", async () => {
  await using world = await testWorld();
  await makeBox(world, "cat");
  await using api = servedApi(world);
  const { status, json } = await api.fetch(
    "/domains/pets.example/dns/check",
    await bearer(ALICE),
  );
  assert.equal(status, 200);
  const states = json.data.map(({ state }: { state: string }) => state);
  assert.ok(states.length > 3);
  assert.deepEqual(new Set(states), new Set(["unknown"]));
});
