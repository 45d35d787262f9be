import assert from "node:assert/strict";
import { ACME, installPebble, issued, startPebble } from "./acme.ts";
import { cleanCopy, createVm, findFreshvm } from "../helpers/vm.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

Deno.test({
  name: `install.sh --web in a fresh machine${
    findFreshvm() === undefined ? " (needs freshvm)" : ""
  }`,
  ignore: findFreshvm() === undefined,
}, async (t) => {
  await using vm = await createVm("encimap-web", {
    hostname: "mail.example.test",
  });
  const clone = await cleanCopy();
  await vm.push(clone, "/root/encimap");
  await Deno.remove(clone, { recursive: true });
  // Where it was built already the machine need not.
  const dist = await Deno.stat(`${ROOT}dist`).catch(() => undefined);
  if (dist !== undefined) await vm.push(`${ROOT}dist`, "/root/encimap/dist");
  // What asks; the machine has none.
  await vm.sh(
    "apt-get -q update && apt-get -qy install --no-install-recommends curl",
  );
  const install = (options: string) =>
    vm.sh(
      `cd /root/encimap && ./install.sh --hostname mail.example.test --yes ${options}`,
    );
  const autoconfig = "http://localhost/mail/config-v1.1.xml";
  const asked = `curl -s -H 'Host: autoconfig.example.test' ${autoconfig}`;

  const signer =
    "tr '\\0' '\\n' </proc/$(systemctl show -p MainPID --value encimap-api)/environ | grep -c ENCIMAP_PROFILE_ || :";

  await t.step("another program on port 80 is named", async () => {
    await vm.sh(
      "systemd-run -q --unit=other perl -MIO::Socket::INET -e 'my $s = IO::Socket::INET->new(LocalPort => 80, Listen => 1) or die; sleep' && sleep 2",
    );
    const { code, stderr } = await vm.run(
      "cd /root/encimap && ./install.sh --hostname mail.example.test --yes --web",
    );
    assert.notEqual(code, 0);
    assert.match(stderr, /port 80 is in use by "perl".*--web/s);
    await vm.sh("systemctl stop other");
  });

  await t.step("it answers on both ports, beside other sites", async () => {
    await install("--web");
    await vm.sh(
      "encimap domain add example.test --user 11111111-1111-4111-8111-111111111111",
    );
    assert.match(await vm.sh(asked), /<domain>example\.test<\/domain>/);
    assert.match(
      await vm.sh(
        asked.replace("curl -s", "curl -sk").replace("http:", "https:"),
      ),
      /<hostname>mail\.example\.test<\/hostname>/,
    );
    assert.match(await vm.sh("curl -s http://127.0.0.1/"), /Welcome to nginx/);
    assert.equal(
      await vm.sh(
        "curl -sk -o /dev/null -w '%{http_code}' https://mail.example.test/s2s/v1/health --resolve mail.example.test:443:127.0.0.1",
      ),
      "404",
    );
  });

  await t.step("a real certificate signs Apple profiles", async () => {
    assert.equal(await vm.sh(signer), "0");
    await vm.sh(`mkdir -p /root/tls && cd /root/tls
      openssl req -x509 -newkey rsa:2048 -nodes -days 9 -subj /CN=Root -keyout root.key -out root.pem
      openssl req -newkey rsa:2048 -nodes -subj /CN=mail.example.test -keyout key.pem -out csr.pem
      printf 'subjectAltName=DNS:mail.example.test' >ext
      openssl x509 -req -in csr.pem -CA root.pem -CAkey root.key -days 9 -extfile ext -out cert.pem`);
    await install("--tls-cert /root/tls/cert.pem --tls-key /root/tls/key.pem");
    assert.equal(await vm.sh(signer), "2");
    assert.match(
      await vm.sh(
        "openssl s_client -connect 127.0.0.1:443 </dev/null 2>/dev/null | openssl x509 -noout -issuer",
      ),
      /Root/,
    );
    const id = await vm.sh(
      "encimap vaultbox create cat@example.test --user 11111111-1111-4111-8111-111111111111",
    );
    const profile =
      `curl -sf http://127.0.0.1:4301/s2s/v1/vaultboxes/${id}/mobileconfig -H "Authorization: Bearer $(encimap token --service)" -H 'Content-Type: application/json' -d '{"password":"a long password"}'`;
    assert.match(
      await vm.sh(
        `${profile} | openssl cms -verify -inform DER -CAfile /root/tls/root.pem -purpose any`,
      ),
      /com\.apple\.security\.pkcs12/,
    );
  });

  await t.step("ACME is answered through it", async () => {
    await installPebble(vm);
    await startPebble(vm);
    await install(ACME);
    await issued(vm, /Pebble/, ["443", "993"]);
    assert.equal(await vm.sh(signer), "2");
    // Nothing else of that path is answered, nor when nobody asks.
    assert.equal(
      await vm.sh(
        "curl -s -o /dev/null -w '%{http_code}' http://mail.example.test/.well-known/acme-challenge/x",
      ),
      "502",
    );
  });

  await t.step("a second run changes nothing and keeps it", async () => {
    assert.match(await install(""), /no change/);
    assert.match(await vm.sh(asked), /<domain>example\.test<\/domain>/);
  });

  await t.step(
    "doctor leaves a web server alone that is not ours",
    async () => {
      const file = "/etc/nginx/conf.d/encimap.conf";
      await vm.sh(`
      systemctl stop nginx
      ! encimap doctor
      mv ${file} /root/
      encimap doctor
      mv /root/encimap.conf ${file}
      systemctl start nginx`);
    },
  );

  await t.step("--no-web takes it away, and --web brings it back", async () => {
    await install("--no-web");
    assert.doesNotMatch(await vm.sh(asked), /clientConfig/);
    assert.equal(await vm.sh("ss -Hltn 'sport = :4302' | wc -l"), "0");
    assert.match(await vm.sh("curl -s http://127.0.0.1/"), /Welcome to nginx/);
    await install("--web");
    assert.match(await vm.sh(asked), /clientConfig/);
  });

  await t.step(
    "the dashboard runs as a user who has nothing else",
    async () => {
      await vm.sh(
        "echo ENCIMAP_DASHBOARD_URL=https://mail.example.test >>/etc/encimap/encimap.env",
      );
      await install("");
      const inTls = (path: string, host = "mail.example.test") =>
        vm.sh(
          `curl -sk -H 'X-Forwarded-For: 192.0.2.1' https://${host}${path} --resolve ${host}:443:127.0.0.1 -w ' %{http_code}'`,
        );
      assert.match(await inTls("/sign-in"), /<h1>Sign in<\/h1>.* 200$/s);
      assert.match(await inTls("/setup/x"), / 404$/);
      assert.doesNotMatch(await inTls("/setup/x"), /Encimap<\/title>/);
      assert.match(await inTls("/", "autoconfig.example.test"), / 404$/);
      assert.match(
        await vm.sh("curl -sI http://mail.example.test/"),
        /301.*https:\/\/mail\.example\.test\//s,
      );
      const link = await vm.sh("encimap dashboard invite --operator");
      const path = /^https:\/\/mail\.example\.test(\/invitation\/[\w-]{43})$/
        .exec(link)?.[1];
      assert.ok(path, link);
      // The overview behind it asks the API.
      const page = await vm.sh(`curl -s -L -c /root/jar -b /root/jar \\
      -H 'Origin: https://mail.example.test' \\
      -d login=ann -d 'password=correct horse battery' -d 'again=correct horse battery' \\
      http://127.0.0.1:3000${path} -o /dev/null -w '%{http_code} %{url_effective}'; \\
      cookie=$(awk '/__Host-encimap-session/ { print $NF }' /root/jar); \\
      curl -s -H "Cookie: __Host-encimap-session=$cookie" http://127.0.0.1:3000/`);
      assert.match(page, /<td>Database<\/td>.*connected/s);
      const inside = (command: string) =>
        vm.run(
          `nsenter -t $(systemctl show -p MainPID --value encimap-dashboard) -m setpriv --reuid=encimap-dashboard --regid=encimap-dashboard --init-groups ${command}`,
        );
      assert.equal((await inside("id -un")).stdout.trim(), "encimap-dashboard");
      for (
        const closed of [
          ...["master.key", "jwt.secret", "hmac.key"].map((name) =>
            `cat /etc/encimap/${name}`
          ),
          "ls /var/lib/encimap/keys",
          "ls /var/mail/vaultboxes",
          "ls /run/postgresql",
        ]
      ) assert.notEqual((await inside(closed)).code, 0, closed);
      assert.equal(
        await vm.sh("stat -c '%U %a' /var/lib/encimap-dashboard/*.sqlite"),
        "encimap-dashboard 600",
      );
      assert.match(await vm.sh("encimap doctor"), /dashboard answers/);
      const exposure = await vm.sh(
        "systemd-analyze security --no-pager encimap-dashboard.service | grep 'exposure level'",
      );
      assert.ok(Number(/: ([\d.]+)/.exec(exposure)?.[1]) <= 2, exposure);
    },
  );

  await t.step("without its setting the dashboard is gone", async () => {
    await vm.sh("sed -i /ENCIMAP_DASHBOARD/d /etc/encimap/encimap.env");
    await install("");
    const { stdout } = await vm.run("systemctl is-active encimap-dashboard");
    assert.equal(stdout.trim(), "inactive");
    await vm.sh("encimap dashboard invite --reset ann");
    assert.equal(
      await vm.sh(
        "curl -sk -o /dev/null -w '%{http_code}' https://mail.example.test/sign-in --resolve mail.example.test:443:127.0.0.1",
      ),
      "404",
    );
  });

  await t.step("--uninstall takes it away and leaves nginx", async () => {
    await vm.sh("cd /root/encimap && ./install.sh --uninstall --yes");
    assert.equal(await vm.sh("ls /etc/nginx/conf.d"), "");
    // Installed again without --web, it would make links that nobody answers.
    assert.equal(
      await vm.sh(
        "grep -c '^ENCIMAP_PUBLIC_PORT=' /etc/encimap/encimap.env || :",
      ),
      "0",
    );
    await vm.sh(
      "test ! -e /etc/systemd/system/encimap-api.service.d/profile-signer.conf",
    );
    assert.match(await vm.sh("curl -s http://127.0.0.1/"), /Welcome to nginx/);
  });
});
