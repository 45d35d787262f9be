/**
 * Certificates that openssl makes and that mail must not be encrypted to.
 *
 * @module
 */

import { run, temporaryDirectory } from "./openssl.ts";

/** No extensions but those that a case asks for. */
const CONFIG = "[req]\ndistinguished_name=dn\nstring_mask=utf8only\n[dn]\n";

/**
 * Makes a self-signed certificate.
 *
 * @param args Arguments of `openssl req -x509` that differ from a good one's.
 * @returns PEM.
 */
export async function certificateBy(...args: string[]): Promise<string> {
  await using directory = await temporaryDirectory({ config: CONFIG });
  const isKeyGiven = args.includes("-newkey");
  const isSubjectGiven = args.includes("-subj");
  await run("openssl", [
    ...["req", "-x509", "-nodes", "-config", "config", "-days", "30"],
    ...["-keyout", "key", "-out", "certificate"],
    ...isSubjectGiven ? [] : ["-subj", "/CN=Cat"],
    ...isKeyGiven
      ? []
      : ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    ...args,
  ], { cwd: directory.path });
  return await Deno.readTextFile(`${directory.path}/certificate`);
}
