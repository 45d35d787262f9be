import assert from "node:assert/strict";
import { ALICE } from "../helpers/app.ts";
import { MISSING, startAppliance } from "../helpers/appliance.ts";
import { makeLogin } from "../helpers/appliance_box.ts";
import { run } from "../helpers/openssl.ts";
import { until } from "../helpers/until.ts";

const CAT = "cat@pets.example";

/** A client that stores mail and keeps its session open while it is sealed. */
const CLIENT = `
import imaplib, json, os, ssl, sys, time
port, user, password, directory = sys.argv[1:]
def login():
    tls = ssl._create_unverified_context()
    c = imaplib.IMAP4_SSL('127.0.0.1', int(port), ssl_context=tls)
    c.login(user, password)
    return c
def text(n):
    return ('From: cat@pets.example\\r\\nSubject: Nr. %d\\r\\n\\r\\nsecret-words %d\\r\\n' % (n, n)).encode()
c = login()
dates = ['"01-Jan-2020 12:00:0%d +0000"' % n for n in range(4)]
for n in range(3):
    c.append('Sent', '(\\\\Seen \\\\Flagged $Label1)' if n == 0 else '(\\\\Seen)', dates[n], text(n))
c.append('Drafts', '(\\\\Draft)', dates[3], text(3))
c.select('Sent')
c._simple_command('FETCH', '1:*', '(UID PREVIEW BODYSTRUCTURE ENVELOPE)')
c.response('FETCH')
def state():
    uidvalidity = c.response('UIDVALIDITY')
    found = c.fetch('1:*', '(UID FLAGS INTERNALDATE RFC822.SIZE)')[1]
    return [each.decode() for each in found if each is not None]
before = state()
open(directory + '/ready', 'w').close()
while not os.path.exists(directory + '/sealed'):
    time.sleep(0.05)
c.noop()
expunged = len(c.response('EXPUNGE')[1])
after = state()
bodies = [each[1].decode('latin1') for each in c.fetch('1:*', '(BODY.PEEK[])')[1] if isinstance(each, tuple)]
c.store('1', '+FLAGS', '\\\\Answered')
other = login()
other.select('Sent')
again = [each.decode() for each in other.fetch('1:*', '(UID FLAGS)')[1]]
print(json.dumps(dict(before=before, expunged=expunged, after=after, sizes=[len(b) for b in bodies], bodies=bodies, again=again)))
`;

/** A client that stores mail, and waits until nothing of it is in clear. */
const WAITING_CLIENT = `
import imaplib, ssl, sys, time
port, user, password = sys.argv[1:]
c = imaplib.IMAP4_SSL('127.0.0.1', int(port), ssl_context=ssl._create_unverified_context())
c.login(user, password)
text = b'From: cat@pets.example\\r\\n\\r\\nsecret-words\\r\\n'
c.append('Drafts', '(\\\\Draft)', None, text)
c.append('Sent', '(\\\\Seen)', None, text)
c.select('Sent')
c.store('1', '+FLAGS', '$Forwarded')
deadline = time.time() + 60
while time.time() < deadline:
    c.noop()
    data = c.fetch('1:*', '(FLAGS BODY.PEEK[])')[1]
    got = [each for each in data if isinstance(each, tuple)]
    if got and b'pkcs7-mime' in got[-1][1]:
        break
    time.sleep(0.5)
print(len(got), got[-1][0].decode(), b'pkcs7-mime' in got[-1][1])
`;

Deno.test({
  name:
    `with ENCIMAP_SEAL=on what a client stores in Sent is sealed within seconds, with the flags it has set since, and a draft is not${
      MISSING ? ` (needs ${MISSING})` : ""
    }`,
  ignore: MISSING !== undefined,
}, async () => {
  await using appliance = await startAppliance({ ENCIMAP_SEAL: "on" });
  const made = await appliance.api("POST", "/vaultboxes", {
    "user_id": ALICE,
    domain: "pets.example",
    alias: "cat",
    name: "Cat",
  });
  const id = made.data["vaultbox_id"];
  const login = await makeLogin(appliance, id);
  const args = [appliance.imapsPort, login.username, login.password];
  const said = await run(
    "python3",
    ["-c", WAITING_CLIENT, ...args.map(String)],
    { cwd: "/" },
  );
  const text = new TextDecoder().decode(said);
  assert.match(text, /^1 .*\\Seen.*\$Forwarded.* True$/m);
  const clear = await run("grep", ["-rl", "secret-words", id], {
    cwd: `${appliance.directory}/mail`,
  });
  assert.match(
    new TextDecoder().decode(clear).trim(),
    /^[^\n]*\/\.Drafts\/cur\/[^\n]*$/,
  );
  const verified = await appliance.encimap("verify", CAT);
  assert.equal(verified.code, 0, verified.out);
});

