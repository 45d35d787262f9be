import assert from "node:assert/strict";
import { renderAppliance } from "../../src/appliance/render.ts";
import { applianceSettings } from "../../src/cli/render.ts";
import { testConfig } from "../helpers/app.ts";

const NEEDS = Deno.uid() === 0 ? "" : " (needs root)";

Deno.test({
  name:
    `a restore gives away what it has restored, and nothing where ".." or a link leads${NEEDS}`,
  ignore: NEEDS !== "",
  fn: testOwners,
});

async function testOwners(): Promise<void> {
  const dir = await Deno.realPath(await Deno.makeTempDir());
  try {
    for (const name of ["secrets/tls", "state/backup", "parts", "others"]) {
      await Deno.mkdir(`${dir}/${name}`, { recursive: true });
    }
    const paths = {
      restored: `${dir}/secrets/master.key`,
      above: `${dir}/others/above`,
      linked: `${dir}/others/linked`,
      behind: `${dir}/others/behind`,
    };
    for (const path of Object.values(paths)) {
      await Deno.writeTextFile(path, "x", { mode: 0o600 });
      await Deno.chown(path, 0, 0);
    }
    await Deno.symlink(paths.linked, `${dir}/secrets/link`);
    await Deno.symlink(`${dir}/others`, `${dir}/secrets/folder`);
    await Deno.writeTextFile(
      `${dir}/state/backup/manifest`,
      "secrets=/etc/old\nstate=/var/old\n",
    );
    await Deno.writeTextFile(
      `${dir}/parts/owners`,
      [
        "root daemon 640 /etc/old/master.key",
        "daemon daemon 666 /etc/old/../others/above",
        "daemon daemon 666 /var/old/../others/above",
        "daemon daemon 666 /etc/old/link",
        "daemon daemon 666 /etc/old/folder/behind",
        "daemon daemon 666 /etc/passwd",
        "",
      ].join("\n"),
    );
    const files = renderAppliance({
      ...applianceSettings(testConfig({}), {}),
      commonScriptPath: `${dir}/common.sh`,
      secretsPath: `${dir}/secrets`,
      statePath: `${dir}/state`,
    });
    await Deno.writeTextFile(
      `${dir}/common.sh`,
      files.get("bin/encimap_common.sh")!,
    );
    // The functions without what the script then does.
    const [functions] = files.get("bin/encimap_restore")!.split(
      '\nrestore "$@"',
    );
    const { code, stderr } = await new Deno.Command("sh", {
      args: [
        "-c",
        `set -- restore\n${functions}\nparts='${dir}/parts'\nown_again`,
      ],
    }).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));

    const { mode, gid } = await Deno.stat(paths.restored);
    assert.equal(mode! & 0o777, 0o640);
    assert.notEqual(gid, 0);
    for (const path of [paths.above, paths.linked, paths.behind]) {
      const { uid, mode } = await Deno.stat(path);
      assert.deepEqual({ uid, mode: mode! & 0o777 }, { uid: 0, mode: 0o600 });
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}
