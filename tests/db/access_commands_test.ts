/**
 * The operator's commands on suspension, limits, credentials, links and the audit
 * log.
 *
 * @module
 */

import assert from "node:assert/strict";
import bcrypt from "bcryptjs";
import { COMMANDS } from "../../src/cli/commands.ts";
import { ALICE } from "../helpers/app.ts";
import { CAT, catWorld } from "../helpers/cat_world.ts";
import { run } from "../helpers/openssl.ts";

Deno.test("a vaultbox is suspended and resumed, and Postfix knows it", async () => {
  await using cat = await catWorld("server");
  const refusal = async (): Promise<string> => {
    const map = `lmdb:${cat.world.directory}/maps/refusals`;
    const found = await run("/usr/sbin/postmap", ["-q", CAT, map], {
      cwd: "/",
      statuses: [0, 1],
    });
    return new TextDecoder().decode(found);
  };
  const suspended = await cat.encimap(`vaultbox suspend ${CAT}`);
  assert.equal(suspended.out, `${CAT} is suspended`, suspended.err);
  assert.match(await refusal(), /4\.2\.1|5\.2\.1/);
  assert.match(
    (await cat.encimap(`vaultbox show ${cat.id}`)).out,
    /^status +suspended$/m,
  );
  assert.equal(
    (await cat.encimap(`vaultbox resume ${cat.id}`)).out,
    `${CAT} is active`,
  );
  assert.equal(await refusal(), "");
  assert.equal((await cat.encimap("vaultbox suspend owl@x.example")).status, 1);
});

Deno.test("limits are set, shown and taken away, of a vaultbox and of a user", async () => {
  await using cat = await catWorld("server");
  const limits = `vaultbox limits ${CAT}`;
  const set = await cat.encimap(`${limits} --max-bytes 70000 --max-messages 5`);
  assert.deepEqual(set.out.split("\n"), [
    "octets      0, at most 70000",
    "messages    0, at most 5",
  ], set.err);
  await cat.encimap(`${limits} --max-bytes none`);
  assert.deepEqual((await cat.encimap(limits)).out.split("\n"), [
    "octets      0, no limit",
    "messages    0, at most 5",
  ]);
  const wrong = await cat.encimap(`${limits} --max-bytes many`);
  assert.equal(wrong.status, 64);
  assert.match(wrong.err, /--max-bytes must be an integer/);

  const customer = `customer limits ${ALICE}`;
  assert.match(
    (await cat.encimap(`${customer} --max-vaultboxes 3`)).out,
    /^vaultboxes +1, at most 3$/m,
  );
  assert.match(
    (await cat.encimap(customer)).out,
    /^vaultboxes +1, at most 3$/m,
  );
  assert.match(
    (await cat.encimap("customer list")).out,
    new RegExp(`^${ALICE}\t1\t`, "m"),
  );
  assert.equal((await cat.encimap("customer limits alice")).status, 64);
});

Deno.test("a certificate is published and published no more", async () => {
  await using cat = await catWorld("server");
  const isPublished = async () => {
    const [row] = await cat.world.app.sql`
      select publish_certificate from vaultboxes
    `;
    return row!["publishCertificate"];
  };
  await cat.encimap(`vaultbox publish ${CAT} on`);
  assert.equal(await isPublished(), true);
  await cat.encimap(`vaultbox publish ${CAT} off`);
  assert.equal(await isPublished(), false);
  assert.equal((await cat.encimap(`vaultbox publish ${CAT} maybe`)).status, 64);
});

