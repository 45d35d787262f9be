/**
 * The drill: a machine is saved by its timer's unit, lost, and restored from
 * nothing but the repository and its password.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Vm } from "../helpers/vm.ts";
import { arrives, type Box, CLIENT, send, step, until } from "./steps.ts";

const REPOSITORY = "/srv/backup";

/** What a client remembers, and how far changes are counted. */
interface State {
  readonly remembered: Readonly<Record<string, readonly string[]>>;
  readonly counted: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

async function stateOf(vm: Vm, box: Box): Promise<State> {
  const { username, imapPassword } = box;
  return JSON.parse(await vm.sh(`${CLIENT} state ${username} ${imapPassword}`));
}

/**
 * Saves the machine as its timer does.
 *
 * @param vm The machine, with the tools of the tests.
 * @param t The test.
 * @param box A vaultbox with mail.
 * @returns What a client remembers of it.
 */
export async function saved(
  vm: Vm,
  t: Deno.TestContext,
  box: Box,
): Promise<State> {
  await step(t, "without its keys no backup is made", async () => {
    await vm.sh(
      `DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install restic >/dev/null
      encimap backup init ${REPOSITORY} >/dev/null
      cp /etc/encimap/backup.password /root/test/password
      mv /etc/encimap/master.key /root/test/`,
    );
    const refused = await vm.run("systemctl start encimap-backup.service");
    await vm.sh("mv /root/test/master.key /etc/encimap/");
    assert.notEqual(refused.code, 0);
    assert.match(
      await vm.sh("journalctl -u encimap-backup -o cat"),
      /master\.key is missing or no key/,
    );
    assert.equal(
      await vm.sh("encimap backup list | grep -c snapshots || :"),
      "0",
    );
  });

  await step(t, "a dashboard has an account", async () => {
    await vm.sh(`
      echo ENCIMAP_DASHBOARD_URL=https://mail.example.test >>/etc/encimap/encimap.env
      /root/encimap/install.sh --yes >/dev/null
      link=$(encimap dashboard invite --operator)
      curl -sf -H 'Origin: https://mail.example.test' -d login=ann \
        -d 'password=correct horse battery' -d 'again=correct horse battery' \
        "http://127.0.0.1:3000/invitation/\${link##*/}"`);
  });

  await step(t, "an export has the mail", async () => {
    const files = await vm.sh(
      "encimap export cat@cats.example.test >/root/test/cat.tar && tar -tf /root/test/cat.tar",
    );
    assert.match(files, /Maildir\/(new|cur)\/\d/);
  });

  await step(t, "the timer's unit saves the machine", async () => {
    await vm.sh(
      `${CLIENT} mark ${box.username} ${box.imapPassword}
      systemctl start encimap-backup.service`,
    );
    assert.match(
      await vm.sh("journalctl -u encimap-backup -o cat"),
      /Saved \d+ vaultbox.*[^]*no errors were found/,
    );
    assert.match(
      await vm.sh("systemctl list-timers --no-legend encimap-backup.timer"),
      /encimap-backup\.timer/,
    );
    const exposure = await vm.sh(
      "systemd-analyze security --no-pager encimap-backup | grep 'exposure level'",
    );
    assert.ok(Number(/: ([\d.]+)/.exec(exposure)![1]) <= 2, exposure);
    assert.equal(
      await vm.sh("ls -A /var/mail/vaultboxes | grep -c backup || :"),
      "0",
    );
  });
  return await stateOf(vm, box);
}

/**
 * Restores a machine that has nothing but the repository and its password.
 *
 * @param vm The machine, with Debian and the tools of the tests.
 * @param t The test.
 * @param box The vaultbox.
 * @param before What {@linkcode saved} gave.
 */
export async function restored(
  vm: Vm,
  t: Deno.TestContext,
  box: Box,
  before: State,
): Promise<void> {
  const from = `--repository ${REPOSITORY} --password-file`;
  await step(
    t,
    "a fresh machine restores nothing by a wrong password",
    async () => {
      await vm.sh(
        "/root/encimap/install.sh --hostname mail.example.test --yes",
      );
      await vm.sh("echo wrong >/root/test/wrong");
      const wrong = await vm.run(
        `encimap restore --yes ${from} /root/test/wrong`,
      );
      assert.notEqual(wrong.code, 0);
      assert.equal(
        await vm.sh("encimap vaultbox list | grep -c cats || :"),
        "0",
      );
    },
  );

  await step(t, "with the right one it is the machine of before", async () => {
    const said = await vm.sh(
      `encimap restore --yes ${from} /root/test/password && /root/encimap/install.sh --yes`,
    );
    assert.match(said, /Private keys: \d+ open, 0 unreadable, 0 missing/);
    assert.match(said, /All is well|Nothing failed/);
    const [, aside] = /^ {2}database {2}(\w+)$/m.exec(said)!;
    assert.equal(
      await vm.sh(
        `cd / && setpriv --reuid=postgres --regid=postgres --init-groups psql -Atc "select datname from pg_database where datname = '${aside}'"`,
      ),
      aside,
    );
    await until(vm, "encimap doctor && encimap keys check");
    assert.match(await vm.sh("encimap verify"), /Altered 0, foreign 0/);
  });

  await step(
    t,
    "passwords, bytes, flags, dates and UIDs are as they were",
    async () => {
      const after = await stateOf(vm, box);
      assert.deepEqual(after.remembered, before.remembered);
      for (const [folder, counts] of Object.entries(before.counted)) {
        // No UID twice, and no change that a client does not hear of.
        for (const name of ["UIDNEXT", "HIGHESTMODSEQ"]) {
          const now = Number(after.counted[folder]![name]);
          assert.ok(now > Number(counts[name]), `${folder}: ${name} ${now}`);
        }
      }
    },
  );

  await step(t, "the bundle of before opens its mail", async () => {
    const opened = await vm.sh(`
      ${CLIENT} fetch ${box.username} ${box.imapPassword} 'to be restored' /root/test/restored.p7m >/dev/null
      openssl cms -decrypt -in /root/test/restored.p7m -inkey /root/test/next/key.pem \\
        -recip /root/test/next/cert.pem`);
    assert.match(opened, /CLEARTEXT/);
  });

  await step(
    t,
    "the dashboard's account is back, its sessions not",
    async () => {
      const sql = (query: string) =>
        vm.sh(
          `python3 -c "import sqlite3; print(*sqlite3.connect('/var/lib/encimap-dashboard/dashboard.sqlite').execute('${query}').fetchone())"`,
        );
      assert.equal(await sql("select login from accounts"), "ann");
      assert.equal(await sql("select count(*) from sessions"), "0");
      assert.match(await vm.sh("encimap doctor"), /^ok +dashboard /m);
    },
  );

  await step(t, "the nightly backup goes on by itself", async () => {
    await vm.sh("systemctl start encimap-backup.service");
  });

  await step(t, "a new bundle can be made, and new mail comes", async () => {
    await vm.sh(
      "encimap bundle cat@cats.example.test >/root/test/again.zip 2>/dev/null; test -s /root/test/again.zip",
    );
    await send(vm, "after the restore");
    await arrives(vm, box, "after the restore");
  });

  await step(t, "--purge removes what the restore put aside, too", async () => {
    await vm.sh("/root/encimap/install.sh --uninstall --purge --yes");
    assert.equal(
      await vm.sh(
        "ls -d /etc/encimap /var/lib/encimap* /var/mail/vaultboxes 2>/dev/null || :",
      ),
      "",
    );
  });
}
