/**
 * Pages of the dashboard beside few and beside many vaultboxes.
 *
 * @module
 */

import type { Grant } from "../../src/dashboard/roles.ts";
import { createVaultbox } from "../../src/vaultbox/create.ts";
import { SERVICE } from "../helpers/app.ts";
import { type Browser, testDashboard } from "../helpers/dashboard.ts";
import { interleaved, median, print, SCALE, verdict } from "./measure.ts";
import { type BenchWorld, benchWorld, domainOf, userOf } from "./world.ts";

const ROUNDS = Math.max(8, Math.round(60 * SCALE));

/** Milliseconds of a page, at most: what the dashboard and the API take. */
const PAGE_MS = 100;

/** A vaultbox that the dashboard has made. */
const PARTS = [
  "",
  "/device",
  "/device?for=apple",
  "/device?for=thunderbird",
  "/messages",
  "/certificates",
  "/custody",
  "/settings",
  "/people",
  "/delete",
] as const;

const PAGES: Readonly<Record<"operator" | "customer", readonly string[]>> = {
  operator: [
    ...["/", "/vaultboxes", "/vaultboxes?sort=address", "/vaultboxes?q=a77%40"],
    ...["/vaultboxes/new", `/domains/${domainOf(3)}`, "/domains", "/audit"],
    ...["/customers", `/customers/${userOf(3)}`, "/people", "/machine"],
    "/tokens",
  ],
  customer: ["/", "/vaultboxes", "/domains", "/audit", "/account"],
};

/** Dashboards are asked for the same pages in a small and in a large world. */
export async function benchDashboard(): Promise<void> {
  const boxes = Math.max(2000, Math.round(200_000 * SCALE));
  print(`Loading ${boxes} vaultboxes and ${boxes * 10} messages`);
  await using small = await visited(await benchWorld(1000, 10_000));
  await using large = await visited(await benchWorld(boxes, boxes * 10));
  print(`\nPages beside 1,000 and ${boxes} vaultboxes, ${ROUNDS} rounds`);
  for (const role of ["operator", "customer"] as const) {
    const paths = [
      ...PAGES[role],
      ...PARTS.map((part) => `/vaultboxes/ID${part}`),
    ];
    for (const path of paths) {
      const times = await interleaved({
        small: () => small.open(role, path),
        large: () => large.open(role, path),
      }, ROUNDS);
      const middle = median(times.large);
      const name = `${role} ${path} / small`;
      verdict(`${role} ${path}`, middle, PAGE_MS, " ms");
      verdict(name, middle / median(times.small), 1.5, "x");
    }
  }
}

/** A dashboard before a world, with two who are signed in. */
interface Visited extends AsyncDisposable {
  open(role: "operator" | "customer", path: string): Promise<void>;
}

async function visited(world: BenchWorld): Promise<Visited> {
  const stack = new AsyncDisposableStack();
  stack.use(world);
  const dashboard = stack.use(testDashboard(world.api.url));
  const { id } = await createVaultbox(world.app, SERVICE, {
    userId: userOf(3),
    domain: domainOf(3),
    alias: "cat",
    name: "Cat",
    mayClaimDomain: true,
  });
  const grants: Readonly<Record<"operator" | "customer", Grant>> = {
    operator: { role: "operator" },
    customer: { role: "customer", userId: userOf(3) },
  };
  const browsers: Readonly<Record<"operator" | "customer", Browser>> = {
    operator: await dashboard.signedIn(grants.operator),
    customer: await dashboard.signedIn(grants.customer),
  };
  return {
    async open(role, path) {
      const real = path.replace("ID", id);
      const { status, text } = await browsers[role].open(real);
      if (status !== 200) throw new Error(`${role} ${path}: ${status} ${text}`);
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
