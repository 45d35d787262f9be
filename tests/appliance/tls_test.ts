/**
 * Certificates for TLS: which encimap_tls takes, how they come to be in use, and
 * what the daemons speak with them. Getting them by ACME is in tests/vm.
 *
 * @module
 */

import assert from "node:assert/strict";
import { render } from "../../src/appliance/render.ts";
import { TEMPLATES } from "../../src/appliance/templates.ts";
import { MISSING, startAppliance } from "../helpers/appliance.ts";
import { isMissing, temporaryDirectory } from "../helpers/openssl.ts";

/** How often encimap_tls is killed. */
const ROUNDS = 30;

const HOST = "mail.example.test";

/** Debian's package libfaketime. */
const FAKETIME =
  `/usr/lib/${Deno.build.arch}-linux-gnu/faketime/libfaketime.so.1`;

/** Makes all certificates: NAME.pem with NAME.key. */
const MAKE = `
  issue() { # NAME ISSUER DAYS OPTIONS...: one by ISSUER, or by itself
    name=$1 issuer=$2 days=$3; shift 3
    openssl req -x509 -newkey "\${key:-rsa:2048}" \${digest:--sha256} -nodes -subj /CN=$name -days $days \
      -keyout $name.key -out $name.pem "$@" 2>/dev/null
    [ $issuer != self ] || return 0
    openssl req -new -key $name.key -subj /CN=$name -out csr
    openssl x509 -req -in csr -CA $issuer.pem -CAkey $issuer.key -days $days -extfile ext -out $name.pem 2>/dev/null
  }
  issue good self 9 -addext subjectAltName=DNS:${HOST}
  issue wildcard self 9 -addext 'subjectAltName=DNS:*.example.test'
  issue other self 9 -addext subjectAltName=DNS:other.example.test
  issue client self 9 -addext subjectAltName=DNS:${HOST} -addext extendedKeyUsage=clientAuth
  key=rsa:1024 issue weak self 9 -addext subjectAltName=DNS:${HOST}
  digest=-sha1 issue sha1 self 9 -addext subjectAltName=DNS:${HOST}
  LD_PRELOAD=${FAKETIME} FAKETIME=-99d issue ended self 9 -addext subjectAltName=DNS:${HOST}
  LD_PRELOAD=${FAKETIME} FAKETIME=+99d issue early self 9 -addext subjectAltName=DNS:${HOST}
  openssl rsa -in good.key -aes128 -passout pass:x -out secret.key 2>/dev/null
  openssl pkey -in good.key -outform DER -out binary.key
  openssl x509 -in good.pem -outform DER -out binary.pem
  openssl pkcs12 -export -in good.pem -inkey good.key -passout pass: -out packed.key
  issue root self 9
  printf 'basicConstraints=critical,CA:TRUE' >ext
  issue middle root 9
  printf 'subjectAltName=DNS:${HOST}' >ext
  issue leaf middle 9
  cat leaf.pem middle.pem >chain.pem
  cat leaf.pem middle.pem root.pem >whole.pem
  cat leaf.pem root.pem >gap.pem
  cat leaf.pem good.pem >foreign.pem
  cat leaf.pem leaf.pem >twice.pem
  echo text >text.pem
  head -c 70000 /dev/zero | tr '\\0' '\\n' | cat good.pem - >large.pem
`;

/** Certificate, key, and what is said of them: nothing if they are taken. */
const CASES: readonly (readonly [string, string, RegExp | undefined])[] = [
  ["good", "good", undefined],
  ["wildcard", "wildcard", undefined],
  ["chain", "leaf", undefined],
  ["whole", "leaf", undefined],
  ["good", "other", /other\.key does not belong to .*good\.pem/],
  ["other", "other", /other\.pem is not for mail\.example\.test/],
  ["client", "client", /is not for servers/],
  ["weak", "weak", /a key or a signature that is too weak/],
  ["sha1", "sha1", /a key or a signature that is too weak/],
  ["ended", "ended", /has ended: /],
  ["early", "early", /is not valid before /],
  ["good", "secret", /is no private key in PEM without a password/],
  ["good", "binary", /is no private key in PEM without a password/],
  ["good", "packed", /is no private key in PEM without a password/],
  ["binary", "good", /binary\.pem is no certificate in PEM/],
  ["gap", "leaf", /certificate 2 did not issue certificate 1/],
  ["foreign", "leaf", /certificate 2 did not issue certificate 1/],
  ["twice", "leaf", /certificate 2 did not issue certificate 1/],
  ["text", "good", /text\.pem is no certificate in PEM/],
  ["large", "good", /is too large/],
  ["nothing", "good", /nothing\.pem is not there/],
  ["good", "nothing", /nothing\.key is not there/],
];

