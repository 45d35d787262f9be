/**
 * Ways to break a machine, and what `encimap doctor` says of each.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Vm } from "../helpers/vm.ts";

/** What is said of every machine of this test: no NTP, no backup, no records. */
const ODD = ["clock", "backup", "dns"];

/** A breakage. */
export interface Breakage {
  /** What is broken. */
  readonly what: string;
  /** How. */
  readonly broken: string;
  /** Checks that name it; all others say nothing or are skipped. */
  readonly names: readonly string[];
  /** What they say. */
  readonly says: RegExp;
  /** What the words of the check tell to do. */
  readonly mended: string;
  /** Whether it is a warning and no failure. */
  readonly isWarning?: true;
}

/** What mends without being told what. */
const FIX = "encimap doctor --fix";

const KEY = "/etc/encimap/master.key";

/** All of them; each is mended before the next one. */
export const BREAKAGES: readonly Breakage[] = [
  {
    what: "the API is stopped",
    broken: "systemctl stop encimap-api",
    names: ["api"],
    says: /encimap-api\.service is inactive/,
    mended: FIX,
  },
  {
    what: "the intake and its sockets are stopped",
    broken:
      "systemctl stop encimap-intake.socket encimap-lmtp.socket encimap-intake",
    names: ["units", "intake", "lmtp"],
    says:
      /encimap-lmtp\.socket is inactive.*encimap-intake\.service is inactive/s,
    mended: FIX,
  },
  {
    what: "a job has failed",
    broken:
      "mv /etc/encimap/hmac.key /root/ && ! systemctl start encimap-verify && mv /root/hmac.key /etc/encimap/",
    names: ["units"],
    says: /encimap-verify\.service has failed \(exit-code\)/,
    mended: "systemctl start encimap-verify",
  },
  {
    what: "a route is lost",
    broken:
      "postmap -d cat@cats.example.test lmdb:/etc/postfix/encimap/transport",
    names: ["maps"],
    says: /1 entries differ, as cat@cats\.example\.test in transport/,
    mended: FIX,
  },
  {
    what: "a route leads to nowhere",
    broken:
      "echo 'cat@cats.example.test smtp:[192.0.2.1]' | postmap -i -r lmdb:/etc/postfix/encimap/transport",
    names: ["maps"],
    says: /cat@cats\.example\.test in transport/,
    mended: "encimap reconcile >/dev/null",
  },
  {
    what: "secrets are open, and a folder is another's",
    broken:
      `chmod 644 ${KEY} && chown root:root /var/lib/encimap/keys && chmod 755 /var/lib/encimap/keys`,
    names: ["permissions"],
    says:
      /master\.key is root:encimap 644.*\/var\/lib\/encimap\/keys is root:root 755/,
    mended: FIX,
  },
  {
    what: "the database is down",
    broken: "systemctl stop postgresql@15-main",
    names: ["database"],
    says: /postgresql@15-main\.service is inactive/,
    // Else Dovecot refuses logins for up to a minute.
    mended:
      "/usr/local/lib/encimap/current/encimap doctor mend && systemctl restart dovecot",
  },
  {
    what: "the clock was set back",
    broken:
      "cd / && setpriv --reuid=postgres --regid=postgres --init-groups psql -q -d motorical_encrypted_imap -c \"insert into maintenance (last_run_at) values (now() + interval '400 days') on conflict (is_one) do update set last_run_at = excluded.last_run_at\"",
    names: ["clock"],
    says: /the last maintenance was at 202[78]/,
    mended: "encimap maintenance --force >/dev/null",
  },
  {
    what: "a certificate has ended",
    broken:
      "cd / && setpriv --reuid=postgres --regid=postgres --init-groups psql -q -d motorical_encrypted_imap -c \"update vaultbox_certs set not_before = now() - interval '400 days', not_after = now() - interval '35 days' where id in (select c.id from vaultbox_certs c join vaultboxes v on v.id = c.vaultbox_id where v.alias = 'cat')\"",
    names: ["renewal", "certificates"],
    says: /1 should have been renewed.*1 whose key is here/s,
    mended: "encimap maintenance >/dev/null",
  },
  {
    what: "the disk is too full",
    broken:
      "echo ENCIMAP_MIN_FREE_BYTES=99000000000000 >>/etc/encimap/encimap.env && systemctl restart encimap-intake",
    names: ["disk"],
    says: /\/var\/mail\/vaultboxes has \d+ MiB left/,
    mended:
      "sed -i /^ENCIMAP_MIN_FREE_BYTES/d /etc/encimap/encimap.env && systemctl restart encimap-intake",
  },
  {
    what: "Dovecot has a wrong line",
    broken:
      "echo 'no_such_setting = yes' >/etc/dovecot/conf.d/99-zz.conf && ! systemctl restart dovecot",
    names: ["dovecot-settings", "imap"],
    says: /99-zz\.conf.*no_such_setting.*dovecot\.service is failed/s,
    mended:
      "rm /etc/dovecot/conf.d/99-zz.conf && encimap doctor --fix >/dev/null 2>&1",
  },
  {
    what: "another program has port 25",
    broken:
      "systemctl stop postfix postfix@- && while ss -Hltn sport = :25 | grep -q .; do sleep 0.1; done && systemd-run -q --unit=other perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(LocalPort => 25, Listen => 9, ReuseAddr => 1) or die; while (my $c = $s->accept) { print $c \"220 other\\r\\n\" }' && until ss -Hltn sport = :25 | grep -q .; do sleep 0.1; done",
    names: ["smtp"],
    says: /greets with "220 other"/,
    mended:
      "ss -ltnp sport = :25 | grep -q perl; systemctl stop other; encimap doctor --fix >/dev/null 2>&1",
  },
  {
    what: "Postfix has settings of somebody else",
    broken:
      "postconf -e 'virtual_transport = virtual' && systemctl reload postfix",
    names: ["postfix-settings"],
    says: /virtual_transport = virtual/,
    mended: "/root/encimap/install.sh --yes >/dev/null",
  },
  {
    what: "Postfix refuses all mail, by a rule that is not ours",
    broken:
      "postconf -e 'smtpd_client_restrictions = reject' && systemctl reload postfix",
    names: ["mail"],
    says:
      /port 25 answers "554 5\.7\.1 .*Access denied" to RCPT TO:<self-test-/,
    mended:
      "postconf -X smtpd_client_restrictions && systemctl reload postfix && postqueue -f",
  },
  {
    what: "the master key is another one",
    broken: `cp -p ${KEY} /root/master.key && openssl rand -hex 32 >${KEY}`,
    names: ["keys"],
    says: /opens none of \d+: this is another master key/,
    mended: `cat /root/master.key >${KEY}`,
  },
  {
    what: "the master key is gone",
    broken: `mv ${KEY} /root/master.key`,
    names: ["permissions", "master-key"],
    says: /master\.key is not there.*No such file/s,
    mended: `mv /root/master.key ${KEY}`,
  },
  {
    what: "a private key is lost",
    broken:
      "mkdir /root/keys && mv $(ls -d /var/lib/encimap/keys/*-* | head -n 1) /root/keys/",
    names: ["keys"],
    says: /1 lost: [0-9a-f-]{36} is missing/,
    mended: "mv /root/keys/* /var/lib/encimap/keys/ && rmdir /root/keys",
  },
  {
    what: "the token's secret is another one",
    broken:
      "cp -p /etc/encimap/jwt.secret /root/ && openssl rand -hex 32 >/etc/encimap/jwt.secret",
    names: ["tokens"],
    says: /it answers 401/,
    mended: "systemctl restart encimap-api",
  },
  {
    what: "the last backup is old",
    broken:
      "touch /etc/encimap/backup.env && chmod 600 /etc/encimap/backup.env && date -u -d '-9 days' +%FT%TZ >/var/lib/encimap/backup.last",
    names: ["backup"],
    says: /the last one is 216 hours old, and backup\.password is not there/,
    mended: "rm /etc/encimap/backup.env /var/lib/encimap/backup.last",
  },
  {
    what: "DNS does not answer",
    broken:
      "cp /etc/resolv.conf /root/ && echo nameserver 192.0.2.1 >/etc/resolv.conf",
    names: ["host-name"],
    says: /DNS does not answer/,
    mended: "cat /root/resolv.conf >/etc/resolv.conf",
    isWarning: true,
  },
];

