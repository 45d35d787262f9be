import assert from "node:assert/strict";
import {
  type ApplianceSettings,
  DEFAULT_APPLIANCE,
  mailCheckSettings,
  render,
  renderAppliance,
} from "../../../src/appliance/render.ts";
import { TEMPLATES } from "../../../src/appliance/templates.ts";

const SETTINGS: ApplianceSettings = {
  ...DEFAULT_APPLIANCE,
  ...mailCheckSettings("mark"),
  hostname: "mail.example.org",
  mapsPath: "/etc/postfix/encimap",
  maildirBasePath: "/var/mail/vaultboxes",
  keysPath: "/var/lib/encimap/keys",
  maxMessageBytes: 52428800,
  intakeSocket: "/run/encimap/intake.sock",
  lmtpSocket: "/run/encimap/lmtp.sock",
  queueSocket: "/run/encimap/queue.sock",
  submissionSocket: "/var/spool/postfix/encimap/submission.sock",
  unroutedTransport: "encimap-pipe:unrouted",
  intakePort: 4321,
  doveadmSocket: "encimap-doveadm",
};

Deno.test("TEMPLATES has every file of appliance/", () => {
  const root = new URL("../../../appliance/", import.meta.url);
  const paths: string[] = [];
  for (const folder of Deno.readDirSync(root)) {
    // The parts of install.sh, and what is for another machine: not rendered.
    if (!folder.isDirectory) continue;
    if (["install", "monitoring"].includes(folder.name)) continue;
    for (const file of Deno.readDirSync(new URL(`${folder.name}/`, root))) {
      paths.push(`${folder.name}/${file.name}`);
    }
  }
  assert.deepEqual(Object.keys(TEMPLATES).sort(), paths.sort());
  for (const path of paths) {
    assert.equal(TEMPLATES[path], Deno.readTextFileSync(new URL(path, root)));
  }
});

Deno.test("renderAppliance() leaves no placeholder in any file", () => {
  const files = renderAppliance(SETTINGS);
  assert.equal(files.size, Object.keys(TEMPLATES).length);
  for (const [path, text] of files) {
    assert.doesNotMatch(text, /\{\{|\.tmpl/, path);
  }
});

Deno.test("renderAppliance() puts the settings in their places", () => {
  const files = renderAppliance({ ...SETTINGS, imapsPort: 10993 });
  assert.match(files.get("dovecot/99-encimap.conf")!, /port = 10993/);
  assert.match(
    files.get("postfix/main.cf")!,
    /^message_size_limit = 52428800$/m,
  );
});

Deno.test("renderAppliance() sends what has no route where it is told, and lets Postfix's group open the socket", () => {
  const files = renderAppliance({
    ...SETTINGS,
    lmtpSocket: "/run/x/lmtp.sock",
    unroutedTransport: "encimap-lmtp:unix:/run/x/lmtp.sock",
  });
  const main = files.get("postfix/main.cf")!;
  const to = "encimap-lmtp:unix:/run/x/lmtp.sock";
  assert.ok(main.includes(`\nvirtual_transport = ${to}\n`));
  assert.ok(main.includes(`/domains,static:${to}}\n`));
  const socket = files.get("systemd/encimap-lmtp.socket")!;
  assert.match(socket, /^ListenStream=\/run\/x\/lmtp\.sock$/m);
  assert.match(socket, /^SocketGroup=postfix\nSocketMode=0660$/m);
  assert.match(socket, /^FileDescriptorName=lmtp$/m);
  const service = files.get("systemd/encimap-intake.service")!;
  assert.match(service, /^Sockets=.*\bencimap-lmtp\.socket$/m);
});

Deno.test("the daily check sees the socket of submission that doctor asks", () => {
  const unit = renderAppliance(SETTINGS).get("systemd/encimap-check.service")!;
  assert.doesNotMatch(unit, /^(InaccessiblePaths|TemporaryFileSystem)=/m);
});

Deno.test("systemd gives no socket away by its path where a user of ours could put a link", () => {
  for (const [path, text] of renderAppliance(SETTINGS)) {
    if (!path.endsWith(".socket")) continue;
    if (/^ListenStream=\/run\//m.test(text)) continue;
    assert.doesNotMatch(text, /^Socket(User|Group)=/m, path);
  }
});

for (
  const value of [
    "a b",
    "x'y",
    "$(id)",
    "a;b",
    "a\nb",
    'x"y',
    "{{hostname}}",
    "",
  ]
) {
  Deno.test(`renderAppliance() refuses ${JSON.stringify(value)} as a value`, () => {
    assert.throws(
      () => renderAppliance({ ...SETTINGS, programPath: value }),
      /programPath has unusual characters/,
    );
  });
}

Deno.test("renderAppliance() refuses a setting that no template has", () => {
  const settings = { ...SETTINGS, another: "x" };
  assert.throws(() => renderAppliance(settings), /no template has \{\{another/);
});

Deno.test("render() refuses a name without a value", () => {
  assert.throws(
    () => render("{{a}} {{b}}", new Map([["a", "1"]])),
    /\{\{b\}\}/,
  );
  assert.throws(() => render("{{}}", new Map()), RangeError);
});

Deno.test("render() takes a value as it is", () => {
  assert.equal(
    render("x {{a}}{{a}}", new Map([["a", "$& $1"]])),
    "x $& $1$& $1",
  );
});

Deno.test("every setting in main.cf and master.cf has a reason above it", () => {
  const files = renderAppliance(SETTINGS);
  for (
    const path of ["postfix/main.cf", "postfix/checks.cf", "postfix/master.cf"]
  ) {
    for (const paragraph of files.get(path)!.split("\n\n")) {
      assert.match(paragraph, /^#/, paragraph);
    }
  }
});

Deno.test("no unit forbids what V8 needs", () => {
  for (const [path, text] of renderAppliance(SETTINGS)) {
    if (!path.endsWith(".service")) continue;
    assert.match(text, /^LimitCORE=0$/m, path);
    // It starts no program of ours.
    if (path.endsWith("/encimap-tls.service")) continue;
    // Programs of Debian's.
    if (/encimap-(dkim|spf|dmarc)\./.test(path)) continue;
    assert.doesNotMatch(text, /^(MemoryDenyWriteExecute|LimitAS)=/m, path);
    assert.match(text, /^SystemCallFilter=@system-service @pkey$/m, path);
  }
});

Deno.test("Dovecot 2.3 and 2.4 ask the database the same", () => {
  const files = renderAppliance(SETTINGS);
  const old = ["encimap-sql.conf.ext", "encimap-last-use.conf.ext"]
    .map((name) => files.get(`dovecot/${name}`)!).join("\n")
    .replaceAll("%u", "%{user}").replaceAll("%s", "%{protocol}")
    .replaceAll("%{orig_user}", "%{original_user}");
  const queries = (text: string): string[] =>
    [...text.matchAll(/^ *\w*query = (.*)$/gm)].map(([, sql]) => sql!).sort();
  const now = queries(files.get("dovecot/98-encimap-2.4.conf")!);
  assert.equal(now.length, 4);
  assert.deepEqual(now, queries(old));
});
