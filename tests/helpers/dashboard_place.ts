/**
 * A dashboard with a real API behind it.
 *
 * @module
 */

import { createVaultbox } from "../../src/vaultbox/create.ts";
import { EVERYTHING_ON, servedApi } from "./api.ts";
import { SERVICE, type TestWorld, testWorld } from "./app.ts";
import { type TestDashboard, testDashboard } from "./dashboard.ts";

/** A dashboard with a real API behind it. */
export interface Place extends AsyncDisposable {
  /** TXT records that DNS has. */
  readonly records: string[];
  /** The API's world. */
  readonly world: TestWorld;
  /** The dashboard. */
  readonly dashboard: TestDashboard;
}

/**
 * Serves both.
 *
 * @param env Settings that differ from those of tests.
 */
export async function place(
  env: Record<string, string> = EVERYTHING_ON,
): Promise<Place> {
  const stack = new AsyncDisposableStack();
  const world = stack.use(await testWorld(env));
  const records: string[] = [];
  const dns = { ...world.app.dns, txt: () => Promise.resolve(records) };
  const api = stack.use(servedApi({ app: { ...world.app, dns } }));
  const dashboard = stack.use(testDashboard(api.url));
  return {
    world,
    dashboard,
    records,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Makes a vaultbox, its domain too. */
export async function box(
  { world: { app } }: Place,
  userId: string,
  domain: string,
  alias = "cat",
): Promise<string> {
  const { id } = await createVaultbox(app, SERVICE, {
    userId,
    domain,
    alias,
    name: alias,
    mayClaimDomain: true,
  });
  return id;
}
