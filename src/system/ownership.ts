/**
 * Owner, group and mode of files.
 *
 * @module
 */

import { lstat, readFile, stat } from "node:fs/promises";

/** Whose a file is. */
export interface Ownership {
  /** As `root:root 644`: owner, group, mode in octal digits. */
  readonly text: string;
  /** Permission bits. */
  readonly mode: number;
  /** Whether it is a link. */
  readonly isLink: boolean;
}

/** Tells whose a file is; undefined if there is nothing. */
export type OwnershipOf = (
  path: string,
  options?: { follow?: boolean },
) => Promise<Ownership | undefined>;

/**
 * Reads the names of users and groups.
 *
 * @param root Folder with `etc` in it; tests bring their own.
 * @returns What tells whose a file is, by names; a number has none if nobody has
 * it. With `follow` it tells of what a link leads to.
 */
export async function readOwnership(root = "/"): Promise<OwnershipOf> {
  const users = await readNames(`${root}/etc/passwd`);
  const groups = await readNames(`${root}/etc/group`);
  return async (path, options = {}) => {
    try {
      const found = await (options.follow ? stat(path) : lstat(path));
      const user = users.get(found.uid) ?? String(found.uid);
      const group = groups.get(found.gid) ?? String(found.gid);
      const mode = found.mode & 0o7777;
      return {
        text: `${user}:${group} ${mode.toString(8)}`,
        mode,
        isLink: found.isSymbolicLink(),
      };
    } catch (error) {
      if ((error as { code?: string }).code === "ENOENT") return undefined;
      throw error;
    }
  };
}

/** Numbers of users and groups, by name. */
export interface Numbers {
  /** Users. */
  readonly users: ReadonlyMap<string, number>;
  /** Groups. */
  readonly groups: ReadonlyMap<string, number>;
}

/**
 * Reads the numbers of users and groups.
 *
 * @param root Folder with `etc` in it.
 * @returns The numbers.
 */
export async function readNumbers(root = "/"): Promise<Numbers> {
  const turned = async (path: string): Promise<Map<string, number>> =>
    new Map([...await readNames(path)].map(([number, name]) => [name, number]));
  return {
    users: await turned(`${root}/etc/passwd`),
    groups: await turned(`${root}/etc/group`),
  };
}

/** Reads names and numbers: passwd(5) and group(5) have them in one place. */
async function readNames(path: string): Promise<ReadonlyMap<number, string>> {
  const lines = (await readFile(path, "utf8")).split("\n");
  return new Map(
    lines.map((line) => line.split(":")).filter((field) => field.length > 2)
      .map(([name, , number]) => [Number(number), name!]),
  );
}
