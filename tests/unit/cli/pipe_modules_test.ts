import assert from "node:assert/strict";

/** What `encimap pipe` is started for each mail with; keep it short. */
const PIPE = [
  "src/cli/command.ts",
  "src/cli/pipe.ts",
  "src/cli/pipe_main.ts",
  "src/cli/process_io.ts",
  "src/config.ts",
  "src/dashboard_settings.ts",
  "src/encryption_policy.ts",
  "src/errors.ts",
  "src/mail/octets.ts",
  "src/mail_check_settings.ts",
  "src/setting_kind.ts",
  "src/settings.ts",
  "src/system/permissions.ts",
  "src/system/unix_post.ts",
  "src/upkeep_settings.ts",
];

/** What else main.ts loads before it knows which command it is. */
const MAIN = [
  "main.ts",
  "src/cli/access_commands.ts",
  "src/cli/backup_commands.ts",
  "src/cli/commands.ts",
  "src/cli/dashboard_commands.ts",
  "src/cli/doctor_commands.ts",
  "src/cli/key_commands.ts",
  "src/cli/moving_commands.ts",
  "src/cli/refusal.ts",
  "src/cli/run.ts",
  "src/cli/vaultbox_commands.ts",
  "src/log.ts",
  "src/version.ts",
];

/** Every module that is loaded with one, packages and node: included. */
async function loadedWith(entry: string): Promise<string[]> {
  const loaded = new Set<string>();
  const load = async (path: string): Promise<void> => {
    if (loaded.has(path)) return;
    loaded.add(path);
    if (!path.endsWith(".ts")) return;
    const text = await Deno.readTextFile(path);
    const imports = text.matchAll(
      /^(?:import|export)\b(?! type)(?:[^";]*? from)? ?"([^"]+)"/gm,
    );
    for (const [, specifier] of imports) {
      const isFile = specifier!.startsWith(".");
      await load(
        isFile
          ? new URL(specifier!, `file:///${path}`).pathname.slice(1)
          : specifier!,
      );
    }
  };
  await load(entry);
  return [...loaded].toSorted();
}

Deno.test("encimap pipe loads these modules and no others", async () => {
  assert.deepEqual(await loadedWith("src/cli/pipe_main.ts"), PIPE);
});

Deno.test("main.ts loads no more before it knows the command", async () => {
  const shared = PIPE.filter((path) =>
    !["src/cli/pipe_main.ts", "src/cli/pipe.ts", "src/system/unix_post.ts"]
      .includes(path)
  );
  const loaded = await loadedWith("main.ts");
  const others = loaded.filter((path) => !shared.includes(path));
  assert.deepEqual(others, MAIN);
});

Deno.test("encimap pipe uses no stream of the web and no timer, which are slow to load", async () => {
  for (const path of PIPE) {
    const text = await Deno.readTextFile(path);
    const code = text.replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "");
    const found = /\b(?:ReadableStream|Blob|setTimeout|fetch)\b|\.readable\b/
      .exec(code);
    assert.equal(found?.[0], undefined, path);
  }
});
