/**
 * What a machine finds out about mail that comes in. The results themselves are
 * tests/appliance/mail_checks_test.ts; here Debian's packages, units and install.sh.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Vm } from "../helpers/vm.ts";
import { type Box, CLIENT, until } from "./steps.ts";

const UNITS = "encimap-dkim encimap-spf encimap-dmarc";

/** Sends a mail with forged results, and gives the header of what is stored. */
async function header(vm: Vm, box: Box, subject: string): Promise<string> {
  await vm.sh(
    `swaks --server 127.0.0.1 --from a@outside.example --to cat@cats.example.test \
      --header 'Subject: ${subject}' --body CLEARTEXT \
      --add-header 'Authentication-Results: mail.example.test; dmarc=pass' >/dev/null
    ${CLIENT} fetch ${box.username} ${box.imapPassword} '${subject}' /root/test/checked`,
  );
  return await vm.sh(
    "sed '/^\\r*$/q' /root/test/checked; rm /root/test/checked",
  );
}

/** Tries all of it, and leaves the checks on. */
export async function checksMail(vm: Vm, box: Box): Promise<void> {
  await vm.sh(`systemctl is-active ${UNITS}; systemctl is-enabled ${UNITS}`);
  const debian = "opendkim opendmarc pyspf-milter";
  assert.equal(
    (await vm.run(`systemctl is-active ${debian}`)).stdout,
    "inactive\n".repeat(3),
  );
  const marked = await header(vm, box, "checked");
  assert.equal(marked.match(/^Authentication-Results: mail/gm)?.length, 3);
  assert.match(marked, /auth=spf:none,dkim:none,dmarc:none;/);

  await vm.sh("systemctl stop encimap-spf");
  const { stdout } = await vm.run(
    "swaks --server 127.0.0.1 --from a@outside.example --to cat@cats.example.test",
  );
  assert.match(stdout, /^<\*\* 451 4\.7\.1 /m);
  const said = await vm.run("encimap doctor");
  assert.match(
    said.stdout,
    /^FAIL +mail-checks +the filters of port 25 answer Postfix: 451/m,
  );
  await vm.sh("systemctl start encimap-spf");
  await until(vm, "encimap doctor");

  await vm.sh("/root/encimap/install.sh --yes --no-mail-checks");
  const bare = await header(vm, box, "not checked");
  assert.doesNotMatch(bare, /^Authentication-Results/m);
  assert.match(bare, /auth=none;/);
  assert.equal(
    await vm.sh(`
      postconf -n | grep -E 'milter|header_checks' || :
      ls -d /etc/encimap/checks /var/spool/postfix/encimap-checks 2>/dev/null || :
      systemctl list-unit-files -q ${UNITS} || :`),
    "",
  );
  const again = await vm.run("/root/encimap/install.sh --yes");
  assert.match(again.stdout, /no change/);
  assert.doesNotMatch(again.stderr, /_checks is set/);

  const settings = "/etc/encimap/encimap.env";
  await vm.sh(`echo ENCIMAP_AUTHSERV_ID=mx.example.test >>${settings}`);
  const refused = await vm.run("/root/encimap/install.sh --yes --mail-checks");
  assert.equal(refused.code, 1);
  assert.match(refused.stderr, /names a filter of your own/);
  await vm.sh(`sed -i /AUTHSERV/d ${settings}`);
  await vm.sh("/root/encimap/install.sh --yes --mail-checks");
  assert.match(await header(vm, box, "checked again"), /auth=spf:none,/);
}
