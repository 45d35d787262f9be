/**
 * Opens what is stored, with openssl.
 *
 * @module
 */

import { listCertificates } from "../../src/db/certificates.ts";
import type { TestWorld } from "./app.ts";
import { openssl, run } from "./openssl.ts";

/**
 * Opens each message of a vaultbox with its newest key.
 *
 * @param world Its world.
 * @param id UUID.
 * @returns What is inside, behind the fields, by the path below the Maildir.
 */
export async function openedIn(
  { app, directory }: TestWorld,
  id: string,
): Promise<Map<string, string>> {
  const [newest] = await listCertificates(app.sql, id);
  const key = await app.privateKeys.read({
    certificateId: newest!.id,
    vaultboxId: id,
    fingerprintSha256: newest!.fingerprintSha256,
  });
  const cwd = `${directory}/mail/${id}/Maildir`;
  const found = await run("find", [".", "-name", "*.M*", "-printf", "%P\n"], {
    cwd,
  });
  const opened = new Map<string, string>();
  for (const path of new TextDecoder().decode(found).split("\n").sort()) {
    if (path === "") continue;
    const inner = await openssl(
      {
        key: key!,
        certificate: newest!.publicCertPem,
        message: await Deno.readFile(`${cwd}/${path}`),
      },
      "cms -decrypt -binary -in message -inkey key -keyform DER -recip certificate"
        .split(" "),
    );
    const text = new TextDecoder("latin1").decode(inner);
    opened.set(path, text.slice(text.indexOf("\r\n\r\n") + 4));
  }
  return opened;
}
