/**
 * From the version before to this one and back, by install.sh, while mail comes
 * all the time: all that was accepted is there, once, and decrypts.
 *
 * @module
 */

import assert from "node:assert/strict";
import { cleanCopy, createVm, findFreshvm, type Vm } from "../helpers/vm.ts";
import {
  type Box,
  CLIENT,
  install,
  installTools,
  step,
  until,
} from "./steps.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const HOST = "mail.example.test";
const LOAD = "python3 /root/test/load.py";
const MAILS = "/root/test/mails";
const LIBRARY = "/usr/local/lib/encimap";
const AS_OWNER =
  "cd / && setpriv --reuid=postgres --regid=postgres --clear-groups";
const FRESHVM = findFreshvm();
const BEFORE = versionBefore();
const NEEDS = FRESHVM === undefined
  ? " (needs FRESHVM and root)"
  : BEFORE === undefined
  ? " (needs the history of the repository)"
  : "";

/** What an upgrade that is taken back must leave as it was. */
const FILES = `
  find /etc/postfix /etc/dovecot /etc/systemd/system /usr/local/bin /etc/encimap/encimap.env \\
    ! -name '*.lmdb' \\( -type f -o -type l \\) | sort | while read -r file; do
    ls -l --time-style=+ "$file"
    [ ! -f "$file" ] || sha256sum "$file"
  done
  readlink ${LIBRARY}/current`;

/**
 * A version whose intake ends at once, which changes files of all kinds, and adds a
 * setting that others do not know: what works in it has the file without it.
 */
const BROKEN = `
  cp -R /root/encimap /root/broken
  cd /root/broken
  rm -rf dist
  cp -R ${LIBRARY}/current/. dist
  rm -rf dist/installer dist/.origin
  mv dist/encimap dist/works
  cat >dist/encimap <<'END'
#!/bin/sh
works=$(dirname "$(readlink -f "$0")")/works
known=/etc/encimap/known.env
[ ! -e $known ] || export ENCIMAP_CONFIG_FILE=$known
case $1 in
  intake) echo 'this one is broken' >&2; exit 1 ;;
  render)
    "$works" "$@" || exit
    cd "$2"
    find . -type f -exec sed -i "s,$known,/etc/encimap/encimap.env,g" {} +
    for file in bin/encimap dovecot/99-encimap.conf systemd/encimap-lmtp.socket; do
      echo '# broken' >>$file
    done
    printf 'smtpd_banner = broken ESMTP\\n' >>postfix/main.cf
    sed 's/^\\[Timer\\]/&\\nUnit=encimap-check.service/' systemd/encimap-check.timer >systemd/encimap-broken.timer
    exit 0
    ;;
  migrate)
    "$works" "$@" || exit
    [ "\${2:-}" = --dry-run ] || psql -q -d motorical_encrypted_imap -c "
      set role encimap_owner;
      create table if not exists later_rows ();
      insert into schema_migrations (version, name) select max(version) + 1, '9998_later' from schema_migrations"
    exit
    ;;
esac
exec "$works" "$@"
END
  chmod 755 dist/encimap
  sed -i "s/^UNITS='/&encimap-broken.timer /" install.sh
  cat >>appliance/install/settings.sh <<'END'
write_check_setting() {
  cp "$SETTINGS" /etc/encimap/known.env
  backup "$SETTINGS"
  echo ENCIMAP_LATER=1 >>"$SETTINGS"
}
END
  # Behind the one of checks.sh.
  sed -i '/^usage() {/i . "$HERE/appliance/install/settings.sh"' install.sh`;

Deno.test({
  name: `install.sh upgrades under load, and takes back what fails${NEEDS}`,
  ignore: NEEDS !== "",
  fn: testUpgrade,
});

