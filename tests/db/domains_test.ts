import assert from "node:assert/strict";
import {
  DOMAIN_ORDERS,
  getUserDomain,
  listUserDomains,
} from "../../src/db/domain_claims.ts";
import type { Pool } from "../../src/db/connect.ts";
import { NIL_UUID } from "../../src/http/auth.ts";
import { systemDns } from "../../src/system/dns.ts";
import { createAlias } from "../../src/vaultbox/addresses.ts";
import {
  createOperatorVaultbox,
  createVaultbox,
} from "../../src/vaultbox/create.ts";
import {
  challengeName,
  registerDomain,
  removeDomain,
  verifyDomain,
} from "../../src/vaultbox/domains.ts";
import { ALICE, BOB, SERVICE, testWorld, user } from "../helpers/app.ts";
import { dnsServer, NO_DNSMASQ } from "../helpers/dns.ts";

const PETS = { domain: "pets.example", userId: ALICE, isDeclared: false };
const CAT = {
  userId: ALICE,
  domain: "pets.example",
  alias: "cat",
  name: "Cat",
  mayClaimDomain: false,
};
const code = (code: string) => ({ code });

Deno.test({
  name: "a domain is hosted for the user who sets the TXT record",
  ignore: NO_DNSMASQ,
  fn: async (t) => {
    await using world = await testWorld();
    const alice = user(ALICE);
    const bob = user(BOB);
    const claim = await registerDomain(world.app, alice, PETS);
    const bobs = await registerDomain(world.app, bob, { ...PETS, userId: BOB });
    assert.notEqual(claim.challenge, bobs.challenge);

    await t.step("it holds no vaultbox before", async () => {
      await assert.rejects(
        createVaultbox(world.app, alice, CAT),
        code("forbidden"),
      );
      assert.equal(world.mta.domains.size, 0);
    });
    await t.step("without the record it stays pending", async () => {
      await using server = await dnsServer([]);
      await assert.rejects(
        verifyDomain({ ...world.app, dns: server.dns }, alice, PETS.domain),
        {
          code: "conflict",
          details: {
            name: "_encimap-challenge.pets.example",
            value: claim.challenge,
            records: 0,
          },
        },
      );
    });
    await t.step("another user's record does not help", async () => {
      const record = [challengeName(PETS.domain), bobs.challenge!] as const;
      await using server = await dnsServer([record]);
      await assert.rejects(
        verifyDomain({ ...world.app, dns: server.dns }, alice, PETS.domain),
        code("conflict"),
      );
    });
    await t.step("with the record among others it is hosted", async () => {
      await using server = await dnsServer([
        [challengeName(PETS.domain), "v=spf1 -all"],
        [challengeName(PETS.domain), claim.challenge!],
      ]);
      const app = { ...world.app, dns: server.dns };
      const hosted = await verifyDomain(app, alice, PETS.domain);
      assert.equal(hosted.proof, "dns");
      assert.equal(hosted.challenge, null);
      assert.deepEqual([...world.mta.domains.keys()], ["pets.example"]);
      assert.equal(
        (await verifyDomain(app, alice, PETS.domain)).proof,
        "dns",
      );
    });
    await t.step("then it holds vaultboxes of that user", async () => {
      await createVaultbox(world.app, alice, CAT);
      await assert.rejects(
        createVaultbox(world.app, bob, { ...CAT, userId: BOB }),
        code("forbidden"),
      );
    });
    await t.step("who shows it later does not get it", async () => {
      const record = [challengeName(PETS.domain), bobs.challenge!] as const;
      await using server = await dnsServer([record]);
      await assert.rejects(
        verifyDomain({ ...world.app, dns: server.dns }, bob, PETS.domain),
        { code: "conflict", message: "Domain is hosted for somebody else" },
      );
    });
  },
});

Deno.test("verifyDomain() throws unavailable if DNS does not answer", async () => {
  await using world = await testWorld();
  const alice = user(ALICE);
  await registerDomain(world.app, alice, PETS);
  // Nothing listens there.
  const dns = systemDns({ ipAddr: "127.0.0.1", port: 1 });
  await assert.rejects(
    verifyDomain({ ...world.app, dns }, alice, PETS.domain),
    code("unavailable"),
  );
});

Deno.test("registerDomain() hosts at once what a service declares, never what a user does", async () => {
  await using world = await testWorld();
  const declared = { ...PETS, isDeclared: true };
  await assert.rejects(
    registerDomain(world.app, user(ALICE), declared),
    code("forbidden"),
  );
  const hosted = await registerDomain(world.app, SERVICE, declared);
  assert.equal(hosted.proof, "declared");
  await assert.rejects(
    registerDomain(world.app, SERVICE, declared),
    code("conflict"),
  );
  await assert.rejects(
    registerDomain(world.app, SERVICE, { ...declared, userId: BOB }),
    code("conflict"),
  );
});

Deno.test("registerDomain() twice gives the same challenge", async () => {
  await using world = await testWorld();
  const one = await registerDomain(world.app, user(ALICE), PETS);
  const two = await registerDomain(world.app, user(ALICE), PETS);
  assert.match(one.challenge!, /^encimap-verify=[a-z2-9]{26}$/);
  assert.equal(one.challenge, two.challenge);
});

