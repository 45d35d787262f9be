/**
 * What a machine with the appliance lets nobody do.
 *
 * @module
 */

import assert from "node:assert/strict";
import { placesHere } from "../../src/cli/places.ts";
import { testConfig } from "../helpers/app.ts";
import type { Vm } from "../helpers/vm.ts";
import { step } from "./steps.ts";

/** Exposure that `systemd-analyze security` may find at most. */
const MOST = 2.0;

/** Checks units, core dumps and permissions. */
export async function hardened(vm: Vm, t: Deno.TestContext): Promise<void> {
  await step(t, `every unit's exposure is at most ${MOST}`, async () => {
    const lines = (await vm.sh(
      `for unit in $(cd /etc/systemd/system && ls encimap-*.service); do
        case $unit in *@.service) unit=\${unit%.service}x.service ;; esac
        systemd-analyze security --no-pager $unit | grep 'exposure level'
      done`,
    )).split("\n");
    assert.ok(lines.length >= 8, lines.join("\n"));
    for (const line of lines) {
      const level = Number(/: ([\d.]+)/.exec(line)?.[1]);
      assert.ok(level <= MOST, line);
    }
  });

  for (const unit of ["encimap-api", "encimap-intake"]) {
    await step(t, `a crash of ${unit} leaves no core dump`, async () => {
      const pid = `$(systemctl show -P MainPID ${unit})`;
      assert.match(
        await vm.sh(`grep 'core file size' /proc/${pid}/limits`),
        /size +0 +0 /,
      );
      const log = await vm.sh(`
        before=${pid}
        # V8 has a handler for the first one.
        while kill -SEGV $before 2>/dev/null; do sleep 0.1; done
        journalctl --sync
        journalctl -u ${unit} -o cat | grep 'Main process exited'
        systemctl restart ${unit}`);
      // Else it is "code=dumped".
      assert.match(log, /code=killed, status=11\/SEGV/);
      await vm.sh("until encimap doctor >/dev/null; do sleep 0.5; done");
    });
  }

  const places = placesHere(testConfig());
  const closed = places.filter(({ is: [is] }) => /700|2750/.test(is));

  await step(
    t,
    "the users of the program have no file but those listed",
    async () => {
      const own = await vm.sh(
        `find /etc /usr /var /run /opt /home /root /srv /tmp \\
        ${
          closed.map(({ path }) => `-path '${path}' -print -prune -o`).join(" ")
        } \\
        \\( -user encimap -o -user vaultmail -o -group encimap -o -group vaultmail \\) -print`,
      );
      const listed = new Set(places.map(({ path }) => path));
      assert.deepEqual(own.split("\n").filter((path) => !listed.has(path)), []);
    },
  );

  await step(t, "root alone changes what root runs and reads", async () => {
    assert.equal(
      await vm.sh(
        `find /etc/encimap /usr/local/bin /usr/local/lib/encimap /etc/dovecot \\
          /etc/systemd/system /etc/postfix/*.cf ! -type l \\( ! -user root -o -perm /022 \\)`,
      ),
      "",
    );
  });

  await step(t, "encimap doctor names each file that is open", async () => {
    const paths = places.map(({ path }) => path).join(" ");
    const said = await vm.sh(`
      encimap doctor | grep '^ok .*files belong'
      there=$(for path in ${paths}; do [ ! -e $path ] || [ -L $path ] || echo $path; done)
      chmod o+w $there
      encimap doctor >/root/said || :
      chmod o-w $there
      for path in $there; do
        grep -q "^FAIL .*files belong.* $path is" /root/said || echo "$path is not named"
      done
      rm /root/said
      encimap doctor | tail -n 1`);
    assert.match(said, /^ok .*\nNothing failed/);
  });
}
