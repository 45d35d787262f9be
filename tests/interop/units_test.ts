import assert from "node:assert/strict";
import { renderAppliance } from "../../src/appliance/render.ts";
import { isMissing, temporaryDirectory } from "../helpers/openssl.ts";
import { testConfig } from "../helpers/app.ts";
import { applianceSettings } from "../../src/cli/render.ts";

/** Exposure that `systemd-analyze security` may find at most. */
const MOST = 2.0;

const files = renderAppliance(applianceSettings(testConfig(), {}));
const services = [...files].filter(([name]) => name.endsWith(".service"));

for (const [name, text] of services) {
  Deno.test({
    name: `systemd-analyze finds an exposure of at most ${MOST} in ${name}`,
    ignore: isMissing("/usr/bin/systemd-analyze"),
  }, async () => {
    await using directory = await temporaryDirectory();
    const path = `${directory.path}/${name.split("/").at(-1)}`;
    await Deno.writeTextFile(path, text);
    const { stdout, stderr } = await new Deno.Command("systemd-analyze", {
      args: ["security", "--offline=true", "--no-pager", path],
      env: { SYSTEMD_COLORS: "0" },
    }).output();
    const output = new TextDecoder().decode(stdout);
    const level = /exposure level for .*: ([\d.]+) /.exec(output)?.[1];
    assert.ok(level, new TextDecoder().decode(stderr));
    assert.ok(Number(level) <= MOST, output);
  });

  Deno.test(`${name} keeps memory out of core dumps and swap`, () => {
    assert.match(text, /^LimitCORE=0$/m);
    assert.match(text, /^MemorySwapMax=0$/m);
  });
}
