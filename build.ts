/**
 * `deno task build`: makes dist/encimap.
 *
 * First choice is `deno compile`. Its runtime base comes from Deno's own site;
 * where that cannot be reached, dist/encimap is a launcher for the same program
 * as a bundled script beside the `deno` executable. Everything else is the same.
 *
 * ENCIMAP_BUILD=bundle takes the second way at once.
 *
 * @module
 */

import { DOCTORS_PROGRAMS } from "./src/system/permissions.ts";

/** Started by a URL that no bundler follows. */
const WORKER = "src/system/bcrypt_worker.ts";

/**
 * `pipe` alone. To start main.js, deno reads all modules that any command could
 * load, and that takes longer than all of a delivery.
 */
const PIPE = "src/cli/pipe_main.ts";

const DIST = new URL("dist/", import.meta.url).pathname;

/**
 * What any command of the program may do. A service drops what it does not need
 * when it starts; the wall around it is its systemd unit.
 */
const PERMISSIONS = [
  "--no-prompt",
  // The thread for password hashes has no permission at all.
  "--unstable-worker-options",
  "--allow-env",
  "--allow-net",
  "--allow-read",
  "--allow-write",
  `--allow-run=${
    ["/usr/sbin/postmap", "/usr/sbin/postqueue", ...DOCTORS_PROGRAMS].join()
  }`,
  "--allow-sys=uid,gid,userInfo,hostname,statfs,networkInterfaces",
];

async function deno(...args: string[]): Promise<string | undefined> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args,
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).output();
  if (success) return undefined;
  const text = new TextDecoder().decode(stderr);
  // Its second cause is the one that says what could not be had.
  return /^ +1: (.*)$/m.exec(text)?.[1] ?? text.trim();
}

/**
 * Makes the arguments of `deno` that compile the program.
 *
 * @param output The executable.
 * @returns The arguments.
 */
export function compileArgs(output: string): string[] {
  const options = ["--frozen", ...PERMISSIONS, "--include", WORKER];
  return ["compile", ...options, "--output", output, "main.ts"];
}

async function compile(): Promise<string | undefined> {
  if (Deno.env.get("ENCIMAP_BUILD") === "bundle") return "not wanted";
  return await deno(...compileArgs(`${DIST}encimap`));
}

async function bundle(): Promise<void> {
  const runtime = `${DIST}runtime`;
  await Deno.mkdir(runtime);
  // One call for each: with two in one call, another lies in its own folder
  // and not beside the first, where the program looks for it.
  for (const entry of ["main.ts", PIPE, WORKER]) {
    const error = await deno(
      "bundle",
      "--frozen",
      "--code-splitting",
      "--outdir",
      runtime,
      entry,
    );
    if (error !== undefined) throw new Error(error);
  }
  await Deno.copyFile(Deno.execPath(), `${runtime}/deno`);
  await Deno.chmod(`${runtime}/deno`, 0o755);
  const launcher = [
    "#!/bin/sh",
    "# Starts the bundled program with the deno executable beside it.",
    'program=$(readlink -f "$0")',
    "here=${program%/*}/runtime",
    "entry=main.js",
    '[ "$1" = pipe ] && [ $# = 5 ] && entry=pipe_main.js',
    "export DENO_DIR=/nonexistent DENO_NO_UPDATE_CHECK=1 NO_COLOR=1",
    `exec "$here/deno" run --no-config --no-lock --cached-only ${
      PERMISSIONS.join(" ")
    } "$here/$entry" "$@"`,
    "",
  ];
  await Deno.writeTextFile(`${DIST}encimap`, launcher.join("\n"));
  await Deno.chmod(`${DIST}encimap`, 0o755);
}

/** What the program is made of. */
const SOURCES = [
  ...["build.ts", "main.ts", "deno.json", "deno.lock"],
  // The dashboard is a user of the client.
  ...["src", "sql", "appliance", "clients/typescript"],
];

/** Files below a path, in an order that does not change. */
function filesBelow(path: string): string[] {
  if (Deno.statSync(path).isFile) return [path];
  return [...Deno.readDirSync(path)].map(({ name }) => `${path}/${name}`)
    .sort().flatMap(filesBelow);
}

/** Digest over all that a build depends on. */
async function digestOfSources(): Promise<string> {
  const parts = [Deno.version.deno, Deno.env.get("ENCIMAP_BUILD") ?? ""];
  for (const path of SOURCES.flatMap(filesBelow)) {
    const octets = await Deno.readFile(path);
    const digest = await crypto.subtle.digest("SHA-256", octets);
    parts.push(path, new Uint8Array(digest).toHex());
  }
  const all = new TextEncoder().encode(parts.join("\n"));
  return new Uint8Array(await crypto.subtle.digest("SHA-256", all)).toHex();
}

async function build(): Promise<string> {
  const digest = await digestOfSources();
  const built = await Deno.readTextFile(`${DIST}.sources`).catch(() => "");
  if (built === digest) return "dist/encimap is made of these sources";
  const how = await buildAnew();
  // Last: a build that was interrupted has none.
  await Deno.writeTextFile(`${DIST}.sources`, digest);
  return how;
}

async function buildAnew(): Promise<string> {
  await Deno.remove(DIST, { recursive: true }).catch(() => {});
  await Deno.mkdir(DIST);
  const error = await compile();
  if (error === undefined) {
    return "Built dist/encimap: one executable, by deno compile";
  }
  await bundle();
  return `Built dist/encimap: launcher, script and runtime; deno compile: ${error}`;
}

if (import.meta.main) {
  // deno-lint-ignore no-console
  build().then(console.log);
}
