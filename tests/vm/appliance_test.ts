/**
 * The appliance on fresh machines: install.sh, then what a customer, a stranger,
 * an operator and a failing part do to it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { acme } from "./acme.ts";
import { hardened } from "./hardening.ts";
import { restored, saved } from "./restore.ts";
import { cleanCopy, createVm, findFreshvm } from "../helpers/vm.ts";
import {
  arrives,
  type Box,
  CLIENT,
  install,
  installTools,
  mainPath,
  rcpt,
  send,
  step,
  until,
} from "./steps.ts";
import { checksMail } from "./checks.ts";

const HOST = "mail.example.test";

/** The program as the first machine has built it, for the second one. */
let dist: string | undefined;

const FRESHVM = findFreshvm();
const NEEDS = FRESHVM === undefined ? " (needs FRESHVM and root)" : "";

Deno.test({
  name: `install.sh makes a fresh machine an encrypted mail server${NEEDS}`,
  ignore: FRESHVM === undefined,
  fn: testFreshMachine,
});

Deno.test({
  name: `install.sh works where systemd is not PID 1${NEEDS}`,
  ignore: FRESHVM === undefined,
  fn: testWithoutSystemd,
});

async function testFreshMachine(t: Deno.TestContext): Promise<void> {
  const clone = await cleanCopy();
  await using vm = await createVm("encimap-test", { hostname: HOST });
  await vm.push(clone, "/root/encimap");
  let box: Box;

  await step(t, "refuses a wrong host name and says which step", async () => {
    const result = await vm.run(
      "/root/encimap/install.sh --hostname 'no host' --yes",
    );
    assert.equal(result.code, 1);
    assert.match(
      result.stderr,
      /Failed in step "Check this machine".*no host/,
    );
  });

  await step(t, "--dry-run says every step and changes nothing", async () => {
    const output = await vm.sh(
      `/root/encimap/install.sh --hostname ${HOST} --dry-run`,
    );
    assert.match(output, /would run: .*apt-get .*postfix-lmdb/);
    assert.match(output, /Nothing was changed/);
    assert.equal(
      await vm.sh(
        "ls -d /etc/encimap /var/lib/encimap /usr/sbin/postconf 2>/dev/null | wc -l",
      ),
      "0",
    );
  });

  await step(t, "installs with one command", async () => {
    const output = await vm.sh(
      `/root/encimap/install.sh --hostname ${HOST} --yes`,
    );
    assert.match(output, /Nothing failed/);
    assert.match(output, /MX +10 mail\.example\.test/);
    assert.equal(
      await vm.sh("stat -c '%U:%G %a' /run/encimap/lmtp.sock"),
      "vaultmail:postfix 660",
    );
    await installTools(vm);
    dist = await Deno.makeTempDir({ prefix: "encimap_dist_" });
    await vm.pull("/usr/local/lib/encimap/current/.", dist);
    await Deno.remove(`${dist}/.origin`);
  });

  await hardened(vm, t);

  await step(
    t,
    "every timer waits, and what it starts works",
    async () => {
      const started = {
        "maintenance": "encimap-maintenance",
        "clean-up": "encimap-maintenance@clean-up",
        "report": "encimap-maintenance@report",
        "check": "encimap-check",
        "verify": "encimap-verify",
      };
      const timers = await vm.sh("systemctl list-timers --no-legend");
      for (const [timer, service] of Object.entries(started)) {
        assert.match(timers, new RegExp(` encimap-${timer}\\.timer`));
        await vm.sh(
          `systemctl is-enabled encimap-${timer}.timer && systemctl start '${service}.service'`,
        );
      }
      const journal = await vm.sh("journalctl -u 'encimap-*' -o cat");
      for (
        const said of [
          /^Nothing to renew$/m,
          /^Deleted 0 former addresses$/m,
          /^Encimap on mail\.example\.test, /m,
          /^Nothing failed/m,
          /^Altered 0, foreign 0, /m,
        ]
      ) {
        assert.match(journal, said);
      }
    },
  );

  await step(t, "Prometheus sees all parts, Postfix's queue too", async () => {
    await vm.sh(
      `echo ENCIMAP_METRICS_PORT=4303 >>/etc/encimap/encimap.env && /root/encimap/install.sh --yes`,
    );
    await until(
      vm,
      "curl -sf 127.0.0.1:4303/metrics | grep -q '^encimap_queue_up 1$'",
    );
    const text = await vm.sh("curl -sf 127.0.0.1:4303/metrics");
    assert.match(text, /^encimap_intake_up 1$/m);
    assert.match(text, /^encimap_queue_messages\{queue="active"\} \d+$/m);
    // Nobody but the API may ask for the queue.
    const mayAsk = async (user: string): Promise<boolean> =>
      (await vm.run(
        `setpriv --reuid=${user} --regid=${user} --init-groups perl -MIO::Socket::UNIX -e 'exit !IO::Socket::UNIX->new("/run/encimap/queue.sock")'`,
      )).code === 0;
    assert.ok(await mayAsk("encimap"));
    assert.ok(!await mayAsk("vaultmail"));
  });

  await step(t, "secrets are only for those who need them", async () => {
    const readable = async (user: string): Promise<string> =>
      await vm.sh(
        `cd / && for file in /etc/encimap/*.secret /etc/encimap/*.key /etc/encimap/*.token /etc/encimap/tls/key.pem; do
            ! setpriv --reuid=${user} --regid=${user} --init-groups cat $file >/dev/null 2>&1 || printf '%s ' \${file##*/}
          done`,
      );
    assert.equal(await readable("encimap"), "jwt.secret master.key ");
    assert.equal(await readable("vaultmail"), "hmac.key intake.token ");
    assert.equal(await readable("postfix"), "");
    assert.equal(await readable("nobody"), "");
  });

  await step(t, "only 25, 587 and 993 are open to the world", async () => {
    const ports = await vm.sh(
      "ss -Hltn | awk '{print $4}' | grep -v -e '^127\\.' -e '^\\[::1\\]' | sed 's/.*://' | sort -un | tr '\\n' ' '",
    );
    assert.equal(ports, "25 587 993 ");
  });

  await step(t, "takes, encrypts, shows and gives back mail", async (t) => {
    box = await mainPath(vm, t);
  });

  await step(t, "mail for root comes to the operator", async () => {
    await vm.sh("printf 'Subject: from cron\\n\\nx\\n' | sendmail root");
    await until(vm, 'test -z "$(postqueue -j)"');
    const operator = await vm.sh(
      "encimap vaultbox show postmaster@mail.example.test | awk '$1 == \"id\" {print $2}'",
    );
    await vm.sh(
      `grep -rq 'Subject: from cron' /var/mail/vaultboxes/${operator}/Maildir/new`,
    );
    await assert.rejects(vm.sh("test -e /var/mail/root"));
  });

  await step(t, "nothing of a body is on the disk in clear", async () => {
    const found = await vm.sh(
      `journalctl --sync; grep -rlaF -e CLEARTEXT''-MARKER -e "$(printf CLEARTEXT''-MARKER | base64 | cut -c 1-20)" \
          /var /run /tmp /etc 2>/dev/null | grep -v '^/run/freshvm' || :`,
    );
    assert.equal(found, "");
  });

  await step(
    t,
    "a message over the limit is refused before it is sent",
    async () => {
      assert.equal(
        await vm.sh(`${CLIENT} size a@outside.example 52428800`),
        "250",
      );
      assert.equal(
        await vm.sh(`${CLIENT} size a@outside.example 52428801`),
        "552",
      );
    },
  );

  await step(
    t,
    "port 25 is checked by Debian's filters, until --no-mail-checks",
    () => checksMail(vm, box),
  );

  await step(t, "mail waits while the intake is down", async () => {
    await vm.sh(
      "systemctl stop encimap-intake.socket encimap-lmtp.socket encimap-intake.service",
    );
    await send(vm, "while the intake is down");
    await until(vm, "postqueue -j | grep -q delay_reason");
    await vm.sh(
      "systemctl start encimap-intake.socket encimap-lmtp.socket && postqueue -f",
    );
    await arrives(vm, box, "while the intake is down");
  });

  await step(t, "mail waits while the database is down", async () => {
    await vm.sh("systemctl stop postgresql");
    await send(vm, "while the database is down");
    await until(vm, "postqueue -j | grep -q delay_reason");
    assert.match(
      await vm.sh("postqueue -j"),
      /"queue_name": "deferred"/,
    );
    await vm.sh("systemctl start postgresql");
    await until(
      vm,
      "cd / && setpriv --reuid=postgres --regid=postgres --clear-groups psql -c 'select 1'",
    );
    await vm.sh("postqueue -f");
    await arrives(vm, box, "while the database is down");
  });

  await step(
    t,
    "a delivery in the middle of a restart arrives once",
    async () => {
      await vm.sh(`
        for each in 1 2 3 4 5 6; do
          swaks --server 127.0.0.1 --from a@outside.example --to cat@cats.example.test \
            --header 'Subject: restart' --body "CLEARTEXT $each" >/dev/null &
          [ $each != 3 ] || systemctl restart encimap-intake.service &
        done
        wait`);
      await until(vm, 'postqueue -f; sleep 1; test -z "$(postqueue -j)"');
      assert.equal(
        await vm.sh(
          `grep -rl '^Subject: restart' /var/mail/vaultboxes/${box.id}/Maildir | wc -l`,
        ),
        "6",
      );
    },
  );

  await step(
    t,
    "fifty vaultboxes, each mailed when it exists, get it all",
    async () => {
      await vm.sh(`${CLIENT} many fifty.example.test 50`);
      await until(vm, 'test -z "$(postqueue -j)"');
      assert.equal(
        await vm.sh(
          "grep -rlE '^Subject: box [0-9]+' /var/mail/vaultboxes/*/Maildir/new | wc -l",
        ),
        "50",
      );
      assert.equal(
        await vm.sh(
          "grep -rhE '^Subject: box [0-9]+' /var/mail/vaultboxes/*/Maildir/new | sort -u | wc -l",
        ),
        "50",
      );
    },
  );

  await step(t, "an administrator's entries in Postfix are kept", async () => {
    await vm.sh(`
        postconf -e "transport_maps = $(postconf -h transport_maps), inline:{elsewhere.example=smtp:[10.0.2.2]}"`);
    assert.match(await install(vm), /no change/);
    assert.match(
      await vm.sh("postconf -h transport_maps"),
      /^lmdb:.*, inline:/,
    );
  });

  await step(
    t,
    "a wrong setting stops the service and is not tried again",
    async () => {
      await vm.sh(`
      echo ENCIMAP_LOG_LEVEL=loud >>/etc/encimap/encimap.env
      systemctl restart encimap-api`);
      await until(vm, "systemctl is-failed encimap-api");
      assert.equal(
        await vm.sh(
          "systemctl show -P NRestarts -P ExecMainStatus encimap-api | tr '\\n' ' '",
        ),
        "0 78 ",
      );
      await vm.sh(`
      sed -i '/LOG_LEVEL/d' /etc/encimap/encimap.env
      systemctl start encimap-api`);
      await until(vm, "encimap doctor");
    },
  );

  await step(t, "takes a certificate for TLS, and its renewal", async () => {
    await vm.sh(`
      mkdir -p /root/tls && cd /root/tls
      openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj /CN=${HOST} -addext subjectAltName=DNS:${HOST} \
        -keyout key.pem -out cert.pem 2>/dev/null
      /root/encimap/install.sh --yes --tls-cert /root/tls/cert.pem --tls-key /root/tls/key.pem`);
    const wanted = await vm.sh(
      "openssl x509 -in /root/tls/cert.pem -noout -fingerprint -sha256",
    );
    for (const port of ["993", "587 -starttls smtp", "25 -starttls smtp"]) {
      // The daemons are reloaded and not restarted.
      await until(
        vm,
        `openssl s_client -connect 127.0.0.1:${port} </dev/null 2>/dev/null |
          openssl x509 -noout -fingerprint -sha256 | grep -qxF '${wanted}'`,
      );
    }
    assert.match(
      await vm.sh(`
        cd /root/tls
        openssl req -x509 -newkey rsa:2048 -nodes -days 60 -subj /CN=${HOST} -addext subjectAltName=DNS:${HOST} \
          -keyout key.pem -out cert.pem 2>/dev/null
        systemctl start encimap-tls
        journalctl -u encimap-tls -o cat | grep 'is that of'`),
      /the certificate for TLS is that of \/root\/tls\/cert\.pem now/,
    );
    const result = await vm.run(
      "/root/encimap/install.sh --yes --tls-cert /root/tls/cert.pem --tls-key /etc/encimap/jwt.secret",
    );
    assert.match(result.stderr, /is no private key/);
  });

  await step(t, "gets a certificate by ACME, and renews it", async (t) => {
    await acme(vm, t, box);
  });

  await step(t, "a hosted domain in relay_domains is explained", async () => {
    await vm.sh("postconf -e relay_domains=cats.example.test");
    const result = await vm.run("/root/encimap/install.sh --yes");
    assert.equal(result.code, 1);
    assert.match(
      result.stderr,
      /"cats\.example\.test" is hosted by Encimap and also in relay_domains/,
    );
    await vm.sh("postconf -X relay_domains");
  });

  await step(
    t,
    "ENCIMAP_TRANSPORT brings all mail by pipe(8), and back",
    async () => {
      const route = "postconf -h virtual_transport";
      const file = "/etc/encimap/encimap.env";
      const byLmtp = /encimap-lmtp:unix:\/run\/encimap\/lmtp/;
      assert.match(await vm.sh(route), byLmtp);
      await vm.sh("journalctl -t postfix/lmtp -o cat | grep -q 'Stored'");
      await vm.sh("systemctl restart encimap-intake.service");
      await send(vm, "by LMTP after a restart");
      await arrives(vm, box, "by LMTP after a restart");
      await vm.sh(`echo ENCIMAP_TRANSPORT=pipe >>${file}`);
      assert.match(await install(vm), /Nothing failed/);
      assert.match(await vm.sh(route), /encimap-pipe:unrouted/);
      await send(vm, "by pipe");
      await arrives(vm, box, "by pipe");
      await vm.sh("journalctl -t postfix/pipe -o cat | grep -q relay=encimap");
      await vm.sh(`sed -i /^ENCIMAP_TRANSPORT=/d ${file}`);
      await install(vm);
      assert.match(await vm.sh(route), byLmtp);
    },
  );

  await step(t, "a second install.sh changes nothing", async () => {
    const daemons =
      "pgrep -x dovecot; pgrep -x master; systemctl show -p MainPID encimap-api encimap-intake postgresql@15-main";
    const before = await vm.sh(daemons);
    assert.match(await install(vm), /Changed: nothing \(no change\)/);
    assert.equal(await vm.sh(daemons), before);
  });

  await step(t, "a deleted vaultbox leaves nothing", async () => {
    await vm.sh(
      `rm -f /root/test/held; ${CLIENT} hold ${box.username} ${box.imapPassword} /root/test/held >/root/test/session 2>&1 &`,
    );
    await until(vm, "test -e /root/test/held");
    // One that is on its way when its vaultbox goes.
    await vm.sh(
      "systemctl stop encimap-intake.socket encimap-lmtp.socket encimap-intake.service",
    );
    await send(vm, "for the old holder");
    await until(vm, "postqueue -j | grep -q delay_reason");
    await vm.sh(
      `curl -sf -X DELETE http://127.0.0.1:4301/s2s/v1/vaultboxes/${box.id} -H "Authorization: Bearer $(encimap token --service)"`,
    );
    await until(vm, "test -s /root/test/session");
    assert.match(await vm.sh("cat /root/test/session"), /BYE|closed/);
    assert.equal(
      await vm.sh(`${CLIENT} login ${box.username} ${box.imapPassword}`),
      '"refused"',
    );
    assert.match(await rcpt(vm, "cat@cats.example.test"), /550 5\.1\.1/);
    await vm.sh(
      "systemctl start encimap-intake.socket encimap-lmtp.socket encimap-intake.service",
    );
    await until(vm, `test ! -e /var/mail/vaultboxes/${box.id}`);
    assert.equal(
      await vm.sh(
        `cd / && setpriv --reuid=encimap --regid=encimap --clear-groups psql -At motorical_encrypted_imap -c "
          select (select count(*) from vaultboxes where id = '${box.id}') +
            (select count(*) from messages where vaultbox_id = '${box.id}') +
            (select count(*) from vaultbox_certs where vaultbox_id = '${box.id}')"`,
      ),
      "0",
    );
    assert.equal(
      await vm.sh(
        `postmap -s lmdb:/etc/postfix/encimap/transport lmdb:/etc/postfix/encimap/senders | grep -c -e ${box.id} -e ${box.username} || :`,
      ),
      "0",
    );
  });

  await step(
    t,
    "a new holder of its address never sees its mail",
    async () => {
      const next: Box = JSON.parse(
        await vm.sh(
          `mkdir -p /root/test/next && ${CLIENT} setup cat@cats.example.test /root/test/next`,
        ),
      );
      assert.notEqual(next.id, box.id);
      // The queue manager forgets the old route, and asks for it again.
      await vm.sh("postfix reload 2>/dev/null");
      // A flush that meets the reload is lost: so again and again.
      await until(
        vm,
        "postqueue -f; sleep 1; ! postqueue -j | grep -q cats.example.test",
      );
      assert.equal(
        await vm.sh(`${CLIENT} count ${next.username} ${next.imapPassword}`),
        "0",
      );
      await send(vm, "for the new holder");
      await arrives(vm, next, "for the new holder");
      assert.equal(
        await vm.sh(`${CLIENT} count ${next.username} ${next.imapPassword}`),
        "1",
      );
      box = next;
    },
  );

  await step(
    t,
    "a new holder gets mail at once, by a route of the old one",
    async () => {
      const create = `${CLIENT} create again@cats.example.test | tr -d '"'`;
      const mail = (subject: string): string =>
        `swaks --server 127.0.0.1 --from a@outside.example --to again@cats.example.test \
        --header 'Subject: ${subject}' --body x >/dev/null`;
      const stored = (subject: string): string =>
        `grep -rq '^Subject: ${subject}' /var/mail/vaultboxes/*/Maildir/new`;
      await vm.sh(`${create}; ${mail("to the first")}`);
      await until(vm, stored("to the first"));
      await vm.sh(
        `encimap vaultbox delete again@cats.example.test --yes; ${create}; ${
          mail("to the second")
        }`,
      );
      await until(vm, stored("to the second"));
    },
  );

  await step(t, "everything comes back after a reboot", async () => {
    await vm.reboot();
    await until(vm, "encimap doctor");
    assert.equal(
      await vm.sh("systemctl is-active encimap-reconcile.service"),
      "active",
    );
    await send(vm, "after the reboot");
    await arrives(vm, box, "after the reboot");
    assert.equal(
      await vm.sh("systemctl --failed --no-legend | grep -c encimap || :"),
      "0",
    );
  });

  await send(vm, "to be restored");
  await arrives(vm, box!, "to be restored");
  const state = await saved(vm, t, box!);

  await step(
    t,
    "--uninstall leaves mail, keys and database alone",
    async () => {
      await vm.sh(
        "systemctl stop encimap-intake.socket encimap-lmtp.socket encimap-intake; swaks --server 127.0.0.1 --from a@outside.example --to postmaster@mail.example.test --header 'Subject: held' --body x >/dev/null",
      );
      const output = await vm.sh(
        "/root/encimap/install.sh --uninstall --yes",
      );
      assert.match(output, /mail +\/var\/mail\/vaultboxes/);
      // Without our settings it would go out in clear, or bounce.
      assert.match(output, /put 1 mail\(s\) for vaultboxes on hold/);
      assert.match(await vm.sh("postqueue -j"), /"queue_name": "hold"/);
      assert.equal(
        await vm.sh(
          "systemctl list-unit-files --no-legend 'encimap*' || :; systemctl list-units --all --no-legend 'encimap*'",
        ),
        "",
      );
      assert.equal(
        await vm.sh(
          "ss -Hltnx | grep -e :4301 -e :4321 -e :587 -e encimap || :",
        ),
        "",
      );
      assert.equal(
        await vm.sh(
          "postconf -n | grep encimap || :; postconf -M | grep encimap || :; ls /etc/postfix | grep encimap || :",
        ),
        "",
      );
      assert.equal(
        await vm.sh("postconf -h transport_maps"),
        "inline:{elsewhere.example=smtp:[10.0.2.2]}",
      );
      assert.match(await vm.sh("postconf -h mydestination"), /localhost/);
      assert.equal(
        await vm.sh(
          "doveconf -n 2>&1 | grep encimap || :; doveconf -h passdb/driver 2>/dev/null || :; ls /usr/local/bin /usr/local/lib | grep encimap || :",
        ),
        "",
      );
      assert.notEqual(await vm.sh("ls /var/mail/vaultboxes"), "");
      assert.notEqual(await vm.sh("ls /var/lib/encimap/keys"), "");
      await vm.sh("test -s /etc/encimap/master.key");
    },
  );

  await step(t, "installed again, it takes up what was kept", async () => {
    const boxes = "ls /var/mail/vaultboxes | sort";
    const before = await vm.sh(boxes);
    const output = await vm.sh("/root/encimap/install.sh --yes");
    assert.match(output, /released the mail that waited/);
    assert.match(output, /Nothing failed/);
    assert.equal(await vm.sh(boxes), before);
    await until(
      vm,
      "grep -rq '^Subject: held' /var/mail/vaultboxes/*/Maildir/new",
    );
  });

  await step(t, "--purge removes them, too", async () => {
    await vm.sh("/root/encimap/install.sh --uninstall --purge --yes");
    assert.equal(
      await vm.sh(
        "ls -d /etc/encimap /var/lib/encimap* /var/lib/private/encimap* /var/mail/vaultboxes 2>/dev/null || :; id encimap 2>/dev/null || :",
      ),
      "",
    );
    assert.equal(
      await vm.sh(
        "cd / && setpriv --reuid=postgres --regid=postgres --clear-groups psql -At -c 'select datname from pg_database' | grep motorical || :",
      ),
      "",
    );
  });

  await restored(vm, t, box!, state);

  await Deno.remove(clone, { recursive: true });
}

