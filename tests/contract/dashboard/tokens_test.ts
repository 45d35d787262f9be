import assert from "node:assert/strict";
import { ALICE, BOB } from "../../helpers/app.ts";
import { servedApi } from "../../helpers/api.ts";
import { type Browser, PASSWORD } from "../../helpers/dashboard.ts";
import { box, place } from "../../helpers/dashboard_place.ts";

/** The token that a page shows. */
function tokenOf({ page }: Browser): string | undefined {
  return /<code>(eyJ[\w-]+\.[\w-]+\.[\w-]+)<\/code>/.exec(page!.text)?.[1];
}

Deno.test("an operator makes a token for a customer's program, which may do what was ticked", async () => {
  await using made = await place();
  await using api = servedApi(made.world);
  const own = await box(made, ALICE, "pets.example");
  const others = await box(made, BOB, "zoo.example");
  const operator = await made.dashboard.signedIn({ role: "operator" }, "ann");
  await operator.open("/tokens");
  await operator.submit({
    customer: ALICE.toUpperCase(),
    "vaultbox:read": "yes",
    hours: "8",
    password: PASSWORD,
  }, "/tokens");
  const token = tokenOf(operator)!;
  assert.ok(token, operator.page!.text);
  const of = async (path: string, init?: RequestInit) =>
    (await api.fetch(path, token, init)).status;
  assert.equal(await of(`/vaultboxes/${own}`), 200);
  assert.equal(await of(`/vaultboxes/${others}`), 404);
  assert.equal(await of(`/vaultboxes/${own}`, { method: "DELETE" }), 403);
  assert.equal(await of("/machine"), 403);
  const { exp, iat } = JSON.parse(atob(token.split(".")[1]!));
  assert.equal(exp - iat, 8 * 3600);
  // It is nowhere but on the page.
  assert.doesNotMatch(made.dashboard.lines.join("\n"), /eyJ/);
  assert.match(
    made.dashboard.lines.join("\n"),
    /event="token made".*scopes=vaultbox:read/,
  );
});

Deno.test("a token for a service has its maker's name in the audit log", async () => {
  await using made = await place();
  await using api = servedApi(made.world);
  const operator = await made.dashboard.signedIn({ role: "operator" }, "ann");
  await operator.open("/tokens");
  await operator.submit({
    "vaultbox:write": "yes",
    admin: "yes",
    hours: "1",
    password: PASSWORD,
  }, "/tokens");
  const token = tokenOf(operator)!;
  const { status } = await api.fetch("/vaultboxes", token, {
    method: "POST",
    body: JSON.stringify({
      "user_id": ALICE,
      domain: "pets.example",
      alias: "cat",
    }),
  });
  assert.equal(status, 201);
  assert.equal((await api.fetch("/machine", token)).status, 200);
  const [entry] = await made.world.app.sql`
    select actor from audit_log where action = 'vaultbox.create'`;
  assert.equal(entry!["actor"], "service:token:ann");
});

Deno.test("no token is made by what is wrong", async () => {
  await using made = await place();
  const operator = await made.dashboard.signedIn({ role: "operator" });
  const good = {
    customer: ALICE,
    "vaultbox:read": "yes",
    hours: "1",
    password: PASSWORD,
  };
  for (
    const [wrong, said] of [
      [{ password: "wrong" }, /The password is wrong/],
      [{ password: "" }, /The password is wrong/],
      [{ customer: "x" }, /The customer is no UUID/],
      [{ "vaultbox:read": "no" }, /Tick at least one/],
      [{ admin: "yes" }, /is for no customer/],
      [{ hours: "25" }, /The form is not complete/],
      [{ hours: "NaN" }, /The form is not complete/],
    ] as const
  ) {
    await operator.open("/tokens");
    const { status, text } = await operator.submit(
      { ...good, ...wrong },
      "/tokens",
    );
    assert.equal(status, 400);
    assert.match(text, said);
    assert.equal(tokenOf(operator), undefined);
  }
  // Passwords are not guessed here either.
  for (let tries = 0; tries < 10; tries++) {
    await operator.open("/tokens");
    await operator.submit({ ...good, password: "wrong" }, "/tokens");
  }
  assert.equal(operator.page!.status, 429);
});
