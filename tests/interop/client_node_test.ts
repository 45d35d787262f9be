import assert from "node:assert/strict";
import { stripTypeScriptTypes } from "node:module";
import committed from "../../clients/typescript/encimap.ts" with {
  type: "text",
};
import { connect } from "../../src/db/connect.ts";
import { buildApi } from "../../src/http/api.ts";
import { ApiMetrics } from "../../src/metrics/api.ts";
import { bearer, SETTINGS } from "../helpers/http.ts";
import { testConfig, testLog } from "../helpers/app.ts";
import { isMissing, run, temporaryDirectory } from "../helpers/openssl.ts";

const SCRIPT = `
import { Encimap, EncimapError } from "./encimap.mjs";
const [, , baseUrl, token] = process.argv;
const refused = (promise) => promise.then(
  () => "answered",
  (error) => error instanceof EncimapError ? error.code : String(error),
);
const service = new Encimap({ baseUrl, token, retries: 0 });
const stranger = new Encimap({ baseUrl, token: async () => "x" });
console.log(JSON.stringify({
  health: (await service.health()).status,
  list: await refused(service.listVaultboxes({ limit: 1 })),
  stranger: await refused(stranger.listVaultboxes()),
}));
`;

Deno.test("node runs the typed client against the API", {
  ignore: isMissing("node"),
}, async () => {
  await using directory = await temporaryDirectory({
    // Node 22 does this by itself; what it could not strip would throw here.
    "encimap.mjs": stripTypeScriptTypes(committed),
    "main.mjs": SCRIPT,
  });
  // No database: what the API answers then is enough for a client.
  const sql = connect("postgresql://encimap@%2Fnonexistent/db", { max: 1 });
  const config = testConfig({ ENCIMAP_SMTP_PORT: "1" });
  const app = {
    config,
    log: testLog([]),
    metrics: new ApiMetrics(),
    sql,
    now: () => new Date(),
  };
  const api = buildApi(
    app as unknown as Parameters<typeof buildApi>[0],
    SETTINGS,
  );
  const server = Deno.serve({ port: 0, onListen: () => {} }, api);
  try {
    const url = `http://127.0.0.1:${server.addr.port}/s2s/v1`;
    const args = ["main.mjs", url, await bearer()];
    const output = await run("node", args, { cwd: directory.path });
    assert.deepEqual(JSON.parse(new TextDecoder().decode(output)), {
      health: "unhealthy",
      list: "unavailable",
      stranger: "unauthorized",
    });
  } finally {
    await server.shutdown();
    await sql.end();
  }
});