async function testWithoutSystemd(t: Deno.TestContext): Promise<void> {
  const clone = await cleanCopy();
  const options = { hostname: HOST, withoutSystemd: true };
  await using vm = await createVm("encimap-test-ctl", options);
  await vm.push(clone, "/root/encimap");
  // With it, install.sh takes the other way and builds nothing.
  if (dist !== undefined) {
    await vm.push(dist, "/root/encimap/dist");
    await Deno.remove(dist, { recursive: true });
  }

  await step(t, "installs and starts the daemons itself", async () => {
    const output = await vm.sh(
      `/root/encimap/install.sh --hostname ${HOST} --yes`,
    );
    assert.match(output, /systemd is not PID 1/);
    assert.match(output, /Nothing failed/);
    assert.equal(
      await vm.sh("stat -c '%U:%G %a' /run/encimap/lmtp.sock"),
      "vaultmail:postfix 660",
    );
    await installTools(vm);
  });

  let box: Box;
  await step(t, "takes, encrypts, shows and gives back mail", async (t) => {
    box = await mainPath(vm, t);
  });

  await step(t, "a second install.sh changes nothing", async () => {
    assert.match(await install(vm), /no change/);
  });

  await step(t, "encimap_ctl stops and starts everything", async () => {
    await vm.sh(
      `${CLIENT} stay ${box.username} ${box.imapPassword} /root/test/in /root/test/go >/root/test/stayed 2>&1 &`,
    );
    await until(vm, "test -e /root/test/in");
    await vm.sh("encimap_ctl stop; touch /root/test/go");
    assert.equal((await vm.run("encimap_ctl status")).code, 1);
    await until(vm, "grep -q 'Server shutting down' /root/test/stayed");
    await vm.sh("encimap_ctl start && encimap_ctl status && encimap doctor");
  });

  await step(
    t,
    "root obeys no note of the intake's user on whom to signal",
    async () => {
      await vm.sh(`
        printf keep >/etc/precious
        cp /bin/sleep /root/encimap-other
        /root/encimap-other 1000 >/dev/null 2>&1 & other=$!
        setpriv --reuid=vaultmail --regid=vaultmail --init-groups sh -euc "
          cd /run/encimap
          rm -f intake.pid api.pid
          echo $other >intake.pid
          ln -s /etc/precious api.pid"
        encimap_ctl stop
        encimap_ctl start
        kill -0 $other
        kill $other
        test "$(cat /etc/precious)" = keep
        encimap doctor`);
    },
  );

  await step(t, "--uninstall stops what it started", async () => {
    await vm.sh("/root/encimap/install.sh --uninstall --yes");
    assert.equal(
      await vm.sh(
        "ss -Hltnx | grep -e :25 -e :993 -e :4301 -e :4321 -e :587 -e encimap || :",
      ),
      "",
    );
  });

  await Deno.remove(clone, { recursive: true });
}
