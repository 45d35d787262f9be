import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { issue, run, temporaryDirectory } from "../helpers/openssl.ts";

const SCRIPT =
  new URL("../helpers/encrypt_stream.ts", import.meta.url).pathname;

const CONTENT_OCTETS = 2 ** 27;

/** Less than the content itself; the same is needed for twice of it. */
const GROWTH_OCTETS = 112 * 2 ** 20;

for (const cipher of ["aes-256-cbc", "aes-256-gcm"]) {
  Deno.test(`envelope() encrypts 128 MiB with ${cipher} in less memory than that, and OpenSSL decrypts it`, async () => {
    const cat = await issue("/CN=Cat");
    await using directory = await temporaryDirectory({
      key: cat.key,
      certificate: cat.certificate,
      "certificate.der": cat.der,
    });
    const cwd = directory.path;
    const report = await run(Deno.execPath(), [
      ...["run", "--no-prompt", `--allow-read=${cwd}`, `--allow-write=${cwd}`],
      ...[SCRIPT],
      ...[cipher, `${CONTENT_OCTETS}`],
      ...[`${cwd}/certificate.der`, `${cwd}/message.eml`],
    ], { cwd });
    const { growth, sha256 } = JSON.parse(new TextDecoder().decode(report));
    assert.ok(growth < GROWTH_OCTETS, `memory grew by ${growth} octets`);

    await run("openssl", [
      ...["cms", "-decrypt", "-binary", "-in", "message.eml"],
      ...["-inkey", "key", "-recip", "certificate", "-out", "content"],
    ], { cwd });
    const hash = createHash("sha256");
    const content = await Deno.open(`${cwd}/content`);
    for await (const chunk of content.readable) hash.update(chunk);
    assert.equal(hash.digest("hex"), sha256);
    assert.equal((await Deno.stat(`${cwd}/content`)).size, CONTENT_OCTETS);
  });
}