Deno.test("registerDomain() throws conflict at the hundred and first claim", async () => {
  await using world = await testWorld();
  await world.app.sql`
    insert into domain_claims (domain, user_id, challenge)
    select 'd' || n || '.example', ${ALICE},
      'encimap-verify=' || repeat('a', 26)
    from generate_series(1, 100) n
  `;
  await assert.rejects(
    registerDomain(world.app, user(ALICE), PETS),
    code("conflict"),
  );
  await registerDomain(world.app, user(BOB), { ...PETS, userId: BOB });
});

Deno.test("removeDomain() drops a claim, and a hosted domain only when it is empty", async () => {
  await using world = await testWorld();
  const { app, mta } = world;
  const alice = user(ALICE);
  await registerDomain(app, alice, PETS);
  await assert.rejects(
    removeDomain(app, user(BOB), PETS.domain),
    code("not_found"),
  );
  await removeDomain(app, alice, PETS.domain);
  await assert.rejects(
    getUserDomain(app.sql, ALICE, PETS.domain),
    code("not_found"),
  );
  await registerDomain(app, SERVICE, { ...PETS, isDeclared: true });
  const box = await createVaultbox(app, alice, CAT);
  await assert.rejects(
    removeDomain(app, alice, PETS.domain),
    code("conflict"),
  );
  await app.sql`delete from vaultboxes where id = ${box.id}`;
  await removeDomain(app, alice, PETS.domain);
  assert.equal(mta.domains.size, 0);
});

Deno.test("a service must say whose claim is meant if there are several", async () => {
  await using world = await testWorld();
  await registerDomain(world.app, user(ALICE), PETS);
  await registerDomain(world.app, user(BOB), { ...PETS, userId: BOB });
  await assert.rejects(
    removeDomain(world.app, SERVICE, PETS.domain),
    { code: "invalid_request", message: /^user_id/ },
  );
  await removeDomain(world.app, { ...SERVICE, owner: BOB }, PETS.domain);
  const left = await getUserDomain(world.app.sql, undefined, PETS.domain);
  assert.equal(left.userId, ALICE);
});

Deno.test("listUserDomains() pages through hosted and pending ones of one user", async () => {
  await using world = await testWorld();
  const alice = user(ALICE);
  for (const domain of ["a.example", "b.example", "c.example"]) {
    const isDeclared = domain === "b.example";
    const actor = isDeclared ? SERVICE : alice;
    await registerDomain(world.app, actor, { ...PETS, domain, isDeclared });
  }
  await registerDomain(world.app, user(BOB), { ...PETS, userId: BOB });
  const seen: string[] = [];
  let after: readonly string[] | undefined;
  do {
    const page = { limit: 2, order: DOMAIN_ORDERS["-domain"], after };
    const { rows, next } = await listUserDomains(world.app.sql, ALICE, page);
    seen.push(...rows.map((row) => `${row.domain} ${row.proof}`));
    after = next;
  } while (after !== undefined);
  assert.deepEqual(seen, [
    "c.example null",
    "b.example declared",
    "a.example null",
  ]);
  const first = { limit: 9, order: DOMAIN_ORDERS.domain };
  const pending = await listUserDomains(
    world.app.sql,
    ALICE,
    first,
    "pending",
  );
  assert.equal(pending.rows.length, 2);
});

Deno.test("removeDomain() leaves a domain that has become another user's meanwhile", async () => {
  await using world = await testWorld();
  const { app } = world;
  const { domain } = PETS;
  await createOperatorVaultbox(app, SERVICE, {
    ...CAT,
    userId: NIL_UUID,
    domain: "mail.example.test",
    mayClaimDomain: true,
  });
  await registerDomain(app, SERVICE, { ...PETS, isDeclared: true });
  let removal: Promise<unknown> | undefined;
  await app.sql.begin(async (tx) => {
    await tx`delete from addresses where domain = ${domain}`;
    await tx`delete from domains where domain = ${domain}`;
    await tx`insert into domains ${tx({ domain, userId: BOB })}`;
    removal = removeDomain(app, user(ALICE), domain);
    removal.catch(() => {});
    await waiting(app.sql);
  });
  await assert.rejects(removal!, code("not_found"));
  assert.equal((await getUserDomain(app.sql, BOB, domain)).userId, BOB);
});

Deno.test("removeDomain() and createAlias() at once do not wait for each other", async () => {
  await using world = await testWorld();
  const { app } = world;
  const { domain } = PETS;
  const { id } = await createVaultbox(app, SERVICE, {
    ...CAT,
    mayClaimDomain: true,
  });
  let both: Promise<PromiseSettledResult<unknown>[]> | undefined;
  await app.sql.begin(async (tx) => {
    await tx`select from domains where domain = ${domain} for update`;
    both = Promise.allSettled([
      createAlias(app, user(ALICE), id, { domain, alias: "fox" }),
      removeDomain(app, user(ALICE), domain),
    ]);
    await waiting(app.sql, 2);
  });
  const [alias, removal] = await both!;
  assert.equal(alias!.status, "fulfilled");
  assert.equal(removal!.status, "rejected");
  assert.equal((removal as PromiseRejectedResult).reason.code, "conflict");
});

/** Waits until so many queries wait for locks. */
async function waiting(sql: Pool, count = 1): Promise<void> {
  for (;;) {
    const rows = await sql`
      select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'
    `;
    if (rows.length >= count) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
