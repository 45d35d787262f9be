/**
 * Whether the files of this machine belong to whom they should.
 *
 * @module
 */

import { dirname } from "node:path";
import { type Place, placesOf } from "../appliance/places.ts";
import { DEFAULT_APPLIANCE } from "../appliance/render.ts";
import { TEMPLATES } from "../appliance/templates.ts";
import type { Config } from "../config.ts";
import type { Ownership, OwnershipOf } from "../system/ownership.ts";

/** Bits of what others may do. */
const OTHERS = 0o7;

/**
 * Lists the files of the machine that the program runs on.
 *
 * @param config Its settings.
 * @param configFile The file that they are from.
 * @returns The table.
 */
export function placesHere(
  config: Config,
  configFile: string = DEFAULT_APPLIANCE.configFile,
): readonly Place[] {
  const { secretsPath, checksPath } = DEFAULT_APPLIANCE;
  return placesOf({
    ...config,
    secretsPath,
    checksPath,
    configFile,
    dashboardPath: config.dashboard.path,
    mapsPath: dirname(config.transportMap),
    submissionPath: dirname(config.submissionSocket),
    units: Object.keys(TEMPLATES).flatMap((name) =>
      /^systemd\/(encimap-.*)\.tmpl$/.exec(name)?.[1] ?? []
    ),
  });
}

/**
 * Compares the table with the machine.
 *
 * @param places The table.
 * @param ownershipOf Tells whose a file is.
 * @returns One phrase for each that is not as it should be.
 */
export async function wrongPlaces(
  places: readonly Place[],
  ownershipOf: OwnershipOf,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const { path, is, isOptional, mayBeLink } of places) {
    const seen = await seenFrom(path, ownershipOf);
    // systemd puts something of this kind before what a unit may not see.
    if (seen === "closed" || seen?.text === "root:root 0") continue;
    if (seen === undefined) {
      if (!isOptional) wrong.push(`${path} is not there`);
    } else if (mayBeLink && seen.isLink) {
      const target = await seenFrom(path, ownershipOf, { follow: true });
      if (target !== "closed" && target && (target.mode & OTHERS) !== 0) {
        wrong.push(`${path} leads to a file that anybody may read`);
      }
    } else if (seen.isLink || !is.includes(seen.text)) {
      const found = seen.isLink ? "a link" : seen.text;
      wrong.push(`${path} is ${found} and not ${is.join(" or ")}`);
    }
  }
  return wrong;
}

/** Whose a file is; "closed" if a folder on the way is closed to this user. */
async function seenFrom(
  path: string,
  ownershipOf: OwnershipOf,
  options: { follow?: boolean } = {},
): Promise<Ownership | "closed" | undefined> {
  try {
    return await ownershipOf(path, options);
  } catch (error) {
    if ((error as { code?: string }).code === "EACCES") return "closed";
    throw error;
  }
}
