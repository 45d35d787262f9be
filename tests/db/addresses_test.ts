import assert from "node:assert/strict";
import { AppError, type ErrorCode } from "../../src/errors.ts";
import {
  createAlias,
  removeAlias,
  removeCatchAll,
  setCatchAll,
} from "../../src/vaultbox/addresses.ts";
import {
  createOperatorVaultbox,
  createVaultbox,
} from "../../src/vaultbox/create.ts";
import { createSmtpCredential } from "../../src/vaultbox/credentials.ts";
import { deliver, type Delivery } from "../../src/vaultbox/deliver.ts";
import { removeDomain } from "../../src/vaultbox/domains.ts";
import { NIL_UUID } from "../../src/http/auth.ts";
import { mendRoutes } from "../../src/vaultbox/routes.ts";
import { lockRoutes } from "../../src/db/domains.ts";
import { reconcile } from "../../src/vaultbox/reconcile.ts";
import { removeVaultbox } from "../../src/vaultbox/remove.ts";
import { received } from "../../src/vaultbox/receive.ts";
import {
  ALICE,
  BOB,
  SERVICE,
  type TestWorld,
  testWorld,
  user,
} from "../helpers/app.ts";
import { octets } from "../helpers/mail.ts";

const DOMAIN = "pets.example";
const MAIL = octets("From: bob@sender.example\n\nx\n");

/** A long queue id of Postfix 3.7, made at 2026-11-22T14:27:04.948Z. */
const QUEUE_ID = "4jXWc86kcKzDZV4";
const ACCEPTED = "2026-11-22T14:27:04.948Z";
const EARLIER = "2026-11-22T14:27:00Z";
const LATER = "2026-11-22T14:27:09Z";

function code(expected: ErrorCode): (error: unknown) => boolean {
  return (error) => error instanceof AppError && error.code === expected;
}

async function box(
  world: TestWorld,
  alias: string,
  userId = ALICE,
  domain = DOMAIN,
): Promise<string> {
  const { id } = await createVaultbox(world.app, SERVICE, {
    userId,
    domain,
    alias,
    name: alias,
    mayClaimDomain: true,
  });
  return id;
}

function mail(route: string, recipient: string, queueId = QUEUE_ID): Delivery {
  return { route, recipient, sender: "", queueId, message: received(MAIL) };
}

async function holders(world: TestWorld): Promise<string[]> {
  const rows = await world.app.sql<{ vaultboxId: string }[]>`
    select vaultbox_id from messages
  `;
  return rows.map((row) => row.vaultboxId);
}

Deno.test("createAlias() adds a route and no sender, and mail to it is the vaultbox's", async () => {
  await using world = await testWorld();
  const id = await box(world, "cat");
  await createSmtpCredential(world.app, user(ALICE), id, {});
  await createAlias(world.app, user(ALICE), id, {
    domain: DOMAIN,
    alias: "kitty",
  });
  assert.equal(
    world.mta.transport.get("kitty@pets.example"),
    `encimap-pipe:${id}`,
  );
  assert.deepEqual([...world.mta.senders.keys()], ["cat@pets.example"]);
  await deliver(world.intake, mail(id, "Kitty@pets.example"));
  const [row] = await world.app.sql`select to_alias from messages`;
  assert.equal(row!["toAlias"], "kitty");
  await reconcile(world.app, { dryRun: false });
  assert.deepEqual([...world.mta.senders.keys()], ["cat@pets.example"]);
});

Deno.test("two addresses of one vaultbox in one mail give one copy", async () => {
  await using world = await testWorld();
  const id = await box(world, "cat");
  await createAlias(world.app, user(ALICE), id, {
    domain: DOMAIN,
    alias: "kitty",
  });
  await setCatchAll(world.app, user(ALICE), DOMAIN, id);
  for (const local of ["cat", "kitty", "whoever"]) {
    await deliver(world.intake, mail(id, `${local}@${DOMAIN}`));
  }
  assert.deepEqual(await holders(world), [id]);
});

for (
  const [name, address, expected] of [
    ["an own address", "fox@pets.example", "conflict"],
    ["another alias", "kitty@pets.example", "conflict"],
    ["a role", "postmaster@pets.example", "conflict"],
    ["a name of the system", "root@mail.example.test", "conflict"],
    ["a domain of nobody", "cat@free.example", "forbidden"],
    ["another user's domain", "cat@bobs.example", "forbidden"],
  ] as const
) {
  Deno.test(`createAlias() throws ${expected} for ${name}, and changes nothing`, async () => {
    await using world = await testWorld();
    const id = await box(world, "cat");
    const fox = await box(world, "fox");
    await box(world, "dog", BOB, "bobs.example");
    const kitty = { domain: DOMAIN, alias: "kitty" };
    await createAlias(world.app, user(ALICE), fox, kitty);
    const before = [...world.mta.transport];
    const [alias, domain] = address.split("@") as [string, string];
    await assert.rejects(
      createAlias(world.app, user(ALICE), id, { domain, alias }),
      code(expected),
    );
    assert.deepEqual([...world.mta.transport], before);
  });
}

