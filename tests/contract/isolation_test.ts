import assert from "node:assert/strict";
import type { Schema } from "../../src/http/fields.ts";
import { generateRsaKey } from "../../src/x509/key_pair.ts";
import { pemEncode } from "../../src/x509/pem.ts";
import { selfSignedCertificate } from "../../src/x509/self_signed.ts";
import {
  EVERYTHING_ON,
  type Input,
  type Operation,
  readDescription,
  type Reply,
  type ServedApi,
  servedApi,
} from "../helpers/api.ts";
import { bearer } from "../helpers/http.ts";
import { ALICE, BOB, type TestWorld, testWorld } from "../helpers/app.ts";
import {
  inputFor,
  newTenant,
  resolve,
  type Tenant,
} from "../helpers/operations.ts";
import { readable } from "../helpers/readable.ts";

const { document, operations } = readDescription();

/**
 * Text fields that name nothing that could be another's. A new field that is
 * text has to be put here, or into {@linkcode KINDS}, before this test passes.
 */
const NAMELESS: ReadonlySet<string> = new Set([
  "action", // A word of the audit log, a filter.
  "alias", // Names something with its domain only, which is in KINDS.
  "allowed_networks",
  "certificate", // Public; whether it is taken is said for its address alone.
  "code",
  "csr",
  "fingerprint_sha256", // Only compared with that of the thing in the path.
  "cursor", // Holds keys of rows; the list is filtered by the owner as well.
  "host",
  "label",
  "name",
  "password",
  "sha256", // Of a file of the vaultbox in the path.
]);

/** Fields that name a thing, and how a missing one is written. */
const KINDS: Readonly<Record<string, () => string>> = {
  uuid: () => crypto.randomUUID(),
  domain: () => `${letters()}.example`,
  email: () => `cat@${letters()}.example`,
};

/**
 * Where another's thing cannot be answered as a missing one is, with what may
 * differ. `by` says for whose token.
 */
const EXCEPTIONS: Readonly<
  Record<string, { by: string; check(theirs: Reply, missing: Reply): void }>
> = {
  // A service may claim a domain that nobody has for the user that it acts for,
  // so it learns that another customer has one. A user learns nothing.
  createVaultbox: {
    by: "a service that acts as Bob",
    check(theirs, missing) {
      assert.deepEqual([theirs.status, missing.status], [403, 201]);
      assert.equal(theirs.json.error.message, "Domain is not yours");
    },
  },
  // The same, for each item.
  bulkCreateVaultboxes: {
    by: "a service that acts as Bob",
    check(theirs, missing) {
      assert.equal(theirs.json.data[0].error.code, "forbidden");
      assert.equal(missing.json.data[0].success, true);
    },
  },
  // An issuer is the appliance's, and nobody's own.
  downloadIssuer: {
    by: "",
    check(theirs, missing) {
      assert.deepEqual([theirs.status, missing.status], [200, 404]);
      assert.match(theirs.text, /^-----BEGIN CERTIFICATE-----\n/);
    },
  },
  // Anybody may claim any domain: each claim has a challenge of its own.
  registerDomain: {
    by: "",
    check(theirs, missing) {
      assert.deepEqual([theirs.status, missing.status], [201, 201]);
      for (const { json } of [theirs, missing]) {
        assert.equal(json.data.status, "pending");
        assert.equal(json.data["user_id"], BOB);
      }
    },
  },
  // For an address that is not Bob's he gets a key of his own, each time another.
  generateCertificate: {
    by: "",
    check(theirs, missing) {
      assert.deepEqual([theirs.status, missing.status], [201, 201]);
      assert.deepEqual(
        Object.keys(theirs.json.data),
        Object.keys(missing.json.data),
      );
      assert.equal(theirs.json.data["vaultbox_id"], undefined);
      assert.match(theirs.json.data["private_key"], /BEGIN PRIVATE KEY/);
    },
  },
};

/** What no user has a part in: whoever acts for one is refused as it is. */
const MACHINES: ReadonlySet<string> = new Set(["getMachine"]);

function letters(): string {
  return `x${crypto.randomUUID().slice(0, 8)}`;
}

