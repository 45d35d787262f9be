import assert from "node:assert/strict";
import { createVaultbox } from "../../src/vaultbox/create.ts";
import { servedApi } from "../helpers/api.ts";
import { ALICE, SERVICE, testWorld } from "../helpers/app.ts";
import { bearer } from "../helpers/http.ts";
import { temporaryDirectory } from "../helpers/openssl.ts";

const DOCUMENT = Deno.readTextFileSync("docs/api.md");

/** The one block of shell in docs/api.md that has a text in it. */
function example(text: string): string {
  const blocks = [...DOCUMENT.matchAll(/```sh\n([^]*?)```/g)]
    .map(([, script]) => script!)
    .filter((script) => script.includes(text));
  assert.equal(blocks.length, 1);
  return blocks[0]!;
}

/** Runs a script as a reader of the document would. */
async function run(
  script: string,
  cwd: string,
  env: Record<string, string>,
): Promise<string> {
  const output = await new Deno.Command("sh", {
    args: ["-euc", script],
    cwd,
    env: { ...env, token: await bearer() },
    stdout: "piped",
    stderr: "piped",
  }).output();
  const decoder = new TextDecoder();
  assert.ok(output.success, decoder.decode(output.stderr));
  return decoder.decode(output.stdout);
}

Deno.test("the example of a one-time link in docs/api.md makes one", async () => {
  await using world = await testWorld({ ENCIMAP_PUBLIC_PORT: "4302" });
  await using server = servedApi(world);
  await using directory = await temporaryDirectory();
  const { id } = await createVaultbox(world.app, SERVICE, {
    userId: ALICE,
    domain: "pets.example",
    alias: "cat",
    name: "Cat",
    certificatePem: undefined,
    mayClaimDomain: true,
    custody: "server",
  });
  const answer = await run(example("/setup-links"), directory.path, {
    api: server.url,
    id,
  });
  const { data } = JSON.parse(answer);
  assert.match(data.url, /^https:.*\/setup\/[\w-]{32}$/);
  const [, shown] = /```json\n([^`]*\/setup\/[^`]*)```/.exec(DOCUMENT)!;
  assert.deepEqual(Object.keys(JSON.parse(shown!).data), Object.keys(data));
});

Deno.test("the example of custody external in docs/api.md ends with a file that opens", async () => {
  await using world = await testWorld();
  await using server = servedApi(world);
  await using directory = await temporaryDirectory();
  const typed = example("cat.csr").replace(
    "pkcs12 -export",
    "pkcs12 -export -passout pass:secret",
  );
  const shown = await run(
    `${typed}
openssl pkcs12 -in cat.p12 -passin pass:secret -nokeys | openssl x509 -noout -ext subjectAltName
openssl pkcs12 -in cat.p12 -passin pass:secret -nocerts -nodes | openssl pkey -check -noout`,
    directory.path,
    { api: server.url },
  );
  assert.match(shown, /email:cat@example\.org/);
  assert.match(shown, /Key is valid/);
});
