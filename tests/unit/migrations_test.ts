/**
 * The rule that lets an upgrade be taken back: a step of the schema leaves the
 * programs of before it what they use, or says that it does not.
 */

import assert from "node:assert/strict";
import { excludesOlder } from "../../src/db/migrate.ts";
import { type Migration, MIGRATIONS } from "../../src/db/migrations.ts";

/** Steps of before the rule. */
const FREE = 17;

/** What a step may say of a statement that the test does not understand. */
const HARMLESS_REGEXP = /^-- Older programs go on: .+$/m;

/** A statement that takes nothing away from whoever does not know it. */
const ADDITIVE: readonly RegExp[] = [
  /^create table /,
  /^create index /,
  /^create type /,
  /^create view /,
  /^create function /,
  /^comment on /,
];

Deno.test("a step that older programs may not survive says so", () => {
  for (const step of MIGRATIONS.slice(FREE)) {
    assert.deepEqual(doubtful(step), [], step.name);
  }
});

Deno.test("additions are no reason for doubt", () => {
  const text = `
    -- drop table vaultboxes
    create table more (id integer not null);
    create unique index more_id on more (id);
    alter table vaultboxes add column more_id integer references more,
      add column numbers numeric(3, 1) not null default 0;
    create index vaultboxes_more on vaultboxes (more_id);
    create function f() returns trigger language plpgsql as $$
    begin delete from more; return old; end
    $$;`;
  assert.deepEqual(doubtful({ name: "x", text }), []);
});

Deno.test("what could stop an older program is doubtful unless the step says more", () => {
  for (
    const statement of [
      "drop table vaultboxes",
      "alter table vaultboxes drop column name",
      "alter table vaultboxes rename column name to title",
      "alter table vaultboxes alter column name set not null",
      "alter table vaultboxes add column title text not null",
      "alter table vaultboxes add column a text, add constraint b check (a <> '')",
      "create unique index names on vaultboxes (name)",
      "create trigger t before insert on vaultboxes execute function f()",
      "delete from vaultboxes",
    ]
  ) {
    const step = { name: "x", text: `create table a (b text); ${statement};` };
    assert.equal(doubtful(step).length, 1, statement);
    for (const word of ["Excludes older programs", "Older programs go on"]) {
      const said = { ...step, text: `-- ${word}: why.\n${step.text}` };
      assert.deepEqual(doubtful(said), []);
    }
  }
});

function doubtful(step: Migration): string[] {
  if (excludesOlder(step) !== undefined || HARMLESS_REGEXP.test(step.text)) {
    return [];
  }
  const text = step.text.replace(/--.*$/gm, "")
    .replace(/\$\$[^]*?\$\$/g, "$$$$").replace(/\s+/g, " ").toLowerCase();
  const made = [...text.matchAll(/create table (\w+)/g)].map(([, name]) =>
    name
  );
  return text.split(";").map((each) => each.trim()).filter((statement) => {
    if (statement === "") return false;
    const [, indexed] = /^create unique index \w+ on (\w+) /.exec(statement) ??
      [];
    if (indexed !== undefined) return !made.includes(indexed);
    const [, actions] = /^alter table \w+ (.*)$/.exec(statement) ?? [];
    if (actions === undefined) {
      return !ADDITIVE.some((form) => form.test(statement));
    }
    // Commas within parentheses are none of the list.
    const each = actions.replace(/\([^()]*\)/g, "()").split(", ");
    return !each.every((action) =>
      action.startsWith("add column ") &&
      (!action.includes(" not null") || action.includes(" default "))
    );
  });
}
