/**
 * What a verification says of a vaultbox.
 *
 * @module
 */

import { verifyVaultbox } from "../../src/vaultbox/verify.ts";
import type { TestWorld } from "./app.ts";

/**
 * Verifies a vaultbox.
 *
 * @param world The world.
 * @param id UUID of the vaultbox.
 * @returns Kind and path of each finding, and `mended` where counters were.
 */
export async function findings(
  world: TestWorld,
  id: string,
): Promise<string[]> {
  const found: string[] = [];
  await verifyVaultbox(world.intake, id, {
    found: ({ kind, path }) => found.push(`${kind} ${path}`),
    mended: () => found.push("mended"),
    looked: () => {},
  });
  return found;
}
