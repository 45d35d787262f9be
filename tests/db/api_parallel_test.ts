import assert from "node:assert/strict";
import { buildApi } from "../../src/http/api.ts";
import { apiRoutes } from "../../src/http/routes/all.ts";
import { UNLIMITED } from "../helpers/api.ts";
import { testWorld } from "../helpers/app.ts";
import { ask, bearer, SETTINGS } from "../helpers/http.ts";

Deno.test("of many requests at once fifty are worked on, and all are answered", async () => {
  await using world = await testWorld(UNLIMITED);
  let working = 0;
  let most = 0;
  const routes = apiRoutes(world.app).map((route) => ({
    ...route,
    handle: async () => {
      most = Math.max(most, ++working);
      await new Promise((resolve) => setTimeout(resolve, 5));
      working--;
      return { message: "Done" };
    },
  }));
  const api = buildApi(world.app, SETTINGS, routes);
  const token = await bearer();
  const answers = await Promise.all(
    Array.from({ length: 500 }, () => ask(api, token, "GET", "/usage")),
  );
  assert.ok(answers.every(({ status }) => status === 200));
  assert.equal(most, 50);
});