Deno.test({
  name:
    "encimap_tls takes a certificate that clients and daemons take, and names what is wrong with another",
  ignore: isMissing(FAKETIME),
}, async (t) => {
  await using directory = await temporaryDirectory();
  await sh(directory.path, MAKE);
  const check = (cert: string, key: string) =>
    run(directory.path, [
      ...[`${Deno.cwd()}/appliance/bin/encimap_tls`, "check"],
      ...[`${directory.path}/${cert}.pem`, `${directory.path}/${key}.key`],
      HOST,
    ]);
  for (const [cert, key, said] of CASES) {
    await t.step(`${cert}.pem with ${key}.key`, async () => {
      const { code, err } = await check(cert, key);
      if (said === undefined) assert.deepEqual([code, err], [0, ""]);
      else {
        assert.match(err, said);
        assert.equal(code, 1);
      }
    });
  }
  await t.step(
    "a chain without its issuer is taken with a warning",
    async () => {
      const { code, err } = await check("leaf", "leaf");
      assert.match(
        err,
        /^Warning: .*leaf\.pem has no certificate of its issuer/,
      );
      assert.equal(code, 0);
    },
  );
});

Deno.test("a certificate and its key change together, whenever encimap_tls is killed", async () => {
  await using directory = await temporaryDirectory();
  const { path } = directory;
  await sh(
    path,
    `for name in a b; do
      openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=$name -days 9 -keyout $name.key -out $name.pem 2>/dev/null
    done
`,
  );
  await writeScript(path);
  const inUse = () =>
    sh(
      path,
      `openssl x509 -in tls/cert.pem -noout -pubkey >1; openssl pkey -in tls/key.pem -pubout >2
      cmp 1 2 && openssl x509 -in tls/cert.pem -noout -subject`,
    );
  // A group of its own, so that what it has started ends with it.
  const put = (name: string) =>
    new Deno.Command("sh", {
      args: ["encimap_tls", "put", `${name}.pem`, `${name}.key`, name],
      detached: true,
      cwd: path,
      stdout: "null",
      stderr: "null",
    }).spawn();
  // The first is never killed, and says how long it takes.
  const began = performance.now();
  await put("a").status;
  const duration = performance.now() - began;
  const seen = new Set<string>();
  for (let i = 0; i < ROUNDS; i++) {
    const name = i % 2 === 0 ? "b" : "a";
    // As an earlier version has it: files and no links.
    if (i % 3 === 0) {
      await sh(
        path,
        "cp -L tls/cert.pem 1; cp -L tls/key.pem 2; rm -r tls; mkdir tls; mv 1 tls/cert.pem; mv 2 tls/key.pem",
      );
    }
    const child = put(name);
    const timer = setTimeout(
      () => {
        try {
          Deno.kill(-child.pid, "SIGKILL");
        } catch {
          // It has ended.
        }
      },
      duration * 1.2 * i / ROUNDS,
    );
    await child.status;
    clearTimeout(timer);
    seen.add(await inUse());
  }
  assert.equal(seen.size, 2, [...seen].join());
  await sh(path, "sh encimap_tls put b.pem b.key b");
  assert.match(await inUse(), /CN ?= ?b/);
  // What was killed leaves nothing behind for good.
  assert.equal(await sh(path, "ls -d tls/pair.* | wc -l"), "1\n");
  assert.equal(
    await sh(path, "stat -Lc %a tls/key.pem tls/cert.pem"),
    "600\n644\n",
  );
});

Deno.test("a certificate and its key belong together, whoever else puts one in use at that moment", async () => {
  await using directory = await temporaryDirectory();
  const { path } = directory;
  await writeScript(path);
  await sh(
    path,
    `for name in a b; do
      openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=$name -days 9 -keyout $name.key -out $name.pem 2>/dev/null
    done
    for round in $(seq ${ROUNDS}); do
      sh encimap_tls put a.pem a.key a &
      first=$!
      sh encimap_tls put b.pem b.key b
      wait $first
      name=$(cat tls/current/from)
      cmp tls/cert.pem $name.pem
      cmp tls/key.pem $name.key
      [ "$(echo tls/pair.*)" = "tls/$(readlink tls/current)" ]
    done`,
  );
});

Deno.test("links to what certbot renews lead to the renewed pair after an upgrade, too", async () => {
  await using directory = await temporaryDirectory();
  const { path } = directory;
  await writeScript(path);
  await sh(
    path,
    `mkdir tls archive live work
    renew() {
      openssl req -x509 -newkey rsa:2048 -nodes -subj / -addext subjectAltName=DNS:${HOST} -days 9 \
        -keyout archive/privkey$1.pem -out archive/fullchain$1.pem 2>/dev/null
      for name in privkey fullchain; do ln -sfn ../archive/$name$1.pem live/$name.pem; done
    }
    renew 1
    # As an earlier version has it.
    ln -s "$PWD/live/fullchain.pem" tls/cert.pem
    ln -s "$PWD/live/privkey.pem" tls/key.pem
    (
      HERE=$PWD TLS=$PWD/tls WORK=$PWD/work PENDING=$PWD/pending HOST=${HOST}
      TLS_CERT='' TLS_KEY='' ACME='' DRY='' LOG='' COUNT=0 CHANGES='' NL=' '
      for part in common preflight upgrade tls; do
        sed "s,/usr/local/bin/encimap_tls,$PWD/encimap_tls,g" ${Deno.cwd()}/appliance/install/$part.sh >work/part
        . "$PWD/work/part"
      done
      make_certificate
    )
    renew 2
    sh encimap_tls check "$(readlink tls/source-cert.pem)" "$(readlink tls/source-key.pem)" ${HOST}`,
  );
});