Deno.test("a credential is made, listed, given a new password, and revoked", async () => {
  await using cat = await catWorld("server");
  const made = await cat.encimap(
    `credential create ${CAT} --label 42 --scope imap --days 7 --networks 192.0.2.0/24,2001:db8::/32`,
  );
  assert.equal(made.status, 0, made.err);
  const [, id, login, password] =
    /^id +(\S+)\nuser name (\S+)\npassword +(\S+)$/.exec(made.out)!;
  const opens = async (word: string): Promise<boolean> => {
    const [row] = await cat.world.app.sql`
      select password_hash from app_credentials where login = ${login!}
    `;
    return await bcrypt.compare(word, row!["passwordHash"]);
  };
  assert.ok(await opens(password!));
  const listed = await cat.encimap(`credential list ${CAT} --json`);
  const credential = JSON.parse(listed.out);
  assert.equal(credential.id, id);
  assert.equal(credential.label, "42");
  assert.equal(credential.scope, "imap");
  assert.deepEqual(credential["allowed_networks"], [
    "192.0.2.0/24",
    "2001:db8::/32",
  ]);
  const days = (Date.parse(credential["expires_at"]) - Date.now()) / 86_400_000;
  assert.ok(days > 6.9 && days <= 7, `${days}`);
  assert.match(
    (await cat.encimap(`credential list ${cat.id}`)).out,
    new RegExp(`^${id}\t${login}\timap\tuntil .*\tnever used\t192.*\t42$`),
  );

  const changed = await cat.encimap(`credential password ${CAT} ${id}`);
  const [next] = /(?<=^password +)\S+$/m.exec(changed.out)!;
  assert.ok(await opens(next!));
  assert.ok(!await opens(password!));
  assert.equal((await cat.encimap(`credential delete ${CAT} ${id}`)).status, 0);
  assert.equal((await cat.encimap(`credential list ${CAT}`)).out, "");
  assert.equal((await cat.encimap(`credential delete ${CAT} ${id}`)).status, 1);

  for (
    const option of ["--scope pop3", "--days 0", "--networks 192.0.2.1/24"]
  ) {
    const wrong = await cat.encimap(`credential create ${CAT} ${option}`);
    assert.equal(wrong.status, 64, option);
    assert.ok(wrong.err.includes(option.split(" ")[0]!), wrong.err);
  }
});

Deno.test("a one-time link is made, listed and taken back", async () => {
  await using cat = await catWorld("server", {
    ENCIMAP_PUBLIC_PORT: "4302",
  });
  const made = await cat.encimap(
    `setup-link create ${CAT} --seconds 600 --with-credential`,
  );
  assert.equal(made.status, 0, made.err);
  assert.match(made.out, /^https:\/\/\S+\/setup\/[\w-]{32}$/);
  const listed = await cat.encimap(`setup-link list ${CAT}`);
  const [id] = listed.out.split("\t");
  assert.match(listed.out, /\tuntil .*\twith credential$/);
  assert.equal(
    JSON.parse((await cat.encimap(`setup-link list ${CAT} --json`)).out).id,
    id,
  );
  assert.equal((await cat.encimap(`setup-link delete ${CAT} ${id}`)).status, 0);
  assert.equal((await cat.encimap(`setup-link delete ${CAT} ${id}`)).status, 1);
});

Deno.test("the audit log is read, also of a vaultbox that is deleted, and has no password", async () => {
  await using cat = await catWorld("server");
  const made = await cat.encimap(`credential create ${CAT}`);
  const [password] = /(?<=^password +)\S+$/m.exec(made.out)!;
  await cat.encimap(`vaultbox suspend ${CAT}`);
  await cat.encimap(`vaultbox delete ${CAT} --yes`);
  const log = await cat.encimap(`audit ${cat.id}`);
  const actions = log.out.split("\n").map((line) => line.split("\t")[2]);
  assert.deepEqual(actions.slice(0, 3), [
    "vaultbox.delete",
    "vaultbox.update",
    "app_credential.create",
  ]);
  assert.ok(!log.out.includes(password!));
  assert.match(log.out, /\toperator\t/);
  const one = await cat.encimap("audit --limit 1 --json");
  assert.equal(JSON.parse(one.out).action, "vaultbox.delete");
  const some = await cat.encimap(`audit --action vaultbox.update`);
  assert.match(some.out, /"status":"suspended"/);
  assert.equal(some.out.split("\n").length, 1);
  assert.equal((await cat.encimap("audit --limit 0")).status, 64);
});

Deno.test("each of these commands has a help", async () => {
  await using cat = await catWorld("server");
  const names = COMMANDS.map(({ name }) => name).filter((name) =>
    /^(?:credential|setup-link|customer|audit|vaultbox (?:suspend|resume|limits|publish))/
      .test(name)
  );
  assert.equal(names.length, 14);
  for (const name of names) {
    const { status, out } = await cat.encimap(`${name} --help`);
    assert.equal(status, 0);
    assert.ok(out.includes(`encimap ${name}`), out);
  }
});
