/**
 * What install.sh does on the way back to the version before, in a folder instead of a
 * machine. All of it, with daemons, is in tests/vm.
 *
 * @module
 */

import assert from "node:assert/strict";
import { isMissing } from "../helpers/openssl.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const NEEDS = Deno.uid() !== 0 ? " (needs root)" : "";
const CHECKS_NEED = NEEDS !== "" ||
    isMissing(
      "/usr/sbin/opendkim",
      "/usr/sbin/opendmarc",
      "/usr/bin/pyspf-milter",
    )
  ? " (needs opendkim, opendmarc, pyspf-milter and root)"
  : "";

/** Runs a script with the parts of install.sh, after an upgrade. */
async function ran(
  script: string,
): Promise<{ code: number; out: string; err: string }> {
  const dir = await Deno.makeTempDir();
  try {
    const { code, stdout, stderr } = await new Deno.Command("unshare", {
      args: [
        "--mount",
        "sh",
        "-c",
        `
        set -eu
        umask 022
        chmod 755 '${dir}'
        cd '${dir}'
        HERE='${ROOT}' DRY= LOG= COUNT=0 CHANGES= NL=' ' DONE= STEP= STAMP= UPGRADING= UNITS= UPDATED= PACKAGES=
        WEB= ACME= TLS_CERT= MAIL_CHECKS= MODE=off
        API_USER=daemon MAIL_USER=daemon DATABASE=none
        WORK=$PWD/work SECRETS=$PWD/secrets RECORD=$PWD/record PENDING=$PWD/pending
        LIBRARY=$PWD/library BACKUPS=$PWD/backups NGINX=$PWD/nginx POSTFIX_WALLS=$PWD/walls
        FORMER=$RECORD/former SETTINGS=$SECRETS/encimap.env TLS=$SECRETS/tls
        mkdir -m 700 work record
        mkdir -p secrets pending library/old "$FORMER/files"
        echo old >"$FORMER/version"
        : >"$FORMER/absent"
        for part in common upgrade rollback checks firewall daemons machine preflight tls; do
          . "$HERE/appliance/install/$part.sh"
        done
        CHECK_SOCKETS=$PWD/sockets
        start_postgresql() { :; }
        ${script}`,
      ],
    }).output();
    const text = new TextDecoder();
    return { code, out: text.decode(stdout), err: text.decode(stderr) };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function works(script: string): Promise<string> {
  const { code, out, err } = await ran(script);
  assert.equal(code, 0, out + err);
  return out + err;
}

Deno.test({
  name:
    `the former version is asked about the settings that are put back, not about newer ones${NEEDS}`,
  ignore: NEEDS !== "",
}, async () => {
  const asked = `
    cat >library/old/encimap <<'END'
#!/bin/sh
file=\${ENCIMAP_CONFIG_FILE:-$SETTINGS}
# As who may change the tables, and the program reads its settings first.
if [ "$1" = migrate ]; then exec grep -q ENCIMAP_HOSTNAME "$file"; fi
ENCIMAP_CONFIG_FILE=$file exec '${Deno.execPath()}' run -A '${ROOT}main.ts' "$@"
END
    chmod 755 library/old/encimap
    export SETTINGS
    due() { true; }
    printf 'ENCIMAP_HOSTNAME=mail.example.test\\nENCIMAP_DATABASE_URL=postgres://db.example.test/x\\n' >"$SETTINGS"
    `;
  await works(`${asked}
    keep "$SETTINGS"
    echo ENCIMAP_LATER=1 >>"$SETTINGS"
    check_former
    with_former_settings "$program" render "$WORK/rendered"
    test -e "$WORK/rendered/systemd/encimap-api.service"
    test "$(ls "$SECRETS")" = encimap.env`);
  // One that the upgrade has not added stays, so it counts.
  const { code, err } = await ran(`${asked}
    echo ENCIMAP_LATER=1 >>"$SETTINGS"
    check_former`);
  assert.equal(code, 1);
  assert.match(err, /does not know these settings.*ENCIMAP_LATER/s);
});

Deno.test({
  name:
    `a rollback of --no-mail-checks gives the filters their folders again${CHECKS_NEED}`,
  ignore: CHECKS_NEED !== "",
}, async () => {
  await works(`
    due() { true; }
    with_systemd() { false; }
    mkdir "$CHECKS"
    for name in dkim spf dmarc; do echo "$name" >"$CHECKS/$name.conf"; done
    make_check_folders
    mount -t tmpfs tmpfs /usr/local/bin
    run() { :; }
    close_checks
    test ! -e "$CHECKS"
    test ! -e "$CHECK_SOCKETS"

    printf '#!/bin/sh\nmkdir -p "$2/systemd"\n: >"$2/systemd/encimap-api.service"\n' >library/old/encimap
    chmod 755 library/old/encimap
    check_former() { former=old program=$LIBRARY/old/encimap; }
    steady() { true; }
    start_without_systemd() {
      for name in dkim spf dmarc; do stat -c '%n %U:%G %a' "sockets/$name"; done >seen
    }
    due() { false; }
    roll_back
    test -e "$CHECKS/dmarc.conf"
    printf '%s\n' 'sockets/dkim opendkim:postfix 2750' 'sockets/spf pyspf-milter:postfix 2750' 'sockets/dmarc opendmarc:postfix 2750' | cmp - seen`);
});

Deno.test({
  name:
    `a rollback to a version without encimap_tls leads to the operator's certificate again, and warns of one by ACME${NEEDS}`,
  ignore: NEEDS !== "",
}, async () => {
  const upgraded = `
    due() { true; }
    mount -t tmpfs tmpfs /usr/local/bin
    mkdir -p own "$TLS/pair.1"
    openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=x -keyout own/key.pem -out own/cert.pem 2>/dev/null
    former=old
    after() {
      cp own/* "$TLS/pair.1/"
      echo "$1" >"$TLS/pair.1/from"
      ln -s pair.1 "$TLS/current"
      for file in cert key; do ln -sfn "current/$file.pem" "$TLS/$file.pem"; done
    }
    take_over_links() { after "$PWD/own/cert.pem"; }
    use_own() { :; }
    `;
  await works(`${upgraded}
    for file in cert key; do ln -s "$PWD/own/$file.pem" "$TLS/$file.pem"; done
    TLS_CERT=$PWD/own/cert.pem
    make_certificate
    test "$(readlink "$TLS/cert.pem")" = current/cert.pem
    rm -r pending
    put_back
    test "$(readlink "$TLS/cert.pem")" = "$PWD/own/cert.pem"
    test "$(readlink "$TLS/key.pem")" = "$PWD/own/key.pem"
    test -e pending/postfix
    test -e pending/dovecot
    test -z "$(warn_of_acme 2>&1)"`);
  assert.match(
    await works(
      `${upgraded} after 'acme https://ca.example.test mail.example.test'; warn_of_acme`,
    ),
    /by ACME, and old does not renew it: it ends .* GMT/,
  );
});

Deno.test({
  name:
    `without systemd the filters end when nothing asks them any more${CHECKS_NEED}`,
  ignore: CHECKS_NEED !== "",
}, async () => {
  await works(`
    with_systemd() { false; }
    mount -t tmpfs tmpfs /usr/local/bin
    # It starts the filters where encimap_ctl does.
    cat >/usr/local/bin/encimap_ctl <<END
#!/bin/sh
if [ -e "$CHECKS/dmarc.conf" ]; then echo with filters; else echo without; fi >>"$PWD/said"
END
    chmod 755 /usr/local/bin/encimap_ctl
    mkdir "$CHECKS"
    : >"$CHECKS/dmarc.conf"
    later services
    start_without_systemd
    close_checks
    printf '%s\n' 'with filters' without | cmp - said
    ! due services`);
});
