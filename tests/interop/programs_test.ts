import assert from "node:assert/strict";

const PERMISSIONS =
  new URL("../../src/system/permissions.ts", import.meta.url).href;

Deno.test("the API gives up all programs but postmap", async () => {
  const script = `
    import { DOCTORS_PROGRAMS, dropPrograms } from "${PERMISSIONS}";
    dropPrograms(DOCTORS_PROGRAMS);
    for (const path of ["/usr/sbin/postmap", ...DOCTORS_PROGRAMS]) {
      let ran = true;
      try {
        new Deno.Command(path, { args: ["--version"] }).outputSync();
      } catch (error) {
        if (error instanceof Deno.errors.NotCapable) ran = false;
      }
      console.log(path, ran);
    }`;
  const build = await Deno.readTextFile("build.ts");
  assert.match(
    build,
    /postmap", "\/usr\/sbin\/postqueue", \.\.\.DOCTORS_PROGRAMS/,
  );
  const { DOCTORS_PROGRAMS } = await import(PERMISSIONS);
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--ext=ts",
      `--allow-run=/usr/sbin/postmap,${DOCTORS_PROGRAMS.join()}`,
      `data:application/typescript,${encodeURIComponent(script)}`,
    ],
  }).output();
  const said = new TextDecoder().decode(stdout);
  assert.deepEqual(
    said.trim().split("\n"),
    [
      "/usr/sbin/postmap true",
      ...DOCTORS_PROGRAMS.map((path: string) => `${path} false`),
    ],
    new TextDecoder().decode(stderr),
  );
});
