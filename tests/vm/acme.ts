/**
 * The certificate for TLS by ACME, with an authority of the test's own: pebble, in
 * the machine.
 *
 * @module
 */

import assert from "node:assert/strict";
import type { Vm } from "../helpers/vm.ts";
import { type Box, CLIENT, step, until } from "./steps.ts";

const HOST = "mail.example.test";

/** As a caller of install.sh says it. */
export const ACME =
  "--acme-email postmaster@example.test --acme-server https://localhost:14000/dir";

/** Installs the authority, which the machine trusts from then on. */
export async function installPebble(vm: Vm): Promise<void> {
  await vm.sh(`
    DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install pebble >/dev/null
    mkdir -p /root/pebble && cd /root/pebble
    openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=CA -addext subjectAltName=DNS:localhost \
      -keyout tls.key -out tls.pem 2>/dev/null
    cp tls.pem /usr/local/share/ca-certificates/pebble.crt
    update-ca-certificates >/dev/null 2>&1
    cat >config.json <<'END'
{"pebble": {"listenAddress": "127.0.0.1:14000", "managementListenAddress": "127.0.0.1:15000",
  "certificate": "/root/pebble/tls.pem", "privateKey": "/root/pebble/tls.key",
  "httpPort": 80, "tlsPort": 5001, "ocspResponderURL": "", "certificateValidityPeriod": 7776000}}
END`);
}

/** Starts it; it forgets all when it is stopped. */
export async function startPebble(vm: Vm): Promise<void> {
  await vm.sh(
    "systemd-run -q --unit=pebble -E PEBBLE_VA_NOSLEEP=1 pebble -config /root/pebble/config.json",
  );
  await until(vm, "curl -sf https://localhost:14000/dir");
}

/** Waits until the ports have a certificate of the authority's, or none of it. */
export async function issued(
  vm: Vm,
  by: RegExp,
  ports: readonly string[] = ["993", "587 -starttls smtp", "25 -starttls smtp"],
): Promise<string> {
  let serial = "";
  for (const port of ports) {
    const show =
      `openssl s_client -connect 127.0.0.1:${port} </dev/null 2>/dev/null | openssl x509 -noout`;
    await until(vm, `${show} -issuer | grep -qE '${by.source}'`);
    serial = await vm.sh(`${show} -serial`);
  }
  return serial;
}

const serial = (vm: Vm) => issued(vm, /Pebble/, ["993"]);

/** From the first certificate to a renewal that fails; the box has credentials. */
export async function acme(
  vm: Vm,
  t: Deno.TestContext,
  box: Box,
): Promise<void> {
  await step(
    t,
    "install.sh goes on where the authority cannot be had",
    async () => {
      await installPebble(vm);
      const { code, stderr } = await vm.run(
        `/root/encimap/install.sh --yes ${ACME}`,
      );
      assert.equal(code, 0, stderr);
      assert.match(
        stderr,
        /there is no new certificate by ACME: .*connection refused[^]*port 80 must be let in/,
      );
      await issued(vm, new RegExp(HOST));
    },
  );

  await step(t, "the next try gets one for all ports", async () => {
    await startPebble(vm);
    await vm.sh("systemctl start encimap-tls");
    await issued(vm, /Pebble/);
    assert.match(
      await vm.sh(
        "posttls-finger -c -l encrypt -p '>=TLSv1.2' '[127.0.0.1]:25' 2>&1",
      ),
      /TLS connection established.*TLSv1\.3/,
    );
    assert.equal(
      await vm.sh("stat -Lc '%U %a' /etc/encimap/tls/key.pem"),
      "root 600",
    );
    assert.match(await vm.sh("encimap doctor || :"), /^ok +tls /m);
  });

  await renewed(vm, t, box);

  await step(
    t,
    "a renewal that fails leaves what is there, and doctor says so",
    async () => {
      const before = await serial(vm);
      await vm.sh("systemctl stop pebble");
      const { code, stderr } = await vm.run("encimap_tls renew");
      assert.equal(code, 1);
      assert.match(stderr, /the former certificate stays.*connection refused/);
      assert.equal(await serial(vm), before);
      const said = await vm.sh("encimap doctor || :");
      assert.match(
        said,
        /^WARN +tls .*there is no new one since .*connection refused/m,
      );
      assert.doesNotMatch(said, /^FAIL/m);
    },
  );

  await step(t, "--no-acme goes back to a self-signed one", async () => {
    await vm.sh("/root/encimap/install.sh --yes --no-acme");
    await issued(vm, new RegExp(HOST));
    assert.match(await vm.sh("encimap doctor || :"), /^ok +tls /m);
  });
}

/** A renewal while somebody reads mail. */
export async function renewed(
  vm: Vm,
  t: Deno.TestContext,
  box: Box,
): Promise<void> {
  await step(t, "a renewal changes it, and ends no session", async () => {
    await vm.sh(
      `${CLIENT} stay ${box.username} ${box.imapPassword} /root/test/in /root/test/go >/root/test/stayed 2>&1 &`,
    );
    await until(vm, "test -e /root/test/in");
    const before = await serial(vm);
    await vm.sh("encimap_tls renew");
    await until(
      vm,
      `openssl s_client -connect 127.0.0.1:993 </dev/null 2>/dev/null | openssl x509 -noout -serial | grep -qvx ${before}`,
    );
    await vm.sh("touch /root/test/go");
    await until(vm, "test -s /root/test/stayed");
    assert.equal(await vm.sh("cat /root/test/stayed"), '"OK"');
    assert.match(
      await vm.sh("/root/encimap/install.sh --yes"),
      /Changed: nothing \(no change\)/,
    );
  });
}
