import assert from "node:assert/strict";
import { deliver } from "../../src/vaultbox/deliver.ts";
import { received } from "../../src/vaultbox/receive.ts";
import { createVaultbox } from "../../src/vaultbox/create.ts";
import { ALICE, SERVICE, type TestWorld } from "../helpers/app.ts";
import { CAT, type CatWorld, catWorld } from "../helpers/cat_world.ts";
import { octets } from "../helpers/mail.ts";
import { run } from "../helpers/openssl.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

interface Exported {
  readonly code: number;
  readonly err: string;
  /** The archive. */
  readonly path: string;
  /** Where it was unpacked. */
  readonly directory: string;
}

/** Both parts as the wrapper joins them, each with its own database role. */
async function exported(cat: CatWorld, line: string): Promise<Exported> {
  const { world, env } = cat;
  const directory = `${world.directory}/out`;
  await Deno.mkdir(directory, { recursive: true });
  await Deno.writeTextFile(`${directory}/hmac.key`, "09".repeat(32));
  const script = `
    set -e
    deno run -A --no-prompt '${ROOT}main.ts' export ${line} |
      ENCIMAP_DATABASE_URL="$MAIL_DATABASE_URL" \
      deno run -A --no-prompt '${ROOT}main.ts' export mail ${line} >export.tar`;
  const { code, stderr } = await new Deno.Command("sh", {
    args: ["-c", script],
    cwd: directory,
    env: {
      ...env,
      NO_COLOR: "1",
      MAILDIR_BASE_PATH: `${world.directory}/mail`,
      ENCIMAP_HOSTNAME: "mail.example.test",
      ENCIMAP_HMAC_KEY_FILE: `${directory}/hmac.key`,
      MAIL_DATABASE_URL: world.database.url("vaultmail"),
    },
    stdout: "piped",
    stderr: "piped",
  }).output();
  const err = new TextDecoder().decode(stderr);
  return { code, err, path: `${directory}/export.tar`, directory };
}

async function send(
  { intake }: TestWorld,
  id: string,
  text: string,
  alias = "cat",
): Promise<void> {
  await deliver(intake, {
    route: id,
    recipient: `${alias}@pets.example`,
    sender: "bob@sender.example",
    queueId: crypto.randomUUID(),
    message: received(octets(`From: bob@sender.example\n\n${text}\n`)),
  });
}

const READ_MAILDIR = `
import mailbox, sys
box = mailbox.Maildir(sys.argv[1], create=False)
def show(folder, name):
    for key, message in sorted(folder.items()):
        print(name, message.get_flags(), int(message.get_date()), message['From'])
show(box, 'INBOX')
for name in sorted(box.list_folders()):
    show(box.get_folder(name), name)
`;

Deno.test("openssl opens each mail of an export with the exported key, and Python's mailbox module reads folders, flags and dates", async () => {
  await using cat = await catWorld("server");
  const { world, id } = cat;
  for (const text of ["one", "two", "x".repeat(3_000_000)]) {
    await send(world, id, text);
  }
  const maildir = `${world.directory}/mail/${id}/Maildir`;
  const [first] = await Array.fromAsync(Deno.readDir(`${maildir}/new`));
  await Deno.mkdir(`${maildir}/.Alt &AOk-/cur`, { recursive: true });
  const moved = `${maildir}/.Alt &AOk-/cur/${first!.name}:2,FS`;
  await Deno.rename(`${maildir}/new/${first!.name}`, moved);
  await Deno.utime(moved, 1_000_000_000, 1_000_000_000);
  await Deno.writeTextFile(`${maildir}/dovecot-uidlist`, "3 V1 N2\n");

  const { code, err, directory } = await exported(cat, CAT);
  assert.equal(code, 0, err);
  const [, password] = /shown once: (\S+)/.exec(err)!;
  await run("tar", ["-xf", "export.tar"], { cwd: directory });
  const home = `${directory}/encimap-export/${CAT}`;
  await run("unzip", ["-q", "bundle.zip"], { cwd: home });
  const pass = `pass:${password}`;
  await run(
    "openssl",
    "pkcs12 -in certificate.p12 -nodes -out key.pem -passin".split(" ")
      .concat(pass),
    { cwd: home },
  );
  const listing = new TextDecoder().decode(
    await run("python3", ["-c", READ_MAILDIR, `${home}/Maildir`], {
      cwd: home,
    }),
  );
  assert.equal(listing.trimEnd().split("\n").length, 3);
  assert.match(listing, /^Alt &AOk- FS 1000000000 bob@sender\.example$/m);
  const files = await run("find", ["Maildir", "-name", "*,S=*"], {
    cwd: home,
  });
  const bodies: string[] = [];
  const paths = new TextDecoder().decode(files).trimEnd().split("\n");
  for (const path of paths) {
    const opened = await run(
      "openssl",
      [
        "cms",
        "-decrypt",
        "-in",
        path,
        "-inkey",
        "key.pem",
        "-recip",
        "key.pem",
      ],
      { cwd: home },
    );
    bodies.push(new TextDecoder().decode(opened).trim().slice(-3));
  }
  assert.deepEqual(bodies.sort(), ["one", "two", "xxx"]);
  assert.equal(
    await Deno.readTextFile(`${home}/Maildir/dovecot-uidlist`),
    "3 V1 N2\n",
  );
  const box = JSON.parse(await Deno.readTextFile(`${home}/vaultbox.json`));
  assert.equal(box.id, id);
  assert.equal(box.keys, "bundle.zip");
  const messages = await Deno.readTextFile(`${home}/messages-0001.jsonl`);
  assert.equal(messages.trimEnd().split("\n").length, 3);
  const readme = await Deno.readTextFile(
    `${directory}/encimap-export/README.txt`,
  );
  assert.match(readme, /openssl cms -decrypt/);
  const log = await world.app.sql`select action from audit_log order by id`;
  assert.deepEqual(
    log.map((row) => row["action"]).slice(-2),
    ["vaultbox.export", "key.download"],
  );
});