Deno.test("what the ACME client leaves does not lead encimap_tls to other files, nor stop it", async (t) => {
  await using directory = await temporaryDirectory();
  const { path } = directory;
  await writeScript(path);
  await sh(
    path,
    `mkdir -p tls/next state/certificates; touch tls/next/request.pem
    echo ENCIMAP_HOSTNAME=${HOST} >settings; echo secret >master.key`,
  );
  // What fails is killed, for a pipe would be waited for.
  const noted = async (make: string, part: string): Promise<string> => {
    await sh(
      path,
      `rm -f tls/problem; ${make}
      export STATE_DIRECTORY=$PWD/state SERVICE_RESULT=exit-code EXIT_STATUS=1
      timeout 10 sh encimap_tls ${part} || [ $? != 124 ]`,
    );
    return await Deno.readTextFile(`${path}/tls/problem`);
  };
  const cases: readonly (readonly [string, string, RegExp])[] = [
    ["ln -s $PWD/master.key", "take", /the ACME client left no certificate/],
    ["mkfifo", "take", /what came by ACME is not there/],
    ["ln -s $PWD/master.key", "note", /no certificate by ACME: \n$/],
    ["mkfifo", "note", /no certificate by ACME: \n$/],
    ["echo 2026/11/23 06:00:00 refused >", "note", /by ACME: refused\n$/],
  ];
  for (const [left, part, problem] of cases) {
    const file = part === "take" ? `certificates/${HOST}.crt` : "said";
    await t.step(`${left} state/${file}`, async () => {
      const make = `rm -f state/${file}; ${left} state/${file}`;
      assert.match(await noted(make, part), problem);
    });
  }
});

Deno.test({
  name:
    `the ports speak TLS 1.2 and 1.3, and no key exchange without forward secrecy where passwords go${
      MISSING ? ` (needs ${MISSING})` : ""
    }`,
  ignore: MISSING !== undefined,
}, async () => {
  await using appliance = await startAppliance();
  const { smtpPort, submissionPort, imapsPort } = appliance;
  const ports = {
    imap: `${imapsPort}`,
    submission: `${submissionPort} -starttls smtp`,
    smtp: `${smtpPort} -starttls smtp`,
  };
  for (const [name, port] of Object.entries(ports)) {
    const cipher = async (options: string): Promise<string | undefined> => {
      const { out } = await run("/", [
        "-c",
        `openssl s_client -connect 127.0.0.1:${port} ${options} -cipher ALL@SECLEVEL=0 </dev/null 2>/dev/null`,
      ]);
      return /^New, TLSv1\.[23], Cipher is (.*)$/m.exec(out)?.[1];
    };
    assert.match(await cipher("-tls1_3") ?? "", /^TLS_AES/, name);
    assert.match(await cipher("-tls1_2") ?? "", /^ECDHE-/, name);
    for (const old of ["-tls1", "-tls1_1"]) {
      assert.equal(await cipher(old), undefined, `${name} ${old}`);
    }
    const { out } = await run("/", [
      "-c",
      `openssl s_client -connect 127.0.0.1:${port} -tls1_2 -cipher kRSA </dev/null 2>/dev/null`,
    ]);
    const secret = /Cipher is \(NONE\)/.test(out);
    // Opportunistic TLS has clear text to fall back to, which is worse.
    assert.equal(secret, name !== "smtp", `${name}: ${out}`);
  }
});

/** encimap_tls for a folder: what is in use is in tls/, the settings are a file. */
async function writeScript(path: string): Promise<void> {
  const values = new Map([
    ["secretsPath", path],
    ["configFile", `${path}/settings`],
  ]);
  const script = render(TEMPLATES["bin/encimap_tls"]!, values);
  await Deno.writeTextFile(`${path}/encimap_tls`, script, { mode: 0o755 });
}

async function run(cwd: string, args: readonly string[]) {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: [...args],
    cwd,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, out: decoder.decode(stdout), err: decoder.decode(stderr) };
}

async function sh(cwd: string, script: string): Promise<string> {
  const { code, out, err } = await run(cwd, ["-euc", script]);
  assert.equal(code, 0, err);
  return out;
}