async function testUpgrade(t: Deno.TestContext): Promise<void> {
  const before = await buildBefore();
  const clone = await cleanCopy();
  await using vm = await createVm("encimap-test-upgrade", { hostname: HOST });
  await vm.push(before, "/root/before");
  await vm.push(clone, "/root/encimap");
  await Deno.remove(before, { recursive: true });
  await Deno.remove(clone, { recursive: true });
  // With it nothing is built there.
  const dist = await Deno.stat(`${ROOT}dist/encimap`).catch(() => undefined);
  if (dist !== undefined) await vm.push(`${ROOT}dist`, "/root/encimap/dist");
  let box: Box;
  let former = "";

  await step(t, "installs the version before", async () => {
    await vm.sh(`/root/before/install.sh --hostname ${HOST} --yes`);
    former = await vm.sh(`readlink ${LIBRARY}/current`);
    await installTools(vm);
    await vm.push(new URL("load.py", import.meta.url).pathname, "/root/test/");
    box = JSON.parse(
      await vm.sh(
        `mkdir /root/test/cat && ${CLIENT} setup cat@cats.example.test /root/test/cat`,
      ),
    );
  });

  await step(
    t,
    "an upgrade under load loses and doubles nothing",
    async () => {
      const output = await underLoad(vm, box, () => install(vm));
      assert.match(output, /all parts answer/);
      assert.match(output, /All is well|Nothing failed/);
      assert.match(await install(vm), /Changed: nothing \(no change\)/);
    },
  );

  await step(
    t,
    "neither does a rollback by hand, or it is refused",
    async () => {
      const files = await vm.sh(FILES);
      const rollback = "/root/encimap/install.sh --rollback --yes";
      const { code, stderr } = await underLoad(
        vm,
        box,
        () => vm.run(rollback),
      );
      if (code === 0) {
        assert.equal(await vm.sh(`readlink ${LIBRARY}/current`), former);
        await vm.sh("encimap doctor");
        assert.match(
          (await vm.run(rollback)).stderr,
          /there is nothing to go back to/,
        );
        await underLoad(vm, box, () => install(vm));
      } else {
        // Only what a step of the schema says of older programs is a reason.
        assert.equal(code, 1);
        assert.match(
          stderr,
          /cannot use the database as it is now, so nothing was changed: .*\d{4}_\w+ \(/,
        );
      }
      assert.equal(await vm.sh(FILES), files);
    },
  );

  await step(
    t,
    "a version that does not work is taken back by itself",
    async () => {
      const files = await vm.sh(FILES);
      await vm.sh(BROKEN);
      const { code, stdout, stderr } = await underLoad(
        vm,
        box,
        () => vm.run("/root/broken/install.sh --yes"),
      );
      assert.equal(code, 2, stderr);
      assert.match(
        stderr,
        /"Check the upgrade": after the upgrade .*the intake is not healthy/,
      );
      assert.match(
        stdout,
        /The upgrade failed in step "Check the upgrade" and was taken back: \S+ runs as before/,
      );
      assert.equal(await vm.sh(FILES), files);
      assert.match(await vm.sh("encimap doctor"), /All is well|Nothing failed/);
      assert.equal(await vm.sh("systemctl --failed --no-legend"), "");
    },
  );

  await step(
    t,
    "what older programs cannot use is not taken back, and says so",
    async () => {
      const files = await vm.sh(FILES);
      await vm.sh(`
        cd /root/broken
        sed -i -e 's/^  intake) .*/  reconcile) exit 1 ;;/' \
          -e "s/(version, name) select max(version) + 1, '9998_later'/(version, name, excludes_older) select max(version) + 1, '9999_other', 'for a test'/" dist/encimap`);
      const { code, stderr } = await underLoad(
        vm,
        box,
        () => vm.run("/root/broken/install.sh --yes"),
      );
      assert.equal(code, 1);
      assert.match(
        stderr,
        /cannot use the database as it is now, so nothing was changed: .*9999_other \(for a test\)/,
      );
      assert.match(stderr, /was not taken back/);
      // When the cause is gone, it can be.
      await vm.sh(
        `${AS_OWNER} psql -q -d motorical_encrypted_imap -c "delete from schema_migrations where name = '9999_other'"`,
      );
      assert.match(
        await vm.sh("/root/broken/install.sh --rollback --yes"),
        /Changed/,
      );
      assert.equal(await vm.sh(FILES), files);
      assert.match(await vm.sh("encimap doctor"), /All is well|Nothing failed/);
    },
  );

  await step(
    t,
    "an older version is refused, and changes nothing",
    async () => {
      const state = `${FILES}; ls ${LIBRARY}`;
      const before = await vm.sh(state);
      await vm.sh(
        "sed -i 's/^  reconcile) .*/  version) echo encimap 0.0.9; exit ;;/' /root/broken/dist/encimap",
      );
      const { code, stderr } = await vm.run("/root/broken/install.sh --yes");
      assert.equal(code, 1);
      assert.match(
        stderr,
        /version 0\.0\.9, and \S+ is installed.*--rollback/,
      );
      assert.equal(await vm.sh(state), before);
    },
  );

  await step(t, "nothing bounced, and two versions are kept", async () => {
    assert.equal(
      await vm.sh(
        "journalctl -o cat -t postfix/bounce -t postfix/lmtp -t postfix/qmgr | grep -e status=bounced -e status=expired -e notification || :",
      ),
      "",
    );
    assert.equal(await vm.sh(`ls ${LIBRARY} | grep -cv current`), "2");
    assert.equal(await vm.sh("ls /var/lib/encimap/install/pending"), "");
  });
}

/** Does something while mail comes, and counts it. */
async function underLoad<T>(
  vm: Vm,
  box: Box,
  work: () => Promise<T>,
): Promise<T> {
  const maildir = `/var/mail/vaultboxes/${box.id}/Maildir`;
  await vm.sh(`
    rm -rf ${MAILS} ${maildir}/new/* ${maildir}/cur/*
    mkdir ${MAILS}
    ${LOAD} send cat@cats.example.test ${MAILS} >/dev/null 2>&1 &`);
  await until(vm, `test -s ${MAILS}/accepted`);
  const result = await work();
  await vm.sh(`: >${MAILS}/stop`);
  await until(vm, `test -e ${MAILS}/done`);
  await until(vm, 'postqueue -f; sleep 1; test -z "$(postqueue -j)"');
  const counted = JSON.parse(
    await vm.sh(`${LOAD} check ${MAILS} ${maildir} /root/test/cat`),
  );
  assert.deepEqual(counted, {
    enough: true,
    refused: [],
    missing: 0,
    doubled: 0,
    foreign: 0,
    unreadable: 0,
  });
  return result;
}

/**
 * Finds the commit that an upgrade comes from: the last release, else the last one
 * with another program; before what is not committed yet that is the last commit.
 */
function versionBefore(): string | undefined {
  const program = ["--", "main.ts", "src", "sql", "clients", "deno.lock"];
  const status = git("status", "--porcelain", ...program);
  if (status === undefined) return undefined;
  if (status !== "") return git("rev-parse", "HEAD");
  const last = git("rev-list", "-1", "HEAD", ...program);
  return git("describe", "--tags", "--abbrev=0", "HEAD^") ??
    git("rev-parse", "--verify", `${last}^`);
}

/** Its files and its program. */
async function buildBefore(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "encimap_before_" });
  const { success, stderr } = await new Deno.Command("sh", {
    args: [
      "-euc",
      `git -C '${ROOT}' archive ${BEFORE} | tar -x -C '${folder}'
       cd '${folder}' && '${Deno.execPath()}' task build`,
    ],
  }).output();
  assert.ok(success, new TextDecoder().decode(stderr));
  return folder;
}

function git(...args: string[]): string | undefined {
  const { success, stdout } = new Deno.Command("git", {
    args: ["-C", ROOT, ...args],
    stderr: "null",
  }).outputSync();
  return success ? new TextDecoder().decode(stdout).trim() : undefined;
}
