import assert from "node:assert/strict";
import { ALICE } from "../helpers/app.ts";
import { MISSING, startAppliance } from "../helpers/appliance.ts";
import { makeLogin } from "../helpers/appliance_box.ts";
import { run } from "../helpers/openssl.ts";

const PROGRAM = new URL("../../dist/encimap", import.meta.url).pathname;

/** Fills a mailbox, and says what is in one. */
const CLIENT = `
import imaplib, ssl, sys
port, user, password, what = sys.argv[1:]
c = imaplib.IMAP4_SSL('127.0.0.1', int(port), ssl_context=ssl._create_unverified_context())
c.login(user, password)
if what == 'fill':
    def add(folder, flags, date, body):
        text = b'From: bob@sender.example\\r\\nSubject: s\\r\\n\\r\\n' + body + b'\\r\\n'
        assert c.append(folder, flags, date, text)[0] == 'OK'
    c.create('"A &AOk- \\\\"b.c"')
    add('INBOX', '(\\\\Seen \\\\Answered)', '"01-Jan-2020 12:00:00 +0100"', b'secret-words 1')
    add('INBOX', '($Label1)', '" 2-Jan-2020 12:00:00 +0000"', b'secret-words 2')
    add('Sent', '(\\\\Flagged)', '"03-Jan-2020 12:00:00 -0200"', b'secret-words {12}' + b'x' * 1500000)
    add('"A &AOk- \\\\"b.c"', '()', '"04-Jan-2020 12:00:00 +0000"', b'')
else:
    for folder in ['INBOX', 'Sent', '"A &AOk- \\\\"b.c"']:
        status, found = c.select(folder, readonly=True)
        if status != 'OK' or found == [b'0']: continue
        for each in c.fetch('1:*', '(FLAGS INTERNALDATE)')[1]:
            print(folder, each.decode().split(' ', 1)[1].replace('\\\\Recent', '').replace(' )', ')'))
`;

Deno.test({
  name:
    `encimap import fetches a mailbox of another server by IMAP, keeps folders, flags and dates, puts nothing in clear on the disk, and fetches nothing twice${
      MISSING ? ` (needs ${MISSING})` : ""
    }`,
  ignore: MISSING !== undefined,
}, async () => {
  await using appliance = await startAppliance();
  const { directory } = appliance;
  const boxOf = async (alias: string) => {
    const made = await appliance.api("POST", "/vaultboxes", {
      "user_id": ALICE,
      domain: "pets.example",
      alias,
      name: alias,
    });
    const id = made.data["vaultbox_id"] as string;
    const login = await makeLogin(appliance, id);
    const client = async (what: string): Promise<string> => {
      const args = [appliance.imapsPort, login.username, login.password, what];
      const said = await run("python3", ["-c", CLIENT, ...args.map(String)], {
        cwd: "/",
      });
      return new TextDecoder().decode(said);
    };
    return { id, login, client };
  };
  // One vaultbox is the mailbox of another server: nothing seals it here.
  const old = await boxOf("old");
  const cat = await boxOf("cat");
  await old.client("fill");

  const owner = new TextDecoder().decode(
    await run("stat", ["-c", "%u", `${directory}/mail`], { cwd: "/" }),
  ).trim();
  const importing = async (
    password: string,
    statuses: number[],
    option?: string,
    to: string = cat.id,
  ): Promise<string> => {
    const said = await run("setpriv", [
      ...[`--reuid=${owner}`, `--regid=${owner}`, "--clear-groups"],
      ...[PROGRAM.replace(/.*\/dist/, `${directory}/dist`), "import", to],
      ...["--imap", `imaps://localhost:${appliance.imapsPort}`],
      ...["--login", old.login.username],
      ...["--tls-ca", `${directory}/tls.pem`],
      ...(option === undefined ? [] : [option]),
    ], {
      cwd: "/",
      stdin: `${password}\n`,
      env: { ENCIMAP_CONFIG_FILE: `${directory}/encimap.env` },
      statuses,
    });
    return new TextDecoder().decode(said);
  };
  const { password } = old.login;
  await importing("wrong", [1]);
  const dry = await importing(password, [0], "--dry-run");
  assert.match(dry, /: 4 message\(s\) would be imported/);
  assert.equal(await cat.client("list"), "");
  const first = await importing(password, [0]);
  assert.match(first, /: 4 message\(s\) imported\n1 had labels/);
  const listed = await cat.client("list");
  assert.equal(listed, (await old.client("list")).replace(" $Label1", ""));
  const clear = await run("grep", ["-rl", "secret-words", cat.id], {
    cwd: `${directory}/mail`,
    statuses: [0, 1],
  });
  assert.equal(clear.length, 0);
  assert.match(
    await importing(password, [0]),
    /: 0 message\(s\) imported\n4 there already/,
  );
  assert.equal(await cat.client("list"), listed);
  const verified = await appliance.encimap("verify", cat.id);
  assert.equal(verified.code, 0, verified.out);

  // One that Dovecot cannot read keeps no other out.
  const owl = await boxOf("owl");
  const broken = `${directory}/mail/${old.id}/Maildir/cur`;
  const [{ name }] = await Array.fromAsync(Deno.readDir(broken)) as [
    Deno.DirEntry,
  ];
  await Deno.remove(`${broken}/${name}`);
  await Deno.mkdir(`${broken}/${name}`);
  assert.match(
    await importing(password, [1], undefined, owl.id),
    /: 3 message\(s\) imported\n1 left out/,
  );
});
