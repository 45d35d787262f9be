import assert from "node:assert/strict";
import { isMissing } from "../helpers/openssl.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const NEEDS = isMissing("/usr/bin/shellcheck") ? " (needs shellcheck)" : "";

Deno.test({
  name: `shellcheck finds nothing in the shell scripts${NEEDS}`,
  ignore: NEEDS !== "",
  fn: testShell,
});

async function testShell(): Promise<void> {
  const parts: string[] = [];
  for await (const { name } of Deno.readDir(`${ROOT}appliance/install`)) {
    parts.push(`. "$HERE/appliance/install/${name}"`);
  }
  const install = await Deno.readTextFile(`${ROOT}install.sh`);
  for (const part of parts) assert.ok(install.includes(part), part);
  const { code, stdout } = await new Deno.Command("shellcheck", {
    // With what install.sh reads, each warned about as if it were in one file.
    args: [
      ...["--external-sources", "--check-sourced", "install.sh", "tests/run"],
      ...["tests/with_postgres", ".ci/run", "appliance/bin/encimap_pipe.sh"],
      ...["appliance/bin/encimap_ctl", "appliance/bin/encimap"],
      // A command whose name is a place of the template.
      ...["--exclude=SC2288", "appliance/bin/encimap_backup"],
      ...["appliance/bin/encimap_restore", "appliance/bin/encimap_keys"],
      "appliance/bin/encimap_common.sh",
      ...["appliance/bin/encimap_tls"],
      ...["appliance/bin/encimap_dkim"],
    ],
    cwd: ROOT,
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stdout));
}
