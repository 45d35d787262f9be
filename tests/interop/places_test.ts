import assert from "node:assert/strict";
import type { Place } from "../../src/appliance/places.ts";
import { wrongPlaces } from "../../src/cli/places.ts";
import { readOwnership } from "../../src/system/ownership.ts";
import { temporaryDirectory } from "../helpers/openssl.ts";

/** What stat(1) says of a file. */
async function statOf(path: string): Promise<string> {
  const { stdout } = await new Deno.Command("stat", {
    args: ["-c", "%U:%G %a", path],
  }).output();
  return new TextDecoder().decode(stdout).trim();
}

for (const path of ["/etc/passwd", "/etc/shadow", "/tmp", "/usr/bin/env"]) {
  Deno.test(`the owner, group and mode of ${path} are what stat(1) says`, async () => {
    const ownershipOf = await readOwnership();
    assert.equal((await ownershipOf(path))?.text, await statOf(path));
  });
}

/** A file as the table wants it, and a secret that may be a link. */
async function place() {
  const directory = await temporaryDirectory();
  const path = `${directory.path}/secret`;
  await Deno.writeTextFile(path, "x");
  await Deno.chmod(path, 0o640);
  const table: Place[] = [{ path, is: [await statOf(path)], mayBeLink: true }];
  const wrong = async () => await wrongPlaces(table, await readOwnership());
  return {
    path,
    table,
    wrong,
    [Symbol.asyncDispose]: () => directory[Symbol.asyncDispose](),
  };
}

Deno.test("a file that is as the table says is no finding", async () => {
  await using secret = await place();
  assert.deepEqual(await secret.wrong(), []);
});

Deno.test("a mode that opens a file to others is named, and what it should be", async () => {
  await using secret = await place();
  await Deno.chmod(secret.path, 0o644);
  const [finding, ...others] = await secret.wrong();
  assert.match(finding!, /secret is .* 644 and not .* 640$/);
  assert.deepEqual(others, []);
});

Deno.test("a missing file is named, unless not every machine has it", async () => {
  await using secret = await place();
  await Deno.remove(secret.path);
  assert.match((await secret.wrong())[0]!, /is not there/);
  secret.table[0] = { ...secret.table[0]!, isOptional: true };
  assert.deepEqual(await secret.wrong(), []);
});

Deno.test("a link to a key is none of ours, but the key must be closed", async () => {
  await using secret = await place();
  await Deno.rename(secret.path, `${secret.path}.operator`);
  await Deno.symlink(`${secret.path}.operator`, secret.path);
  assert.deepEqual(await secret.wrong(), []);
  await Deno.chmod(`${secret.path}.operator`, 0o644);
  assert.match((await secret.wrong())[0]!, /anybody may read/);
});

Deno.test("a link in the place of a file that is none is named", async () => {
  await using secret = await place();
  const { mayBeLink: _, ...file } = secret.table[0]!;
  secret.table[0] = file;
  await Deno.rename(secret.path, `${secret.path}.other`);
  await Deno.symlink(`${secret.path}.other`, secret.path);
  assert.match((await secret.wrong())[0]!, /is a link/);
});
