import assert from "node:assert/strict";
import { makeRelease } from "../../release.ts";
import { isMissing } from "../helpers/openssl.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
const NEEDS = isMissing("openssl", "sha256sum") ? " (needs openssl)" : "";

/** What install.sh says of a release; undefined if it takes it. */
type Verdict = string | undefined;

/** Exchanges a file of the release for another. */
const CHANGES: Record<string, [string, RegExp]> = {
  "a changed program": ["echo x >>dist/encimap", /dist\/encimap: FAILED/],
  "a changed part of install.sh": [
    "echo x >>appliance/install/common.sh",
    /install\/common\.sh: FAILED/,
  ],
  "a missing file": [
    "rm appliance/install/web.sh",
    /appliance\/install\/web\.sh/,
  ],
  "an added file": ["echo x >dist/more", /not in SHA256SUMS: dist\/more/],
  "an added link": ["ln -s /etc/passwd dist/more", /dist\/more/],
  "a list that nobody has signed": [
    "echo x >dist/more; sha256sum dist/more >>SHA256SUMS",
    /not signed/,
  ],
  "a signature by another key": [
    "openssl genpkey -algorithm ed25519 -out other.pem; openssl pkeyutl -sign -inkey other.pem -rawin -in SHA256SUMS -out SHA256SUMS.sig",
    /not signed/,
  ],
  "no signature": ["rm SHA256SUMS.sig", /signed releases only/],
  "no release at all": ["rm SHA256SUMS*", /signed releases only/],
};

/**
 * Looks at a certificate before anything is installed: from the release, and from the
 * copy of install.sh that lies with the program.
 */
const CALLS = `
  openssl req -x509 -newkey rsa:2048 -nodes -subj / -addext subjectAltName=DNS:mail.example.test \
    -days 9 -keyout tls.key -out tls.pem 2>/dev/null
  HERE=$PWD/release WORK=$PWD LIBRARY=$PWD/library HOST=mail.example.test
  FORMER=$PWD/former PENDING=$PWD/pending
  TLS_CERT=$PWD/tls.pem TLS_KEY=$PWD/tls.key
  DRY= LOG= DONE= STEP=test COUNT=0 CHANGES= NL=
  for part in common preflight program upgrade; do . "$HERE/appliance/install/$part.sh"; done
  check_tls
  built=$HERE/dist origin='prebuilt 12345678'
  place_program
  HERE=$LIBRARY/current/installer
  check_tls
`;

Deno.test({
  name: `install.sh takes a signed release and no other${NEEDS}`,
  ignore: NEEDS !== "",
  fn: testRelease,
});

async function testRelease(t: Deno.TestContext): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await sh(
      dir,
      `cp -R '${ROOT}'*.md '${ROOT}LICENSE' '${ROOT}docs' '${ROOT}install.sh' .
       mkdir -p dist/runtime secrets && cp -R '${ROOT}appliance' . && printf '#!/bin/sh\necho encimap 1.0.0\n' >dist/encimap && chmod 755 dist/encimap && echo x >dist/runtime/main.js
       openssl genpkey -algorithm ed25519 -out key.pem
       openssl pkey -in key.pem -pubout -out secrets/release.pem`,
    );
    const key = await Deno.readTextFile(`${dir}/key.pem`);
    const fresh = async (): Promise<void> => {
      await sh(dir, "rm -rf release");
      await makeRelease(dir, `${dir}/release`, key);
    };
    await t.step("what deno task release has made", async () => {
      await fresh();
      assert.equal(await verdict(dir), undefined);
      await sh(`${dir}/release`, "test -x dist/encimap && ./install.sh --help");
    });
    await t.step({
      name: "which has all that install.sh calls (needs root)",
      ignore: Deno.uid() !== 0,
      fn: async () => {
        await fresh();
        await sh(dir, CALLS);
      },
    });
    for (const [name, [change, reason]] of Object.entries(CHANGES)) {
      await t.step(`not ${name}`, async () => {
        await fresh();
        await sh(`${dir}/release`, change);
        assert.match(await verdict(dir) ?? "taken", reason);
      });
    }
    await t.step("any copy where no key is trusted", async () => {
      await sh(dir, "rm -rf secrets/release.pem release/SHA256SUMS*");
      assert.equal(await verdict(dir), undefined);
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function verdict(dir: string): Promise<Verdict> {
  const script = `
    set -eu
    DRY= LOG= DONE= STEP=test RELEASE_KEY= COUNT=0
    HERE='${dir}/release' SECRETS='${dir}/secrets' WORK='${dir}'
    . '${ROOT}appliance/install/common.sh'
    . '${ROOT}appliance/install/release.sh'
    check_sums
    check_signature`;
  const { code, stderr } = await new Deno.Command("sh", {
    args: ["-c", script],
  }).output();
  return code === 0 ? undefined : new TextDecoder().decode(stderr);
}

async function sh(cwd: string, script: string): Promise<void> {
  const { code, stderr } = await new Deno.Command("sh", {
    args: ["-euc", script],
    cwd,
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
}
