/**
 * appliance/install/firewall.sh with real firewalls: each test has a network of its own, and
 * knocks from a second one.
 *
 * @module
 */

import assert from "node:assert/strict";
import { isMissing } from "../helpers/openssl.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const NEEDS =
  Deno.uid() !== 0 || isMissing("/usr/sbin/nft", "/usr/sbin/ufw", "/sbin/ip")
    ? " (needs nftables, ufw and root)"
    : "";

/** What listens, and what of it must be let in. */
const PORTS = "22 25 80 587 993 4301 4321";

const DROP = `flush ruleset
table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iif lo accept
    tcp dport 22 accept
  }
  chain forward {
    type filter hook forward priority filter; policy drop;
  }
}
`;

const REJECT = `flush ruleset
table ip wall {
  chain incoming {
    type filter hook input priority filter; policy accept;
    ct state established,related accept
    iif lo accept
    tcp dport 22 accept
    counter reject
  }
}
`;

const OPEN = `flush ruleset
table inet filter {
  chain input {
    type filter hook input priority filter; policy accept;
    tcp dport 4321 drop
  }
}
`;

for (const [name, rules] of Object.entries({ DROP, REJECT })) {
  Deno.test({
    name:
      `install.sh opens what mail needs where nftables says ${name}${NEEDS}`,
    ignore: NEEDS !== "",
    fn: async () => {
      const said = await inNetwork(`
        cat >"$NFTABLES" <<'END'
${rules}END
        cp "$NFTABLES" before
        nft -f "$NFTABLES"
        knock
        open_firewall; knock
        open_firewall; knock
        nft -f "$NFTABLES"; knock
        sed -i '/dport 587 /d' "$OUR_RULES"; nft -f "$NFTABLES"; ACME=yes; open_firewall; knock
        close_firewall; knock
        nft -f "$NFTABLES"; knock
        cmp before "$NFTABLES"; test ! -e "$OUR_RULES"`);
      assert.deepEqual(said, [
        "22",
        ...["22 25 587 993", "22 25 587 993", "22 25 587 993"],
        "22 25 80 993",
        ...["22", "22"],
      ]);
    },
  });
}

Deno.test({
  name: `install.sh leaves nftables alone where it lets all in${NEEDS}`,
  ignore: NEEDS !== "",
  fn: async () => {
    const said = await inNetwork(`
      cat >"$NFTABLES" <<'END'
${OPEN}END
      nft -f "$NFTABLES"
      nft list ruleset >before
      open_firewall
      nft list ruleset | cmp - before
      test ! -e "$OUR_RULES"
      knock`);
    assert.deepEqual(said, ["22 25 80 587 993 4301"]);
  },
});

Deno.test({
  name: `install.sh opens what mail needs where ufw is active${NEEDS}`,
  ignore: NEEDS !== "",
  fn: async () => {
    const said = await inNetwork(`
      # Files of our own: the machine's are not to change.
      for folder in /etc/ufw /etc/default; do
        cp -a "$folder" copy
        mount -t tmpfs tmpfs "$folder"
        cp -a copy/. "$folder/"
        rm -r copy
      done
      sed -i 's/^IPV6=.*/IPV6=no/' /etc/default/ufw
      ufw allow 22/tcp >/dev/null
      ufw --force enable >/dev/null
      knock
      open_firewall; knock
      ufw delete allow 993/tcp >/dev/null
      open_firewall; knock
      close_firewall; knock`);
    assert.deepEqual(said, ["22", "22 25 587 993", "22 25 587", "22"]);
  },
});

Deno.test({
  name:
    `install.sh opens again what a rollback has closed, and not what somebody else has${NEEDS}`,
  ignore: NEEDS !== "",
  fn: async () => {
    const said = await inNetwork(`
      cat >"$NFTABLES" <<'END'
${DROP}END
      nft -f "$NFTABLES"
      upgrade() {
        rm -rf "$FORMER"
        mkdir -p "$FORMER/files"
        : >"$FORMER/absent"
        open_firewall
        nft -f "$NFTABLES"
        knock
      }
      due() { true; }
      # There was no rule of ours yet, then one less, by an administrator who has closed 587.
      upgrade; put_back; nft -f "$NFTABLES"; knock
      upgrade
      sed -i '/dport 587 /d' "$OUR_RULES"
      ACME=yes
      upgrade; put_back; nft -f "$NFTABLES"; knock
      upgrade`);
    assert.deepEqual(said, [
      ...["22 25 587 993", "22", "22 25 587 993"],
      ...["22 25 80 993", "22 25 993", "22 25 80 993"],
    ]);
  },
});

/**
 * Runs a script with the functions of appliance/install/firewall.sh, and with `knock`, which
 * says which ports can be reached from outside.
 *
 * @returns What each `knock` said.
 */
async function inNetwork(script: string): Promise<string[]> {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${dir}/listen.py`, LISTEN);
    await Deno.writeTextFile(`${dir}/knock.py`, KNOCK);
    const whole = `
      set -eu
      export PATH=/usr/sbin:/usr/bin:/sbin:/bin
      cd '${dir}'
      unshare --net sleep 600 & outside=$!
      python3 listen.py ${PORTS} >/dev/null & inside=$!
      trap 'kill $outside $inside' EXIT
      ip link set lo up
      until ip link add here type veth peer name there netns $outside 2>/dev/null; do sleep 0.1; done
      ip addr add 192.0.2.1/24 dev here
      ip link set here up
      nsenter --target $outside --net sh -c 'ip addr add 192.0.2.2/24 dev there; ip link set there up'
      knock() { nsenter --target $outside --net python3 knock.py ${PORTS} >>knocked; }
      HERE='${ROOT}' DRY= LOG= COUNT=0 WEB= ACME= CHANGES= NL=' ' STAMP= DONE= STEP=
      RECORD='${dir}/record' SECRETS='${dir}/secrets' WORK='${dir}' BACKUPS='${dir}/backups' PENDING='${dir}/pending'
      FORMER='${dir}/record/former' TLS='${dir}/tls' NGINX='${dir}/nginx' POSTFIX_WALLS='${dir}/walls'
      . '${ROOT}appliance/install/common.sh'
      . '${ROOT}appliance/install/upgrade.sh'
      . '${ROOT}appliance/install/rollback.sh'
      . '${ROOT}appliance/install/firewall.sh'
      with_systemd() { false; }
      NFTABLES='${dir}/nftables.conf'
      ${script}`;
    const { code, stdout, stderr } = await new Deno.Command("unshare", {
      args: ["--net", "--mount", "sh", "-c", whole],
    }).output();
    const said = new TextDecoder().decode(stderr);
    assert.equal(code, 0, new TextDecoder().decode(stdout) + said);
    return (await Deno.readTextFile(`${dir}/knocked`)).trimEnd().split("\n");
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const LISTEN = `
import selectors, socket, sys
ports = selectors.DefaultSelector()
for port in sys.argv[1:]:
    ports.register(socket.create_server(("", int(port))), selectors.EVENT_READ)
while True:
    for key, _ in ports.select():
        key.fileobj.accept()[0].close()
`;

const KNOCK = `
import concurrent.futures, socket, sys
def knock(port):
    try:
        socket.create_connection(("192.0.2.1", int(port)), 2).close()
        return True
    except OSError:
        return False
with concurrent.futures.ThreadPoolExecutor() as pool:
    answers = pool.map(knock, sys.argv[1:])
print(*[port for port, answer in zip(sys.argv[1:], answers) if answer])
`;
