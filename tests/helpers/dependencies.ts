/**
 * What the program is made of besides its own source.
 *
 * @module
 */

/** A package of npm. */
export interface Dependency {
  /** Name and version. */
  readonly id: string;
  /** What its package.json says. */
  readonly licence: string;
  /** Whether it is in the program, and not only in its tests and tools. */
  readonly isInProgram: boolean;
}

/** What `deno info --json` says of a module. */
interface Info {
  readonly modules: readonly { readonly specifier: string }[];
  readonly npmPackages: Readonly<
    Record<string, {
      readonly dependencies: readonly string[];
      readonly localPath: string;
    }>
  >;
}

/** What the program starts from: two modules, one by a URL. */
const ENTRIES = ["main.ts", "src/system/bcrypt_worker.ts"];

/** Lists all packages of deno.lock, by name. */
export async function listDependencies(): Promise<Dependency[]> {
  const inProgram = new Set<string>();
  let packages: Info["npmPackages"] = {};
  const add = (id: string): void => {
    if (inProgram.has(id)) return;
    inProgram.add(id);
    packages[id]?.dependencies.forEach(add);
  };
  for (const entry of ENTRIES) {
    const { modules, npmPackages } = await info(entry);
    packages = npmPackages;
    for (const { specifier } of modules) {
      const id = /^npm:\/((?:@[^/]+\/)?[^/]+)/.exec(specifier)?.[1];
      if (id !== undefined) add(id);
    }
  }
  const { npm } = JSON.parse(await Deno.readTextFile("deno.lock"));
  const ids = Object.keys(npm).sort();
  return await Promise.all(ids.map(async (id) => {
    const path = packages[id]?.localPath;
    if (path === undefined) throw new Error(`${id} is not in the cache`);
    const manifest = await Deno.readTextFile(`${path}/package.json`);
    const licence = JSON.parse(manifest).license ?? "none";
    return { id, licence, isInProgram: inProgram.has(id) };
  }));
}

async function info(entry: string): Promise<Info> {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["info", "--json", entry],
  }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}
