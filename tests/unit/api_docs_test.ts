import assert from "node:assert/strict";
import type { App } from "../../src/app.ts";
import { OUTCOMES } from "../../src/errors.ts";
import { apiRoutes } from "../../src/http/routes/all.ts";
import { OPEN_PATHS, openApi, toYaml } from "../../src/http/openapi.ts";

const text = Deno.readTextFileSync("docs/api.md");

Deno.test("docs/api.md lists the routes that the API has, and no others", () => {
  const table = [
    ...text.matchAll(/^\| `((?:GET|POST|PUT|PATCH|DELETE) [^`]+)` +\|/gm),
  ]
    .map(([, route]) => route).sort();
  const routes = apiRoutes({} as App)
    .map(({ method, path }) => `${method} ${path}`);
  const open = OPEN_PATHS.map(({ path }) => `GET ${path}`);
  assert.deepEqual(table, [...routes, ...open].sort());
});

Deno.test("docs/api.md has the status of every error code", () => {
  for (const [code, { http }] of Object.entries(OUTCOMES)) {
    assert.match(text, new RegExp(`^\\| \`${code}\` +\\| ${http} +\\|`, "m"));
  }
});

Deno.test("docs/openapi.yaml is what `encimap openapi` prints", () => {
  const yaml = Deno.readTextFileSync("docs/openapi.yaml");
  assert.equal(yaml, toYaml(openApi(apiRoutes({} as App))));
});

Deno.test("docs/api.md names every action of the audit log", () => {
  const nouns =
    "alias|app_credential|catch_all|certificate|credential|customer|domain|issuer|key|setup_link|vaultbox";
  const actions = [...Deno.readDirSync("src/vaultbox")].flatMap(({ name }) => {
    const source = Deno.readTextFileSync(`src/vaultbox/${name}`);
    const found = source.matchAll(
      new RegExp(`"((?:${nouns})\\.[a-z_]+(?:\\.drop)?)"`, "g"),
    );
    return [...found].map(([, action]) => action!);
  });
  assert.ok(actions.length > 10);
  const missing = actions.filter((action) =>
    !text.includes(`\`${action}\``) && !/\.(cer|pem)$/.test(action)
  );
  assert.deepEqual(missing, []);
});
