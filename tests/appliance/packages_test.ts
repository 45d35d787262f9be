/**
 * What install.sh does about Debian's packages; which are there, and what systemd has, is
 * said by the test.
 *
 * @module
 */

import assert from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url).pathname;

Deno.test("install.sh stops the filters that it installs, and none that was there before", async () => {
  assert.deepEqual(await disabled("opendkim opendmarc pyspf-milter"), [
    "opendkim.service",
    "opendmarc.service",
    "pyspf-milter.service",
  ]);
  assert.deepEqual(await disabled("opendkim"), ["opendkim.service"]);
  assert.deepEqual(await disabled("pyspf-milter"), ["pyspf-milter.service"]);
  assert.deepEqual(await disabled("postfix"), []);
  assert.deepEqual(await disabled(""), []);
});

/** Installs all packages, of which some are missing; says which units it disables. */
async function disabled(missing: string): Promise<string[]> {
  const dir = await Deno.makeTempDir();
  try {
    const { code, stdout, stderr } = await new Deno.Command("sh", {
      args: [
        "-euc",
        `
        cd '${dir}'
        DRY= LOG= COUNT=0 CHANGES= NL=' ' DONE= STEP= WEB= ACME= UPDATED=1 HOST=mail.example.test
        PACKAGES='postfix opendkim opendmarc pyspf-milter' WORK='${dir}' PENDING='${dir}/pending'
        SECRETS='${dir}' SETTINGS='${dir}/encimap.env'
        for part in common machine checks; do . '${ROOT}appliance/install/'$part.sh; done
        mkdir bin
        cat >bin/dpkg-query <<'END'
#!/bin/sh
for package; do :; done
case ' ${missing} ' in *" $package "*) ;; *) echo 'install ok installed' ;; esac
END
        chmod 755 bin/dpkg-query
        PATH='${dir}/bin':$PATH
        apt_install() { :; }
        with_systemd() { true; }
        systemctl() { echo there; }
        run() { echo "$*" >>ran; }
        install_packages
        test -z "$(ls pending 2>/dev/null)"
        sed -n 's/^systemctl disable --now //p' ran 2>/dev/null || :`,
      ],
    }).output();
    const said = new TextDecoder().decode(stdout);
    assert.equal(code, 0, said + new TextDecoder().decode(stderr));
    return said.split("\n").filter((line) => line.endsWith(".service"));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}