Deno.test("an alias may be in another domain of the same user", async () => {
  await using world = await testWorld();
  const id = await box(world, "cat");
  await box(world, "dog", ALICE, "dogs.example");
  const address = { domain: "dogs.example", alias: "cat" };
  await createAlias(world.app, user(ALICE), id, address);
  await deliver(world.intake, mail(id, "cat@dogs.example"));
  assert.deepEqual(await holders(world), [id]);
});

Deno.test("createVaultbox() throws conflict for an address that is an alias", async () => {
  await using world = await testWorld();
  const id = await box(world, "cat");
  const address = { domain: DOMAIN, alias: "kitty" };
  await createAlias(world.app, user(ALICE), id, address);
  await assert.rejects(box(world, "kitty"), code("conflict"));
});

Deno.test("createAlias() throws conflict at the hundred-and-first alias, also of many at once", async () => {
  await using world = await testWorld();
  const id = await box(world, "cat");
  await world.app.sql`
    insert into addresses (domain, alias, vaultbox_id, kind)
    select ${DOMAIN}, 'a' || n, ${id}, 'alias' from generate_series(1, 98) n
  `;
  const results = await Promise.allSettled(
    ["x", "y", "z", "w"].map((alias) =>
      createAlias(world.app, user(ALICE), id, { domain: DOMAIN, alias })
    ),
  );
  const made = results.filter(({ status }) => status === "fulfilled");
  assert.equal(made.length, 2);
  const [row] = await world.app.sql`
    select count(*) from addresses where kind = 'alias'
  `;
  assert.equal(row!["count"], 100);
});

Deno.test("createAlias() leaves nothing if Postfix cannot be told", async () => {
  await using world = await testWorld();
  const id = await box(world, "cat");
  world.mta.refusal = new AppError("unavailable", "No");
  const address = { domain: DOMAIN, alias: "kitty" };
  await assert.rejects(
    createAlias(world.app, user(ALICE), id, address),
    world.mta.refusal,
  );
  const rows = await world.app.sql`select from addresses where kind = 'alias'`;
  assert.equal(rows.length, 0);
  const log = await world.app.sql`
    select action from audit_log where action like 'alias.%' order by id
  `;
  assert.deepEqual(log.map((row) => row["action"]), [
    "alias.create",
    "alias.create.undo",
  ]);
});

Deno.test("removeAlias() removes the route, and neither an own address nor another's alias", async () => {
  await using world = await testWorld();
  const id = await box(world, "cat");
  const fox = await box(world, "fox");
  const kitty = { domain: DOMAIN, alias: "kitty" };
  await createAlias(world.app, user(ALICE), id, kitty);
  const gone = code("not_found");
  await assert.rejects(removeAlias(world.app, user(BOB), id, kitty), gone);
  await assert.rejects(removeAlias(world.app, user(ALICE), fox, kitty), gone);
  const own = { domain: DOMAIN, alias: "cat" };
  await assert.rejects(removeAlias(world.app, user(ALICE), id, own), gone);
  await removeAlias(world.app, user(ALICE), id, kitty);
  assert.deepEqual([...world.mta.transport.keys()], [
    "cat@pets.example",
    "fox@pets.example",
  ]);
  await assert.rejects(
    deliver(world.intake, mail("unrouted", "kitty@pets.example")),
    code("unknown_vaultbox"),
  );
});