Deno.test({
  name:
    `encimap seal gives what a client has stored a new UID, keeps flags, labels and dates under an open session, and leaves no word of it on the disk${
      MISSING ? ` (needs ${MISSING})` : ""
    }`,
  ignore: MISSING !== undefined,
}, async () => {
  await using appliance = await startAppliance();
  const { directory } = appliance;
  const made = await appliance.api("POST", "/vaultboxes", {
    "user_id": ALICE,
    domain: "pets.example",
    alias: "cat",
    name: "Cat",
  });
  const id = made.data["vaultbox_id"];
  const login = await makeLogin(appliance, id);
  const args = [appliance.imapsPort, login.username, login.password, directory];
  const client = run("python3", ["-c", CLIENT, ...args.map(String)], {
    cwd: "/",
  });
  const isThere = async (path: string): Promise<boolean> =>
    await Deno.lstat(path).then(() => true, () => false);
  await Promise.race([
    client,
    until("the client has stored", () => isThere(`${directory}/ready`)),
  ]);
  const inClear = async (): Promise<string> => {
    const found = await run("grep", ["-rl", "secret-words", id], {
      cwd: `${directory}/mail`,
      statuses: [0, 1],
    });
    return new TextDecoder().decode(found);
  };
  // Texts that a client has asked for are in Dovecot's cache, too.
  assert.match(await inClear(), /\.Sent\/dovecot\.index\.cache/);

  const dry = await appliance.encimap("seal", "--dry-run");
  assert.equal(dry.code, 2, dry.err);
  assert.match(dry.out, /^cat@pets\.example\t3 in clear, \d+ octets, 1 draft/m);
  const sealed = await appliance.encimap("seal");
  assert.equal(sealed.code, 0, sealed.err);
  assert.match(sealed.out, /^cat@pets\.example\t3 sealed/m);
  assert.doesNotMatch(await inClear(), /\.Sent/);
  await Deno.writeTextFile(`${directory}/sealed`, "");
  const said = JSON.parse(new TextDecoder().decode(await client));

  assert.equal(said.before.length, 3);
  assert.equal(said.after.length, 3);
  assert.equal(said.expunged, 3);
  const of = (name: string, lines: string[]): string[] =>
    lines.map((line) =>
      new RegExp(`${name} ("[^"]*"|\\([^)]*\\)|\\d+)`).exec(line)![1]!
    );
  assert.deepEqual(
    of("INTERNALDATE", said.after),
    of("INTERNALDATE", said.before),
  );
  const flags = (lines: string[]) =>
    of("FLAGS", lines).map((each) => each.replace(/ ?\\Recent/, ""));
  assert.deepEqual(flags(said.after), flags(said.before));
  assert.match(flags(said.after)[0]!, /\\Flagged.*\$Label1/);
  assert.deepEqual(of("UID", said.before), ["1", "2", "3"]);
  assert.deepEqual(of("UID", said.after), ["4", "5", "6"]);
  assert.deepEqual(of("RFC822.SIZE", said.after), said.sizes.map(String));
  for (const body of said.bodies) assert.match(body, /pkcs7-mime/);
  assert.match(said.again[0], /Answered/);

  const verified = await appliance.encimap("verify", "--all", CAT);
  assert.equal(verified.code, 0, verified.out);
  assert.match(verified.out, /Stored by clients outside INBOX: 1/);
  const again = await appliance.encimap("seal");
  assert.match(again.out, /0 message\(s\) sealed, 1 draft/);

  // One that may not be removed keeps no other in clear.
  const cur = `${directory}/mail/${id}/Maildir/.Sent/cur`;
  const { uid, gid } = await Deno.stat(cur);
  for (const n of [1, 2, 3]) {
    const path = `${cur}/${n}.M1P1.mail:2,S`;
    await Deno.writeTextFile(path, `Subject: ${n}\n\nsecret-words ${n}\n`);
    await Deno.chmod(path, 0o644);
    if (n !== 1) await Deno.chown(path, uid, gid);
  }
  await Deno.chown(cur, 0, 0);
  await Deno.chmod(cur, 0o1777);
  const stuck = await appliance.encimap("seal");
  assert.equal(stuck.code, 1);
  assert.match(stuck.err, /Still in clear: .*\/1\.M1P1\.mail:2,S cannot be/);
  assert.match(stuck.out, /2 sealed, .*1 left in clear/);
  await Deno.chmod(cur, 0o700);
  await Deno.chown(cur, uid, gid);
  assert.equal((await appliance.encimap("seal")).code, 0);
  assert.doesNotMatch(await inClear(), /\.Sent/);
});
