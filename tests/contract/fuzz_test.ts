import assert from "node:assert/strict";
import { OUTCOMES } from "../../src/errors.ts";
import {
  EVERYTHING_ON,
  type Operation,
  readDescription,
  servedApi,
} from "../helpers/api.ts";
import { bearer } from "../helpers/http.ts";
import { SECRET, type TestWorld, testWorld } from "../helpers/app.ts";
import { testPgHost } from "../helpers/database.ts";
import { type Garbage, garbage, randomOf } from "../helpers/garbage.ts";
import { inputFor, newTenant } from "../helpers/operations.ts";
import { type RawReply, rawRequest } from "../helpers/raw_http.ts";

const { document, operations } = readDescription();

/** Requests for each operation. */
const REQUESTS = Number(Deno.env.get("FUZZ_REQUESTS") ?? 40);

/** After this many milliseconds the next operation has its turn. */
const OPERATION_MS = REQUESTS * 40;

/** The seed is printed; set it to repeat a run. */
const SEED = Number(Deno.env.get("FUZZ_SEED") ?? Date.now() % 2 ** 31);

/** What no answer may hold. */
async function leaks(world: TestWorld): Promise<RegExp[]> {
  const { sql } = world.app;
  const tables = await sql<{ name: string }[]>`
    select tablename as name from pg_tables where schemaname = 'public'
  `;
  const names = tables.map(({ name }) => name).join("|");
  const literals = [
    SECRET,
    Deno.cwd(),
    world.directory,
    testPgHost(),
    "07".repeat(8), // The master key, in hexadecimal and in base64.
    "BwcHBwcH",
    "node_modules",
  ];
  return [
    new RegExp(
      `\\b(?:from|into|update|join|table|relation) "?(?:${names})\\b`,
      "i",
    ),
    /\b(?:select|insert|returning|violates|constraint|SQLSTATE|syntax error)\b/i,
    /\b(?:PostgresError|TypeError|RangeError|SyntaxError|ReferenceError)\b/,
    /\n? {2,}at \S+ ?\(?|\.ts:\d+/,
    /\$2[abxy]\$\d\d\$/,
    /X-Injected: 1\r?$/im,
    // The name may be short and part of random text.
    new RegExp(`(?<![\\w+/-])${RegExp.escape(Deno.hostname())}(?![\\w+/-])`),
    ...literals.map((text) => new RegExp(RegExp.escape(text))),
  ];
}

/** Checks one answer. */
function judge(
  operation: Operation,
  reply: RawReply,
  forbidden: readonly RegExp[],
): void {
  const { status, head, body } = reply;
  const isDown = operation.id === "health" && status === 503;
  assert(status < 500 || isDown, `${status} ${body}`);
  const isKey = operation.id === "generateCertificate" && status === 201;
  for (const each of forbidden) {
    assert.doesNotMatch(head, each);
    // Downloads are noise.
    if (/^content-type: application\/json/im.test(head)) {
      assert.doesNotMatch(body, each);
    }
  }
  if (!isKey) assert.doesNotMatch(body, /PRIVATE KEY/);
  if (status < 400 || isDown || operation.method === "HEAD") return;
  const { success, error, ...others } = JSON.parse(body);
  assert.deepEqual([success, others], [false, {}]);
  const { code, message, details = {}, ...rest } = error;
  assert.deepEqual(rest, {});
  assert.equal(OUTCOMES[code as keyof typeof OUTCOMES].http, status);
  assert.equal(typeof message, "string");
  assert.equal(typeof details, "object");
  assert(message.length < 300, "The message is as long as what was sent");
}

function headOf(
  { method, target, headers, body }: Garbage,
  token: string,
): string[] {
  return [
    `${method} /s2s/v1${target} HTTP/1.1`,
    "Host: 127.0.0.1",
    "Connection: close",
    `Authorization: Bearer ${token}`,
    ...(headers.some(([name]) => name === "Content-Type")
      ? []
      : ["Content-Type: application/json"]),
    ...headers.map(([name, value]) => `${name}: ${value}`),
    ...(method === "GET" ? [] : [`Content-Length: ${body.length}`]),
  ];
}

Deno.test("garbage at every operation is refused in the envelope, and leaks nothing", async (t) => {
  // Printed, so that a failure can be repeated with FUZZ_SEED.
  await Deno.stdout.write(new TextEncoder().encode(`FUZZ_SEED=${SEED}\n`));
  await using world = await testWorld(EVERYTHING_ON);
  await using api = servedApi(world);
  const port = Number(new URL(api.url).port);
  const forbidden = await leaks(world);
  for (const [index, operation] of operations.entries()) {
    await t.step(operation.id, async () => {
      const random = randomOf(SEED + index);
      const statuses: number[] = [];
      // Garbage that is taken changes nothing for the next operation.
      const userId = crypto.randomUUID();
      const tenant = await newTenant(world, api, userId, `t${index}.example`);
      const token = await bearer(
        operation.scope === "admin" ? undefined : userId,
      );
      const input = await inputFor(operation, tenant);
      const end = performance.now() + OPERATION_MS;
      for (let i = 0; i < REQUESTS && performance.now() < end; i++) {
        const made = garbage(random, { operation, input, document });
        const head = headOf(made, token);
        const body = made.method === "GET" ? new Uint8Array() : made.body;
        const reply = await rawRequest(port, head, body);
        statuses.push(reply.status);
        try {
          judge(operation, reply, forbidden);
        } catch (error) {
          const sent = `${head.join("\n")}\n\n${
            new TextDecoder().decode(body)
          }`;
          throw new Error(
            `FUZZ_SEED=${SEED}, request ${i}:\n${sent.slice(0, 2000)}\n\n` +
              `${reply.head}\n\n${reply.body.slice(0, 2000)}`,
            { cause: error },
          );
        }
      }
      // Otherwise the rate limit answers, and nothing is tried.
      const limited = statuses.filter((status) => status === 429).length;
      assert(limited < statuses.length / 10, `${limited} answers were 429`);
    });
  }
});
