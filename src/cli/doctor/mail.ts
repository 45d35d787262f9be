/**
 * The check that sends a mail.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Exec } from "../../system/exec.ts";
import { type Decrypt, testWholePath } from "../../vaultbox/self_test.ts";
import { type Check, refuse } from "./check.ts";
import type { Doctor } from "./doctor.ts";

/** Seconds for the whole way; Dovecot alone may need one minute. */
const SECONDS = 90;

/**
 * Lists the checks.
 *
 * @param doctor What they look at.
 * @returns The check.
 */
export function mailChecks({ app, exec }: Doctor): Check[] {
  return [{
    name: "mail",
    title: "a mail comes in, is encrypted, stored, read by IMAP and decrypted",
    fix:
      '"postqueue -p" says why it waits, "journalctl -u postfix@- -u postfix -u encimap-intake -u dovecot --since -5min" what became of it.',
    needs: [
      "disk",
      "database",
      "maps",
      "operator",
      "intake",
      "lmtp",
      "smtp",
      "imap",
    ],
    seconds: SECONDS,
    run: (signal) => testWholePath(app, opensslDecrypt(exec), signal),
  }];
}

/**
 * Decrypts as others do: with openssl(1). The key goes by standard input and is in
 * no file.
 *
 * @param exec Runs openssl.
 * @returns What decrypts.
 */
export function opensslDecrypt(exec: Exec): Decrypt {
  return async (message, privateKeyPem) => {
    const folder = await mkdtemp(join(tmpdir(), "encimap-"));
    try {
      const file = join(folder, "message");
      await writeFile(file, Buffer.from(message, "latin1"), { mode: 0o600 });
      const { code, stdout, stderr } = await exec(
        [
          "/usr/bin/openssl",
          "cms",
          "-decrypt",
          "-in",
          file,
          "-inkey",
          "/dev/stdin",
        ],
        privateKeyPem,
      );
      const said = stderr.trim().split("\n")[0];
      refuse(code !== 0, `openssl does not decrypt it: ${said}`);
      return stdout;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
}