Deno.test("a catch-all gets what no address gets; the operator keeps postmaster@", async () => {
  await using world = await testWorld();
  const operator = await createOperatorVaultbox(world.app, SERVICE, {
    userId: BOB,
    domain: "mail.example.test",
    alias: "postmaster",
    name: "Operator",
    mayClaimDomain: true,
  });
  const cat = await box(world, "cat");
  const fox = await box(world, "fox");
  await setCatchAll(world.app, user(ALICE), DOMAIN, cat);
  const route = `encimap-pipe:${cat}`;
  assert.equal(world.mta.transport.get("pets.example"), route);
  assert.equal(world.mta.transport.get("@pets.example"), route);
  assert.equal(world.mta.senders.size, 0);
  const sent: [string, string][] = [
    ["owl@pets.example", cat],
    ['o\x01w"l@pets.example', cat],
    ["*@pets.example", cat],
    ["fox@pets.example", fox],
    ["postmaster@pets.example", operator.id],
  ];
  for (const [index, [recipient, expected]] of sent.entries()) {
    const queueId = `q${index}`;
    await deliver(world.intake, mail("unrouted", recipient, queueId));
    const [row] = await world.app.sql`
      select vaultbox_id from messages order by received_at desc limit 1
    `;
    assert.equal(row!["vaultboxId"], expected, recipient);
  }
  const drift = await reconcile(world.app, { dryRun: true });
  assert.deepEqual(drift.routes, { set: [], drop: [] });
});

Deno.test("removeCatchAll() and the holder's deletion remove both routes", async () => {
  await using world = await testWorld();
  const cat = await box(world, "cat");
  const fox = await box(world, "fox");
  await setCatchAll(world.app, user(ALICE), DOMAIN, cat);
  await setCatchAll(world.app, user(ALICE), DOMAIN, fox);
  assert.equal(world.mta.transport.get("@pets.example"), `encimap-pipe:${fox}`);
  await removeCatchAll(world.app, user(ALICE), DOMAIN);
  assert.equal(world.mta.transport.size, 2);
  await setCatchAll(world.app, user(ALICE), DOMAIN, fox);
  const kitty = { domain: DOMAIN, alias: "kitty" };
  await createAlias(world.app, user(ALICE), fox, kitty);
  await removeVaultbox(world.app, user(ALICE), fox);
  assert.deepEqual([...world.mta.transport.keys()], ["cat@pets.example"]);
});

Deno.test("a catch-all is for a vaultbox and a domain of one user, whoever asks", async () => {
  await using world = await testWorld();
  const cat = await box(world, "cat");
  const dog = await box(world, "dog", BOB, "bobs.example");
  const refused = [
    [user(ALICE), DOMAIN, dog],
    [user(ALICE), "bobs.example", cat],
    [user(BOB), DOMAIN, dog],
    [SERVICE, DOMAIN, dog],
    [SERVICE, "free.example", dog],
  ] as const;
  for (const [actor, domain, id] of refused) {
    await assert.rejects(
      setCatchAll(world.app, actor, domain, id),
      code("not_found"),
    );
  }
  await setCatchAll(world.app, SERVICE, DOMAIN, cat);
  await assert.rejects(
    removeCatchAll(world.app, user(BOB), DOMAIN),
    code("not_found"),
  );
});

/** Who had fox@ from and until when, and what becomes of mail for it. */
const FORMER: {
  name: string;
  removed?: string;
  held?: string;
  catchAll: string;
  again?: string;
  formerCatchAll?: string;
  expected: "catch-all" | "fox" | "nobody";
}[] = [
  {
    name: "accepted for the former holder is nobody's",
    removed: LATER,
    catchAll: EARLIER,
    expected: "nobody",
  },
  {
    name: "accepted before the former holder stays the catch-all's",
    removed: LATER,
    held: LATER,
    catchAll: EARLIER,
    expected: "catch-all",
  },
  {
    name: "accepted after the former holder is the catch-all's",
    removed: EARLIER,
    catchAll: EARLIER,
    expected: "catch-all",
  },
  {
    name:
      "accepted before a new holder, while the address was free, is the catch-all's",
    removed: EARLIER,
    catchAll: EARLIER,
    again: LATER,
    expected: "catch-all",
  },
  {
    name: "accepted for the former of two holders is nobody's",
    removed: LATER,
    catchAll: EARLIER,
    again: LATER,
    expected: "nobody",
  },
  {
    name:
      "accepted for the catch-all before the address had its first holder stays the catch-all's",
    catchAll: EARLIER,
    again: LATER,
    expected: "catch-all",
  },
  {
    name: "accepted for the new holder is its own",
    removed: EARLIER,
    catchAll: EARLIER,
    again: EARLIER,
    expected: "fox",
  },
  {
    name: "accepted for a former catch-all is nobody's",
    catchAll: LATER,
    formerCatchAll: EARLIER,
    expected: "nobody",
  },
];
for (
  const { name, removed, held, catchAll, again, formerCatchAll, expected }
    of FORMER
) {
  for (const way of ["by the old route", "unrouted", "by the new route"]) {
    Deno.test(`mail ${name}, ${way}`, async () => {
      await using world = await testWorld();
      const { sql } = world.app;
      const cat = await box(world, "cat");
      let old: string = crypto.randomUUID();
      if (removed !== undefined) {
        old = await box(world, "fox");
        await removeVaultbox(world.app, user(ALICE), old);
        await sql`
          update former_addresses
          set removed_at = ${removed}, held_since = ${
          held ?? "1970-01-01T00:00:00Z"
        }
        `;
      }
      await setCatchAll(world.app, user(ALICE), DOMAIN, cat);
      await sql`
        update addresses set created_at = ${catchAll} where alias = '*'
      `;
      if (formerCatchAll !== undefined) {
        await sql`
          insert into former_addresses values (${DOMAIN}, '*', ${formerCatchAll})
        `;
      }
      let fox: string | undefined;
      if (again !== undefined) {
        fox = await box(world, "fox");
        await sql`
          update addresses set created_at = ${again} where alias = 'fox'
        `;
      }
      const route = {
        "by the old route": old,
        "unrouted": "unrouted",
        "by the new route": fox ?? cat,
      }[way]!;
      const attempt = deliver(world.intake, mail(route, `fox@${DOMAIN}`));
      if (expected === "nobody") {
        await assert.rejects(attempt, code("unknown_vaultbox"));
      } else {
        await attempt;
        assert.deepEqual(await holders(world), [
          expected === "fox" ? fox : cat,
        ]);
      }
      assert.equal(new Date(ACCEPTED) < new Date(LATER), true);
    });
  }
}

