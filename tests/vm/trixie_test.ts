/**
 * The main path on Debian 13: Dovecot 2.4, Postfix 3.10 and PostgreSQL 17. What
 * does not depend on them is tested on Debian 12 alone.
 *
 * @module
 */

import assert from "node:assert/strict";
import { cleanCopy, createVm, findFreshvm } from "../helpers/vm.ts";
import { ACME, installPebble, issued, renewed, startPebble } from "./acme.ts";
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
import { checksMail } from "./checks.ts";

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
  // With it nothing is built there.
  const dist = await Deno.stat(`${ROOT}dist/encimap`).catch(() => undefined);
  if (dist !== undefined) await vm.push(`${ROOT}dist`, "/root/encimap/dist");
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
      assert.match(await vm.sh("encimap doctor"), /Nothing failed/);
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

  await step(t, "gets a certificate by ACME, and renews it", async (t) => {
    await installPebble(vm);
    await startPebble(vm);
    await vm.sh(`/root/encimap/install.sh --yes ${ACME}`);
    await issued(vm, /Pebble/);
    await renewed(vm, t, box);
    await vm.sh("systemctl stop pebble");
  });

  await step(
    t,
    "port 25 is checked by Debian's filters, until --no-mail-checks",
    () => checksMail(vm, box),
  );

  await step(t, "who guesses a password waits longer each time", async () => {
    const seconds = await vm.sh(`
      for guess in one two; do
        begun=$(date +%s%3N)
        SOURCE=127.9.9.9 ${CLIENT} login ${box.username} $guess | grep -q refused
        echo $(($(date +%s%3N) - begun))
      done`);
    const [first, second] = seconds.split("\n").map(Number);
    // Two seconds, as Dovecot counts them: by the clock's seconds.
    assert.ok(first! >= 1000 && second! >= first! + 2000, seconds);
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
    "ENCIMAP_TRANSPORT brings all mail by pipe, and back",
    async () => {
      const file = "/etc/encimap/encimap.env";
      const walls = "systemctl show -P MemoryDenyWriteExecute postfix.service";
      // Nothing of ours is a child of Postfix: Debian's walls are whole.
      assert.equal(await vm.sh(walls), "yes");
      await vm.sh(`echo ENCIMAP_TRANSPORT=pipe >>${file}`);
      assert.match(await install(vm), /Nothing failed/);
      assert.equal(await vm.sh(walls), "no");
      await send(vm, "by pipe");
      await arrives(vm, box, "by pipe");
      await vm.sh("journalctl -t postfix/pipe -o cat | grep -q 'status=sent'");
      await vm.sh(`sed -i /^ENCIMAP_TRANSPORT=/d ${file}`);
      assert.match(await install(vm), /Nothing failed/);
      assert.equal(await vm.sh(walls), "yes");
      await send(vm, "by LMTP again");
      await arrives(vm, box, "by LMTP again");
    },
  );

  await step(
    t,
    "starts Postfix after somebody started it otherwise",
    async () => {
      await vm.sh("systemctl stop postfix; postfix start 2>/dev/null");
      assert.match(await install(vm), /Nothing failed/);
      await vm.sh("systemctl is-active postfix");
    },
  );

  await step(
    t,
    "what an upgrade from Debian 12 leaves of Dovecot 2.3 is mended",
    async () => {
      await vm.sh(`
        encimap render /root/rendered
        cd /etc/dovecot
        cp /root/rendered/dovecot/*.ext .
        cp /root/rendered/dovecot/98-encimap-2.3.conf conf.d/
        rm conf.d/98-encimap-2.4.conf
        ! systemctl restart dovecot`);
      assert.match(await install(vm), /Nothing failed/);
      assert.equal(
        await vm.sh(
          "ls /etc/dovecot/*encimap* /etc/dovecot/conf.d/*encimap*2.3* 2>/dev/null || :",
        ),
        "",
      );
      await send(vm, "after the upgrade");
      await arrives(vm, box, "after the upgrade");
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
          "doveconf -n 2>&1 | grep encimap || :; postconf -n | grep encimap || :; ls -d /etc/systemd/system/postfix.service.d /etc/dovecot/*encimap* /etc/encimap /var/lib/encimap* /var/lib/private/encimap* 2>/dev/null || :",
        ),
        "",
      );
    },
  );

  await Deno.remove(clone, { recursive: true });
}