/** What `encimap doctor` says of a check. */
interface Line {
  readonly word: string;
  readonly name: string;
  readonly text: string;
}

/** Reads what it says, but for what is odd anyway. */
function linesOf(text: string): Line[] {
  const matches = text.matchAll(/^(ok|WARN|FAIL|skip) +([a-z0-9-]+) +(.*)$/gm);
  const lines = [...matches].map(([, word, name, text]) => ({
    word: word!,
    name: name!,
    text: text!,
  }));
  assert.ok(lines.length > 30, text);
  return lines.filter(({ name, word }) =>
    word === "FAIL" || !ODD.includes(name)
  );
}

/** For the log of the test. */
async function show(what: string, text: string): Promise<void> {
  const lines = text.split("\n").filter((line) => !/^(ok|skip) /.test(line));
  await Deno.stdout.write(
    new TextEncoder().encode(`\n--- ${what}\n${lines.join("\n")}\n`),
  );
}

/** Breaks the machine, has it found and named, mends it as told, and looks again. */
export async function breakAndMend(
  vm: Pick<Vm, "run" | "sh">,
  { what, broken, names, says, mended, isWarning }: Breakage,
): Promise<void> {
  await vm.sh(broken);
  const before = await vm.run("encimap doctor");
  await show(what, before.stdout);
  assert.equal(before.code, isWarning ? 0 : 2, before.stderr);
  const found = linesOf(before.stdout)
    .filter(({ word }) => word === (isWarning ? "WARN" : "FAIL"));
  assert.deepEqual(found.map(({ name }) => name), names);
  assert.match(found.map(({ text }) => text).join("\n"), says);
  if (mended !== FIX) await vm.sh(mended);
  const after = await vm.run(mended === FIX ? FIX : "encimap doctor");
  if (mended === FIX) await show(FIX, after.stderr + after.stdout);
  assert.equal(after.code, 0, after.stdout);
  const bad = linesOf(after.stdout).filter(({ word }) => word !== "ok");
  assert.deepEqual(bad, []);
}
