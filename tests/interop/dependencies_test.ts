import assert from "node:assert/strict";
import { listDependencies } from "../helpers/dependencies.ts";

/** Licences that ask whoever passes the program on for no more than notices. */
const PERMISSIVE = /^(MIT|ISC|0BSD|Unlicense|Apache-2\.0|BSD-[23]-Clause)$/;

/** Rows of the table behind a heading. */
async function table(heading: string): Promise<string[][]> {
  const text = await Deno.readTextFile("docs/dependencies.md");
  const section = text.split("\n## ").find((part) => part.startsWith(heading));
  return (section ?? "").split("\n").filter((line) => line.startsWith("|"))
    .slice(2)
    .map((line) => line.split("|").slice(1, -1).map((cell) => cell.trim()));
}

Deno.test("docs/dependencies.md lists every package of deno.lock with its licence", async () => {
  assert.deepEqual(
    await table("In the program"),
    (await listDependencies()).map(({ id, licence, isInProgram }) => [
      id,
      licence,
      isInProgram ? "program" : "tests",
    ]),
  );
});

Deno.test("every package of the program has a licence that asks for notices only", async () => {
  for (const { id, licence, isInProgram } of await listDependencies()) {
    if (isInProgram) assert.match(licence, PERMISSIVE, id);
  }
});

Deno.test("docs/dependencies.md lists every Debian package that install.sh installs", async () => {
  const { stdout } = await new Deno.Command("sh", {
    args: [
      "-c",
      // Names that a step adds stand behind "packages=" and "apt_install".
      `sed -n "s/^[A-Z_]*PACKAGES='\\(.*\\)'.*/\\1/p" install.sh appliance/install/*.sh
       grep -ho 'apt_install [a-z].*' appliance/install/*.sh | cut -d ' ' -f 2-
       sed -n 's/.*packages="$packages \\([^"]*\\)".*/\\1/p' appliance/install/*.sh`,
    ],
  }).output();
  const installed = new TextDecoder().decode(stdout).trim().split(/\s+/);
  const listed = (await table("On the machine")).map(([name]) => name);
  assert.ok(installed.length > 8);
  assert.deepEqual(listed.toSorted(), [...new Set(installed)].sort());
});
