import assert from "node:assert/strict";
import { compileArgs } from "../../build.ts";
import { temporaryDirectory } from "../helpers/openssl.ts";

/** Texts that the program needs and that stand in files besides its modules. */
const EMBEDDED = [
  "create table vaultboxes",
  "grant select on dovecot_credentials to dovecot",
  "encimap-pipe_destination_recipient_limit",
  "auth_mechanisms = plain login",
  "bcrypt.hashSync(password, by)",
];

Deno.test("deno compile embeds SQL, templates and the worker", async () => {
  await using directory = await temporaryDirectory();
  // The real runtime base comes from Deno's site; for the embedding any
  // executable of the same form will do.
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: compileArgs(`${directory.path}/encimap`),
    env: { DENORT_BIN: Deno.execPath() },
  }).output();
  assert.equal(success, true, new TextDecoder().decode(stderr));
  const binary = new TextDecoder("latin1").decode(
    await Deno.readFile(`${directory.path}/encimap`),
  );
  for (const text of EMBEDDED) assert.equal(binary.includes(text), true, text);
});
