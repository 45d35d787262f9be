import assert from "node:assert/strict";
import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import type { Schema } from "../../src/http/fields.ts";
import {
  EVERYTHING_ON,
  type Operation,
  pathOf,
  readDescription,
  type Reply,
  type ServedApi,
  servedApi,
} from "../helpers/api.ts";
import { bearer } from "../helpers/http.ts";
import { ALICE, testWorld } from "../helpers/app.ts";
import {
  entries,
  inputFor,
  newTenant,
  resolve,
} from "../helpers/operations.ts";

const { document, operations } = readDescription();

function* schemasIn(value: unknown): Generator<Schema> {
  if (typeof value !== "object" || value === null) return;
  if (!Array.isArray(value)) yield value as Schema;
  for (const inner of Object.values(value)) yield* schemasIn(inner);
}

/** Compiles the schemas of the document. */
function validators(): (...path: string[]) => ValidateFunction {
  // Strict but for what OpenAPI adds to a schema's surroundings.
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema({ $id: "api:", ...document });
  return (...path) => {
    const pointer = path.map((key) =>
      encodeURIComponent(key.replaceAll("~", "~0").replaceAll("/", "~1"))
    ).join("/");
    const validate = ajv.getSchema(`api:#/${pointer}`);
    if (validate === undefined) throw new Error(`No schema at ${pointer}`);
    return validate;
  };
}

const validatorOf = validators();

/** Checks an answer against what the document says of its status. */
function check(operation: Operation, reply: Reply): void {
  const status = String(reply.status) in operation.responses
    ? String(reply.status)
    : "default";
  assert(
    status !== "default" || reply.status >= 400,
    `${operation.id} answers ${reply.status}, which is not documented`,
  );
  const type = reply.headers.get("content-type") ?? "";
  const content = operation.responses[status]!.content;
  assert(Object.hasOwn(content, type.split(";")[0]!), type);
  assert.match(reply.headers.get("x-request-id")!, /^[0-9a-f-]{36}$/);
  assert.equal(reply.headers.get("cache-control"), "no-store");
  if (reply.json === undefined) return;
  const method = operation.method.toLowerCase();
  const place = ["responses", status, "content", type.split(";")[0]!];
  const validate = validatorOf(
    "paths",
    operation.path,
    method,
    ...place,
    "schema",
  );
  if (!validate(reply.json)) {
    assert.fail(
      `${operation.id}: ${JSON.stringify(validate.errors)}\n${reply.text}`,
    );
  }
}

Deno.test("docs/openapi.yaml is OpenAPI 3.1 whose parts fit together", async (t) => {
  assert.equal(document["openapi"], "3.1.0");
  const ids = operations.map(({ id }) => id);
  await t.step("operationIds are unique words", () => {
    assert.deepEqual([...new Set(ids)], ids);
    for (const id of ids) assert.match(id, /^[a-z][A-Za-z0-9]+$/);
  });
  await t.step("references resolve, and schemas are JSON Schema", () => {
    for (const schema of schemasIn(document)) resolve(document, schema);
    const { schemas } = document["components"] as { schemas: Schema };
    for (const name of Object.keys(schemas)) {
      validatorOf("components", "schemas", name);
    }
  });
  await t.step("every part of a path is declared, and no other", () => {
    for (const { id, path, parameters } of operations) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      const declared = parameters.filter((each) => each.in === "path");
      assert.deepEqual(declared.map(({ name }) => name), inPath, id);
      assert(declared.every(({ required }) => required), id);
      const keys = parameters.map((each) => `${each.in} ${each.name}`);
      assert.deepEqual([...new Set(keys)], keys, id);
    }
  });
  await t.step("every object says whether it takes other fields", () => {
    for (const schema of schemasIn(document)) {
      if (schema["type"] !== "object" || !("properties" in schema)) continue;
      assert.equal(schema["additionalProperties"], false);
      for (const name of schema["required"] as string[] ?? []) {
        assert(Object.hasOwn(schema["properties"] as Schema, name), name);
      }
    }
  });
  await t.step("every operation with a token describes its failures", () => {
    for (const { id, scope, responses } of operations) {
      if (scope !== undefined) assert("default" in responses, id);
    }
  });
  await t.step("tests/helpers/operations.ts has no entry too many", () => {
    assert.deepEqual(entries().filter((id) => !ids.includes(id)), []);
  });
});

Deno.test("every operation answers as docs/openapi.yaml says", async (t) => {
  await using world = await testWorld(EVERYTHING_ON);
  await using api = servedApi(world);
  const service = await bearer();
  const reader = await newTenant(world, api, ALICE, "pets.example");
  for (const [index, operation] of operations.entries()) {
    const { id, method, scope } = operation;
    await t.step(`${id} succeeds`, async () => {
      const userId = crypto.randomUUID();
      const tenant = method === "GET"
        ? reader
        : await newTenant(world, api, userId, `t${index}.example`);
      const input = await inputFor(operation, tenant);
      const token = scope === undefined ? "" : service;
      const reply = await api.ask(operation, token, input);
      // The appliance has parts that this world lacks.
      const isDown = id === "health" && reply.status === 503;
      assert(isDown || reply.status < 300, `${reply.status} ${reply.text}`);
      check(operation, reply);
      if (!Array.isArray(reply.json?.data)) return;
      // An empty list proves nothing of its rows.
      assert(
        reply.json.data.length > 0,
        `tests/helpers/operations.ts makes nothing that ${id} could list`,
      );
    });
    if (scope === undefined) continue;
    await t.step(`${id} refuses as the schema of failures says`, async () => {
      for (const [status, refused] of await refusals(api, operation)) {
        assert.equal(refused.status, status, refused.text);
        check(operation, refused);
      }
    });
  }
});

/** Asks in ways that are wrong for every operation. */
async function refusals(
  api: ServedApi,
  operation: Operation,
): Promise<[number, Reply][]> {
  const { method, body } = operation;
  const names = operation.parameters.filter((each) => each.in === "path");
  const params = Object.fromEntries(
    names.map(({ name }) => [name, crypto.randomUUID()]),
  );
  const path = pathOf(operation, { params });
  const service = await bearer();
  const found: [number, Reply][] = [
    [401, await api.fetch(path, "", { method })],
    [401, await api.fetch(path, "nonsense", { method })],
  ];
  if (body !== undefined) {
    for (const text of ["{", "[]", '{"not known": 1}']) {
      const reply = await api.fetch(path, service, { method, body: text });
      found.push([names.length > 0 && reply.status === 404 ? 404 : 400, reply]);
    }
  }
  const query = { "not_known": "1" };
  const unknown = await api.fetch(
    pathOf(operation, { params, query }),
    service,
    {
      method,
    },
  );
  found.push([names.length > 0 && unknown.status === 404 ? 404 : 400, unknown]);
  return found;
}

Deno.test("/s2s/v1/openapi.json is docs/openapi.yaml, and needs no token", async () => {
  await using world = await testWorld(EVERYTHING_ON);
  await using api = servedApi(world);
  const { status, json } = await api.fetch("/openapi.json", "");
  assert.equal(status, 200);
  assert.deepEqual(json, document);
});