for (
  const [alias, expected] of [["fox", "nobody"], ["postmaster", "operator"]]
) {
  Deno.test(`mail for ${alias}@ that a former user's catch-all was accepted for is ${expected}'s`, async () => {
    await using world = await testWorld();
    const { sql } = world.app;
    const operator = await createOperatorVaultbox(world.app, SERVICE, {
      userId: NIL_UUID,
      domain: "mail.example.test",
      alias: "operator",
      name: "Operator",
      mayClaimDomain: true,
    });
    const cat = await box(world, "cat");
    await setCatchAll(world.app, user(ALICE), DOMAIN, cat);
    await removeVaultbox(world.app, user(ALICE), cat);
    await removeDomain(world.app, user(ALICE), DOMAIN);
    await box(world, "dog", BOB);
    if (alias === "fox") await box(world, "fox", BOB);
    await sql`update former_addresses set removed_at = ${LATER}`;
    await sql`update addresses set created_at = ${LATER}`;

    const attempt = deliver(
      world.intake,
      mail("unrouted", `${alias}@${DOMAIN}`),
    );
    if (expected === "nobody") {
      await assert.rejects(attempt, code("unknown_vaultbox"));
      assert.deepEqual(await holders(world), []);
    } else {
      await attempt;
      assert.deepEqual(await holders(world), [operator.id]);
    }
  });
}

Deno.test("a creation in a hosted domain costs one run of postmap", async () => {
  await using world = await testWorld();
  await box(world, "cat");
  const before = world.mta.runs;
  await box(world, "fox");
  assert.equal(world.mta.runs - before, 1);
});

Deno.test("after a change that failed the next one mends all maps", async () => {
  await using world = await testWorld();
  world.mta.refusal = new AppError("unavailable", "No");
  await assert.rejects(box(world, "cat"));
  world.mta.refusal = undefined;
  // The domain was claimed all the same: this creation alone would not tell it.
  const fox = await box(world, "fox");
  assert.deepEqual([...world.mta.domains.keys()], [DOMAIN]);
  assert.deepEqual([...world.mta.transport], [
    ["fox@pets.example", `encimap-pipe:${fox}`],
  ]);
});

Deno.test("a route that stayed because the database failed is mended without another change", async () => {
  await using world = await testWorld();
  const { app, mta } = world;
  const cat = await box(world, "cat");
  const before = new Map(mta.transport);
  let removal: Promise<void> | undefined;
  await app.sql.begin(async (tx) => {
    await lockRoutes(tx);
    removal = removeVaultbox(app, user(ALICE), cat);
    let cancelled = 0;
    while (cancelled === 0) {
      ({ count: cancelled } = await app.sql`
        select pg_cancel_backend(pid) from pg_stat_activity
        where datname = current_database() and wait_event = 'advisory'
      `);
    }
  });
  await removal;
  assert.deepEqual(mta.transport, before);
  await mendRoutes(app);
  assert.equal(mta.transport.size, 0);

  mta.transport.set("fox@pets.example", "encimap-pipe:unknown");
  await mendRoutes(app);
  assert.equal(mta.transport.size, 1, "nothing is compared without a failure");
});