Deno.test("an export of a customer has all its vaultboxes, and says where no key is kept", async () => {
  await using cat = await catWorld("client");
  const { world } = cat;
  const dog = await createVaultbox(world.app, SERVICE, {
    userId: ALICE,
    domain: "pets.example",
    alias: "dog",
    name: "Dog",
    mayClaimDomain: true,
  });
  await send(world, dog.id, "bone", "dog");
  const bundle = await cat.encimap(`bundle ${CAT}`);
  await cat.encimap(`custody confirm ${CAT}`, bundle.file);

  const { code, err, directory } = await exported(cat, `--user ${ALICE}`);
  assert.equal(code, 0, err);
  assert.match(err, /^cat@pets\.example: without keys: /m);
  await run("tar", ["-xf", "export.tar"], { cwd: directory });
  const home = `${directory}/encimap-export`;
  const names = new TextDecoder().decode(
    await run("find", [".", "-type", "f"], { cwd: home }),
  );
  assert.match(names, /^\.\/dog@pets\.example\/bundle\.zip$/m);
  assert.match(names, /^\.\/dog@pets\.example\/Maildir\/new\//m);
  assert.doesNotMatch(names, /cat@pets\.example\/bundle\.zip/);
  assert.match(names, /cat@pets\.example\/certificates\/[0-9a-f]{64}\.pem/);
  assert.match(names, /domains-0001\.jsonl/);
  assert.match(names, /audit-0001\.jsonl/);
  const box = JSON.parse(
    await Deno.readTextFile(`${home}/cat@pets.example/vaultbox.json`),
  );
  assert.match(box.keys, /not kept here/);
});

Deno.test("the bundle in an export of custody client is one that can be confirmed", async () => {
  await using cat = await catWorld("client");
  const { code, err, directory } = await exported(cat, CAT);
  assert.equal(code, 0, err);
  assert.match(err, /custody confirm cat@pets\.example/);
  await run("tar", ["-xf", "export.tar"], { cwd: directory });
  const bundle = await Deno.readFile(
    `${directory}/encimap-export/${CAT}/bundle.zip`,
  );
  const receipt = await cat.encimap(`custody confirm ${CAT}`, bundle);
  assert.equal(receipt.status, 0, receipt.err);
});

Deno.test("an export whose first part fails has no end, and its status says so", async () => {
  await using cat = await catWorld("server");
  await Deno.remove(`${cat.world.directory}/keys`, { recursive: true });
  const { code, err, path } = await exported(cat, CAT);
  assert.equal(code, 1);
  assert.match(err, /the first part is not complete/);
  const tail = (await Deno.readFile(path)).slice(-1024);
  assert.ok(tail.some((octet) => octet !== 0), "it has an end");
});

Deno.test("a dry run of an export hands no key out and writes nothing", async () => {
  await using cat = await catWorld("server");
  const ran = await cat.encimap(`export --dry-run ${CAT}`);
  assert.equal(ran.status, 0, ran.err);
  assert.match(ran.out, /^cat@pets\.example\tactive\tcustody server/);
  const [row] = await cat.world.app.sql`
    select count(*) as count from audit_log
    where action in ('vaultbox.export', 'key.download')
  `;
  assert.equal(row!["count"], 0);
});

Deno.test("an export wants one vaultbox or a user, and no terminal", async () => {
  await using cat = await catWorld("server");
  for (const line of ["export", `export ${CAT} ${CAT}`, "export --user cat"]) {
    assert.equal((await cat.encimap(line)).status, 64, line);
  }
  assert.equal((await cat.encimap(`export ${CAT}`, "", true)).status, 64);
  assert.equal((await cat.encimap("export dog@pets.example")).status, 1);
});
