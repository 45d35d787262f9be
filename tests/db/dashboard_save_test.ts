import assert from "node:assert/strict";
import { acceptInvitation } from "../../src/dashboard/store/accounts.ts";
import {
  findSession,
  insertSession,
} from "../../src/dashboard/store/sessions.ts";
import { Store } from "../../src/dashboard/store/store.ts";
import { catWorld } from "../helpers/cat_world.ts";

const LOGIN = { login: "ann", passwordHash: "$2b$12$x", now: new Date() };

Deno.test("the dashboard's accounts are saved while it runs, and loaded without sessions", async () => {
  const path = await Deno.makeTempDir({ prefix: "encimap_" });
  await using cat = await catWorld("server", {
    ENCIMAP_DASHBOARD_PATH: path,
    ENCIMAP_DASHBOARD_URL: "https://dashboard.example",
  });
  const file = `${path}/dashboard.sqlite`;
  try {
    const { out } = await cat.encimap("dashboard invite --operator");
    const later = await cat.encimap("dashboard invite --operator");
    let cookie: string;
    {
      using store = new Store(file);
      const secret = out.split("/").at(-1)!;
      const { id, grant } = acceptInvitation(store, secret, LOGIN);
      const who = { accountId: id, name: "ann", grant, client: "" };
      cookie = insertSession(store, who, new Date());
      // It is open, as while the dashboard runs.
      const shown = await cat.encimap("dashboard save", "", true);
      assert.equal(shown.status, 64);
      const saved = await cat.encimap("dashboard save");
      assert.equal(saved.status, 0, saved.err);
      assert.ok(findSession(store, cookie, new Date()));
      store.run("delete from accounts");
      assert.equal((await cat.encimap("dashboard load", "no file")).status, 1);
      assert.deepEqual(store.all("select 1 from accounts"), []);
      const loaded = await cat.encimap("dashboard load", saved.file!);
      assert.equal(loaded.status, 0, loaded.err);
      assert.equal(
        loaded.out,
        `Loaded 1 account(s)\nThe former ones are in ${path}/former.sqlite`,
      );
    }
    using store = new Store(file);
    assert.deepEqual(
      store.all("select login, password_hash as hash from accounts")
        .map((row) => ({ ...row as object })),
      [{ login: "ann", hash: LOGIN.passwordHash }],
    );
    assert.equal(findSession(store, cookie, new Date()), undefined);
    assert.throws(() =>
      acceptInvitation(store, later.out.split("/").at(-1)!, {
        ...LOGIN,
        login: "bob",
      })
    );
    const names = (await Array.fromAsync(Deno.readDir(path)))
      .map(({ name }) => name);
    assert.deepEqual(
      names.filter((name) => !name.startsWith("dashboard.")),
      ["former.sqlite"],
    );
    assert.equal((await Deno.stat(file)).mode! & 0o777, 0o600);
    const former = await Deno.readFile(`${path}/former.sqlite`);
    const undone = await cat.encimap("dashboard load", former);
    assert.match(undone.out, /^Loaded 0 account/);
    // One that nobody can read is kept as it is, with what belongs to it.
    await Deno.writeTextFile(file, "broken");
    await Deno.writeTextFile(`${file}-wal`, "more of it");
    const mended = await cat.encimap("dashboard load", former);
    assert.equal(mended.status, 0, mended.err);
    assert.equal(await Deno.readTextFile(`${path}/former.sqlite`), "broken");
    assert.equal(
      await Deno.readTextFile(`${path}/former.sqlite-wal`),
      "more of it",
    );
    using again = new Store(file);
    assert.deepEqual(again.all("select 1 from accounts"), []);
  } finally {
    await Deno.remove(path, { recursive: true });
  }
});
