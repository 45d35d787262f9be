/**
 * `deno task release`: puts what a machine needs, and nothing that it would have
 * to build, into release/encimap-VERSION-ARCH/ and a tar.gz of it.
 *
 * SHA256SUMS there has every file. With `--key FILE`, an Ed25519 key in PEM
 * (`openssl genpkey -algorithm ed25519`), SHA256SUMS.sig is its signature;
 * install.sh checks both (appliance/install/release.sh).
 *
 * @module
 */

import { createPrivateKey, sign } from "node:crypto";
import { dirname, join } from "node:path";
import { VERSION } from "./src/version.ts";

/** What is in a release, besides SHA256SUMS; folders with all below them. */
const CONTENTS = [
  "CHANGELOG.md",
  "LICENSE",
  "README.md",
  "SECURITY.md",
  "appliance/bin",
  "appliance/install",
  "appliance/monitoring",
  "dist",
  "docs",
  "install.sh",
];

/**
 * Makes a release.
 *
 * @param root The repository, with dist/ as `deno task build` has made it.
 * @param target A folder that is not there yet.
 * @param key Ed25519 private key, PEM, that signs; undefined for none.
 * @throws {Deno.errors.NotFound} If something of it is missing.
 */
export async function makeRelease(
  root: string,
  target: string,
  key?: string,
): Promise<void> {
  const sums: string[] = [];
  for (const path of CONTENTS) {
    for await (const file of filesBelow(root, path)) {
      const octets = await Deno.readFile(join(root, file));
      const { mode } = await Deno.stat(join(root, file));
      await Deno.mkdir(dirname(join(target, file)), { recursive: true });
      await Deno.writeFile(join(target, file), octets);
      // As for everybody, whatever the umask is here.
      await Deno.chmod(join(target, file), mode! & 0o100 ? 0o755 : 0o644);
      const digest = await crypto.subtle.digest("SHA-256", octets);
      sums.push(`${new Uint8Array(digest).toHex()}  ${file}\n`);
    }
  }
  const text = new TextEncoder().encode(sums.join(""));
  await Deno.writeFile(join(target, "SHA256SUMS"), text);
  if (key === undefined) return;
  const signature = sign(null, text, createPrivateKey(key));
  await Deno.writeFile(join(target, "SHA256SUMS.sig"), signature);
}

/** The files of a path, a file or folder below root, in order. */
async function* filesBelow(
  root: string,
  path: string,
): AsyncGenerator<string> {
  const { isDirectory } = await Deno.lstat(join(root, path));
  if (!isDirectory) {
    yield path;
    return;
  }
  const names: string[] = [];
  for await (const { name } of Deno.readDir(join(root, path))) names.push(name);
  for (const name of names.sort()) yield* filesBelow(root, `${path}/${name}`);
}

async function main(args: readonly string[]): Promise<string> {
  const [option, file, ...rest] = args;
  if (rest.length > 0 || option !== undefined && option !== "--key") {
    throw new Error("Usage: deno task release [--key FILE]");
  }
  const root = new URL(".", import.meta.url).pathname;
  const name = `encimap-${VERSION}-${Deno.build.arch}`;
  const target = join(root, "release", name);
  await Deno.remove(target, { recursive: true }).catch(() => {});
  const key = file === undefined ? undefined : await Deno.readTextFile(file);
  await makeRelease(root, target, key);
  const { success } = await new Deno.Command("tar", {
    args: [
      ...["--create", "--gzip", "--file", `${name}.tar.gz`],
      ...["--sort=name", "--owner=0", "--group=0", "--numeric-owner", name],
    ],
    cwd: join(root, "release"),
  }).output();
  if (!success) throw new Error("tar failed");
  const signed = key === undefined ? "not signed" : "signed";
  return `Made release/${name}.tar.gz, ${signed}`;
}

if (import.meta.main) {
  // deno-lint-ignore no-console
  main(Deno.args).then(console.log);
}