/** A place in a request where a thing is named. */
interface Place {
  /** `params`, `query` or `body`, then keys and indexes. */
  readonly path: readonly (string | number)[];
  /** One of {@linkcode KINDS}. */
  readonly kind: string;
}

/** Which kind of thing a field names, undefined if none. */
function kindOf(
  operation: Operation,
  name: string,
  schema: Schema,
): string | undefined {
  if (schema["format"] === "uuid") return "uuid";
  if (name === "domain" || name.endsWith("_domain")) return "domain";
  if (name === "email" || name === "address") return "email";
  const type = schema["type"];
  const isText = type === "string" ||
    Array.isArray(type) && type.includes("string");
  if (!isText || "enum" in schema || "const" in schema) return undefined;
  if (schema["format"] === "date-time") return undefined;
  assert(
    NAMELESS.has(name),
    `${operation.id}: does ${name} name a thing? Add it to NAMELESS or KINDS`,
  );
  return undefined;
}

/** Finds all places where the description lets a thing be named. */
function namingFields(operation: Operation): { at: string[]; kind: string }[] {
  const found: { at: string[]; kind: string }[] = [];
  const visit = (at: string[], name: string, given: Schema): void => {
    // Whom a request is for is tested on its own.
    if (name === "user_id" && at[0] !== "params") return;
    const schema = resolve(document, given);
    for (const word of ["anyOf", "oneOf", "allOf"]) {
      for (const each of schema[word] as Schema[] ?? []) visit(at, name, each);
    }
    if (schema["items"]) visit([...at, "*"], name, schema["items"] as Schema);
    const properties = schema["properties"] as Record<string, Schema> ?? {};
    for (const [key, inner] of Object.entries(properties)) {
      visit([...at, key], key, inner);
    }
    const kind = kindOf(operation, name, schema);
    if (kind !== undefined) found.push({ at, kind });
  };
  for (const { name, in: where, schema } of operation.parameters) {
    if (where === "header") continue;
    visit([where === "path" ? "params" : "query", name], name, schema);
  }
  if (operation.body) visit(["body"], "", operation.body);
  return found;
}

// deno-lint-ignore no-explicit-any
type Mutable = any;

/** What a field that is left out gets: what the tenant is known to have. */
function thingOf(tenant: Tenant, name: string): string | undefined {
  return {
    "vaultbox_id": tenant.vaultboxId,
    domain: tenant.domain,
    email: tenant.address,
    address: tenant.address,
  }[name];
}

/** A good request in which every field that can name a thing does. */
async function fullInput(
  operation: Operation,
  tenant: Tenant,
): Promise<Mutable> {
  const input: Mutable = structuredClone(await inputFor(operation, tenant));
  dropUserIds(input.body);
  for (const { at } of namingFields(operation)) {
    if (at.includes("*") || placesAt(input, at).length > 0) continue;
    const name = at.at(-1)!;
    const value = thingOf(tenant, name);
    assert(
      value !== undefined,
      `${operation.id}: tests/helpers/operations.ts gives no ${at.join(".")}`,
    );
    let target = input;
    for (const key of at.slice(0, -1)) target = target[key] ??= {};
    target[name] = value;
  }
  return input;
}

function dropUserIds(value: Mutable): void {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) delete value["user_id"];
  for (const inner of Object.values(value)) dropUserIds(inner);
}

/** Concrete places of a pattern with `*` for list items. */
function placesAt(
  input: Mutable,
  at: readonly string[],
): (string | number)[][] {
  let found: [(string | number)[], Mutable][] = [[[], input]];
  for (const key of at) {
    found = found.flatMap(([path, value]): [(string | number)[], Mutable][] => {
      if (key === "*") {
        return Array.isArray(value)
          ? value.map((each, i) => [[...path, i], each])
          : [];
      }
      const inner = value?.[key];
      return inner === undefined || inner === null
        ? []
        : [[[...path, key], inner]];
    });
  }
  return found.map(([path]) => path);
}

function read(input: Mutable, path: readonly (string | number)[]): Mutable {
  return path.reduce((value, key) => value?.[key], input);
}

function written(
  input: Mutable,
  changes: readonly (readonly [readonly (string | number)[], Mutable])[],
): Input {
  const copy = structuredClone(input);
  for (const [path, value] of changes) {
    read(copy, path.slice(0, -1))[path.at(-1)!] = value;
  }
  return copy;
}

