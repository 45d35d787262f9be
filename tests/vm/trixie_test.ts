/**
 * The main path on Debian 13: Dovecot 2.4, Postfix 3.10 and PostgreSQL 17. What
 * does not depend on them is tested on Debian 12 alone.
 *
 * @module
 */

import assert from "node:assert/strict";
import { cleanCopy, createVm, findFreshvm } from "../helpers/vm.ts";
import {
  arrives,
  type Box,
  CLIENT,
  install,
  installTools,
  mainPath,
  send,
  step,
  until,
} from "./steps.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const HOST = "mail.example.test";
const FRESHVM = findFreshvm();
const NEEDS = FRESHVM === undefined ? " (needs FRESHVM and root)" : "";

Deno.test({
  name: `install.sh makes Debian 13 an encrypted mail server${NEEDS}`,
  ignore: FRESHVM === undefined,
  fn: testTrixie,
});

async function testTrixie(t: Deno.TestContext): Promise<void> {
  const clone = await cleanCopy();
  await using vm = await createVm("encimap-test-trixie", {
    hostname: HOST,
    suite: "trixie",
  });
  await vm.push(clone, "/root/encimap");
  await vm.push(`${ROOT}dist`, "/root/encimap/dist");
  let box: Box;

  await step(t, "asks at a terminal for what is missing", async () => {
    const output = await vm.sh(
      "printf 'mail.example.test\\nn\\nn\\n' | script -qec /root/encimap/install.sh /dev/null || :",
    );
    assert.match(
      output,
      /Name of the mail server[^]*ports 80 and 443\?[^]*the mail server mail\.example\.test\?[^]*Nothing was changed/,
    );
    assert.equal(await vm.sh("ls /etc/encimap 2>/dev/null || :"), "");
  });

  await step(
    t,
    "installs, although every step dies at its first change",
    async () => {
      const dying = "/root/encimap/dying.sh";
      await vm.sh(`
      cd /root/encimap
      sed -e 's/^main "\\$@"$//' install.sh >${dying}
      cat >>${dying} <<'END'
      die_at() { [ "$NUMBER" != "$DIE" ] || kill -KILL $$; }
      changed() { info "    $1"; die_at; }
      step() { [ "$NUMBER" -le "$DIE" ] || kill -KILL $$; STEP=$1; }
      main "$@"
END`);
      let steps = 0;
      let output = "";
      for (let code = 137; code !== 0; steps++) {
        const result = await vm.run(
          `DIE=${steps + 1} sh ${dying} --hostname ${HOST} --yes`,
        );
        code = result.code;
        output = result.stdout;
        assert.ok([0, 137].includes(code), `${steps}: ${result.stderr}`);
      }
      assert.ok(steps > 10);
      assert.match(output, /What to do next/);
      assert.match(await vm.sh("encimap doctor"), /All is well/);
      assert.equal(await vm.sh("ls /var/lib/encimap/install/pending"), "");
      assert.match(
        await vm.sh(
          "dovecot --version; postconf -h mail_version; pg_lsclusters",
        ),
        /^2\.4\.[^]*^3\.10\.[^]*^17 +main /m,
      );
      await installTools(vm);
    },
  );

  await step(t, "takes, encrypts, shows and gives back mail", async (t) => {
    box = await mainPath(vm, t);
  });

  await step(
    t,
    "Dovecot has one place for mail, and knows its users",
    async () => {
      assert.equal(
        await vm.sh("doveconf -h mail_home mail_inbox_path protocols"),
        "\n~/Maildir\nimap",
      );
      assert.match(
        await vm.sh(`doveadm user '${box.username}'; doveadm user '*'`),
        new RegExp(
          `home[ \t]+/var/mail/vaultboxes/${box.id}[^]*${box.username}`,
        ),
      );
      assert.equal(await vm.sh("ls -A /home; find /var/mail -name .INBOX"), "");
    },
  );

  await step(t, "a login is noted", async () => {
    assert.equal(
      await vm.sh(
        `cd / && setpriv --reuid=postgres --regid=postgres --clear-groups psql -At motorical_encrypted_imap -c "
          select (select count(*) from imap_app_credentials where vaultbox_id = '${box.id}' and last_used_at is not null),
            (select count(*) from vaultbox_smtp_credentials where vaultbox_id = '${box.id}' and last_used_at is not null)"`,
      ),
      "1|1",
    );
  });

  await step(
    t,
    "ENCIMAP_TRANSPORT brings all mail by LMTP, and back",
    async () => {
      const file = "/etc/encimap/encimap.env";
      const walls = "systemctl show -P MemoryDenyWriteExecute postfix.service";
      assert.equal(await vm.sh(walls), "no");
      await vm.sh(`echo ENCIMAP_TRANSPORT=lmtp >>${file}`);
      assert.match(await install(vm), /All is well/);
      // Nothing of ours is a child of Postfix now: Debian's walls are whole again.
      assert.equal(await vm.sh(walls), "yes");
      await send(vm, "by LMTP");
      await arrives(vm, box, "by LMTP");
      await vm.sh("journalctl -t postfix/lmtp -o cat | grep -q 'Stored'");
      await vm.sh(`sed -i /^ENCIMAP_TRANSPORT=/d ${file}`);
      assert.match(await install(vm), /All is well/);
      await send(vm, "by pipe again");
      await arrives(vm, box, "by pipe again");
    },
  );

  await step(
    t,
    "starts Postfix after somebody started it otherwise",
    async () => {
      await vm.sh("systemctl stop postfix; postfix start 2>/dev/null");
      assert.match(await install(vm), /All is well/);
      await vm.sh("systemctl is-active postfix");
    },
  );

  await step(t, "a second install.sh changes nothing", async () => {
    const daemons =
      "pgrep -x dovecot; pgrep -x master; systemctl show -p MainPID encimap-api encimap-intake postgresql@17-main";
    const before = await vm.sh(daemons);
    assert.match(await install(vm), /Changed: nothing \(no change\)/);
    assert.equal(await vm.sh(daemons), before);
  });

  await step(t, "a deleted vaultbox has no session and no login", async () => {
    await vm.sh(
      `${CLIENT} hold ${box.username} ${box.imapPassword} /root/test/held >/root/test/session 2>&1 &`,
    );
    await until(vm, "test -e /root/test/held");
    await vm.sh("encimap vaultbox delete cat@cats.example.test --yes");
    await until(vm, "grep -qE 'BYE|closed' /root/test/session");
    assert.equal(
      await vm.sh(`${CLIENT} login ${box.username} ${box.imapPassword}`),
      '"refused"',
    );
  });

  await step(t, "everything comes back after a reboot", async () => {
    await vm.reboot();
    await until(vm, "encimap doctor");
    assert.equal(await vm.sh("systemctl --failed --no-legend"), "");
  });

  await step(
    t,
    "--uninstall --purge leaves Debian's Postfix and Dovecot",
    async () => {
      await vm.sh("/root/encimap/install.sh --uninstall --purge --yes");
      await vm.sh("systemctl is-active postfix dovecot");
      assert.equal(
        await vm.sh(
          "doveconf -n 2>&1 | grep encimap || :; postconf -n | grep encimap || :; ls -d /etc/systemd/system/postfix.service.d /etc/dovecot/*encimap* 2>/dev/null || :",
        ),
        "",
      );
    },
  );

  await Deno.remove(clone, { recursive: true });
}
