/**
 * What install.sh does about keys, in a folder instead of a machine.
 *
 * @module
 */

import assert from "node:assert/strict";
import { isMissing } from "../helpers/openssl.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const NEEDS = Deno.uid() !== 0 || isMissing("openssl")
  ? " (needs openssl and root)"
  : "";

/** Runs a script with make_secrets() of install.sh in its folder. */
async function ran(
  dir: string,
  script: string,
): Promise<{ code: number; err: string }> {
  const whole = `
    set -eu
    cd '${dir}'
    DRY= LOG= COUNT=0 CHANGES= NL=' ' DONE= STEP=
    API_USER=root MAIL_USER=root WORK='${dir}' SECRETS='${dir}/secrets' STATE='${dir}/state'
    SETTINGS=$SECRETS/encimap.env
    . '${ROOT}appliance/install/common.sh'
    . '${ROOT}appliance/install/machine.sh'
    . '${ROOT}appliance/install/preflight.sh'
    ${script}`;
  const { code, stderr } = await new Deno.Command("sh", {
    args: ["-c", whole],
  }).output();
  return { code, err: new TextDecoder().decode(stderr) };
}

Deno.test({
  name:
    `install.sh makes no new key in the place of one that is lost while there is what needs it${NEEDS}`,
  ignore: NEEDS !== "",
}, async () => {
  const dir = await Deno.makeTempDir();
  const must = async (script: string): Promise<void> => {
    const { code, err } = await ran(dir, script);
    assert.equal(code, 0, err);
  };
  try {
    const fill = `
      mkdir -p secrets keys/pool mail/box/Maildir/cur
      printf 'ENCIMAP_KEYS_PATH=%s\\nMAILDIR_BASE_PATH=%s\\n' '${dir}/keys' '${dir}/mail' >secrets/encimap.env
      echo x >keys/pool/1
      make_secrets`;
    await must(fill);
    // What was made ahead is nobody's.
    await must("rm secrets/*.key; make_secrets; test -s secrets/master.key");
    for (
      const [key, path] of [["master", "keys/a"], [
        "hmac",
        "mail/box/Maildir/cur/1",
      ]] as const
    ) {
      await must(`echo x >${path}; make_secrets; rm secrets/${key}.key`);
      const { code, err } = await ran(dir, "make_secrets");
      assert.equal(code, 1);
      assert.match(err, RegExp(`secrets/${key}\\.key is lost`));
      await must(`test ! -e secrets/${key}.key`);
      await must(`rm ${path}; make_secrets; test -s secrets/${key}.key`);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("install.sh changes nothing while keys are rotated, or are to be", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const said = async (script: string): Promise<string> => {
      const { code, err } = await ran(dir, script);
      assert.equal(code === 0, err === "", err);
      return err;
    };
    await said("mkdir -p secrets state/backup");
    assert.equal(await said("check_rotation"), "");
    assert.equal(
      await said(": >state/backup/commands.lock; check_rotation"),
      "",
    );
    const lock = "exec 8>>state/backup/commands.lock; flock";
    // Another command of root.
    assert.equal(await said(`${lock} -s 8; check_rotation`), "");
    assert.match(await said(`${lock} 8; check_rotation`), /are being rotated/);
    for (const name of ["master", "hmac"]) {
      assert.match(
        await said(`: >secrets/${name}.key.former; check_rotation`),
        RegExp(`run "encimap keys rotate-${name}" again first`),
      );
      await said(`rm secrets/${name}.key.former`);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