/** Rows of all tables as text, key files and routes. */
async function dump(world: TestWorld): Promise<Set<string>> {
  const { sql } = world.app;
  const tables = await sql<{ name: string }[]>`
    select tablename as name from pg_tables where schemaname = 'public'
  `;
  const lines = new Set<string>();
  for (const { name } of tables) {
    const rows = await sql<{ row: string }[]>`
      select to_jsonb(t)::text as row from ${sql(name)} t
    `;
    for (const { row } of rows) lines.add(`${name} ${row}`);
  }
  for (const id of await world.app.privateKeys.list()) lines.add(`key ${id}`);
  const { domains, transport, senders } = world.mta;
  for (const [name, map] of Object.entries({ domains, transport, senders })) {
    for (const [key, value] of map) lines.add(`${name} ${key} ${value}`);
  }
  for (const username of world.ended) lines.add(`ended ${username}`);
  return lines;
}

/** Everything by which Alice's things could be recognized. */
function namesOf(alice: Tenant): string[] {
  return [alice.userId, alice.domain, alice.vaultboxId, alice.bareId];
}

/** Checks that nothing of Alice's is another than before. */
function assertUntouched(
  before: ReadonlySet<string>,
  after: ReadonlySet<string>,
  alice: Tenant,
  bob: Tenant,
): void {
  const bobs = [bob.userId, bob.domain, bob.vaultboxId, bob.bareId];
  const names = namesOf(alice);
  const gone = [...before].filter((line) =>
    !after.has(line) && !bobs.some((name) => line.includes(name))
  );
  const added = [...after].filter((line) =>
    !before.has(line) && names.some((name) => line.includes(name))
  );
  assert.deepEqual({ gone, added }, { gone: [], added: [] });
}

/** An answer without what differs between any two, and what was sent. */
function comparable(reply: Reply, sent: readonly string[]): unknown {
  const headers = [...reply.headers].filter(([name]) =>
    !/^(?:x-request-id|date|ratelimit.*|content-length)$/.test(name)
  );
  let { text } = reply;
  for (const value of sent) text = text.replaceAll(value, "<sent>");
  return { status: reply.status, headers, text };
}

/** One request of Bob's with Alice's thing in some places. */
interface Attempt {
  readonly places: readonly Place[];
  readonly alices: Input;
  readonly missing: Input;
  readonly sent: readonly string[];
}

/**
 * Makes the attempts at an operation: each single thing Alice's in a request
 * that is otherwise Bob's own, and all of them together.
 */
async function attemptsAt(
  operation: Operation,
  alice: Tenant,
  bob: Tenant,
): Promise<Attempt[]> {
  const alices = await fullInput(operation, alice);
  const bobs = await fullInput(operation, bob);
  const places = namingFields(operation).flatMap(({ at, kind }): Place[] => {
    const found = placesAt(alices, at);
    assert(
      found.length > 0,
      `${operation.id}: tests/helpers/operations.ts gives no ${at.join(".")}`,
    );
    return found.map((path) => ({ path, kind }));
  });
  const attempt = (base: Input, some: readonly Place[]): Attempt => {
    const absent = some.map(({ path, kind }) =>
      [path, KINDS[kind]!()] as const
    );
    const theirs = some.map(({ path }) => [path, read(alices, path)] as const);
    return {
      places: some,
      alices: written(base, theirs),
      missing: written(base, absent),
      sent: [...theirs, ...absent].map(([, value]) => value),
    };
  };
  return [
    ...places.map((place) => attempt(bobs, [place])),
    ...(places.length > 0 ? [attempt(alices, places)] : []),
  ];
}

async function tryAttempt(
  operation: Operation,
  attempt: Attempt,
  by: { name: string; token: string; query: Record<string, string> },
  tenants: { world: TestWorld; api: ServedApi; alice: Tenant; bob: Tenant },
): Promise<void> {
  const { world, api, alice, bob } = tenants;
  const query = (input: Input): Input => ({
    ...input,
    query: { ...input.query, ...by.query },
  });
  const before = await dump(world);
  const theirs = await api.ask(operation, by.token, query(attempt.alices));
  assertUntouched(before, await dump(world), alice, bob);
  const missing = await api.ask(operation, by.token, query(attempt.missing));
  const exception = EXCEPTIONS[operation.id];
  if (exception !== undefined && ["", by.name].includes(exception.by)) {
    exception.check(theirs, missing);
    return;
  }
  assert.deepEqual(
    comparable(theirs, attempt.sent),
    comparable(missing, attempt.sent),
  );
  assert(theirs.status < 500, theirs.text);
  const shown = readable(theirs.text);
  for (const name of namesOf(alice)) {
    if (attempt.sent.some((value) => value.includes(name))) continue;
    assert(!shown.includes(name), `${name} is in ${theirs.text}`);
  }
}

Deno.test("nothing of one user's exists for another, on any route", async (t) => {
  await using world = await testWorld(EVERYTHING_ON);
  await using api = servedApi(world);
  const alice = await newTenant(world, api, ALICE, "alice.example");
  const bob = await newTenant(world, api, BOB, "bob.example");
  const tenants = { world, api, alice, bob };
  const callers = [
    { name: "Bob", token: bob.token, query: {} },
    {
      name: "a service that acts as Bob",
      token: await bearer(),
      query: { "user_id": BOB },
    },
  ];
  for (const operation of operations) {
    const { id, scope } = operation;
    if (scope === undefined) continue;
    await t.step(`${id}: Bob's token does not act as Alice`, async () => {
      const input = await inputFor(operation, alice);
      const before = await dump(world);
      const query = { ...input.query, "user_id": ALICE };
      const reply = await api.ask(operation, bob.token, { ...input, query });
      assert.equal(reply.status, 403, reply.text);
      assertUntouched(before, await dump(world), alice, bob);
    });
    for (const by of callers) {
      if (scope === "admin" && by.token === bob.token) {
        await t.step(`${id}: refused to a user, as for admins`, async () => {
          for (const tenant of [alice, bob]) {
            const input = await inputFor(operation, tenant);
            const reply = await api.ask(operation, bob.token, input);
            assert.equal(reply.status, 403, reply.text);
          }
        });
        continue;
      }
      await t.step(`${id}: ${by.name} asked for Alice's`, async () => {
        for (const attempt of await attemptsAt(operation, alice, bob)) {
          await tryAttempt(operation, attempt, by, tenants);
        }
      });
      if (operation.method !== "GET") continue;
      await t.step(
        `${id}: ${by.name} is shown nothing of Alice's`,
        async () => {
          const input = await inputFor(operation, bob);
          const query = { ...input.query, ...by.query };
          const reply = await api.ask(operation, by.token, { ...input, query });
          const isRefused = MACHINES.has(id);
          assert.equal(reply.status, isRefused ? 403 : 200, reply.text);
          const shown = readable(reply.text);
          for (const name of namesOf(alice)) {
            assert(!shown.includes(name), `${name} is in ${reply.text}`);
          }
        },
      );
    }
  }
});

Deno.test("a name is seen in a certificate, as PEM in JSON and as SMIMEA", async () => {
  const { certificate } = await selfSignedCertificate("cat@alice.example", {
    privateKey: await generateRsaKey(2048),
    notBefore: new Date(),
    validityDays: 1,
  });
  const pem = JSON.stringify(pemEncode("CERTIFICATE", certificate));
  for (const text of [pem, `"3 0 0 ${certificate.toHex()}"`]) {
    assert(!text.includes("alice.example"));
    assert(readable(text).includes("alice.example"));
  }
});

Deno.test("the comparison of dumps sees a change of Alice's", async () => {
  await using world = await testWorld(EVERYTHING_ON);
  await using api = servedApi(world);
  const alice = await newTenant(world, api, ALICE, "alice.example");
  const bob = await newTenant(world, api, BOB, "bob.example");
  for (
    const change of [
      () =>
        world.app.sql`
        update vaultboxes set name = 'x' where id = ${alice.bareId}
      `,
      () =>
        world.app.sql`
        delete from vaultbox_certs where vaultbox_id = ${alice.bareId}
      `,
      () => alice.post("/vaultboxes", { domain: alice.domain, alias: "fox" }),
    ]
  ) {
    const before = await dump(world);
    await change();
    const after = await dump(world);
    assert.throws(() => assertUntouched(before, after, alice, bob));
  }
});
