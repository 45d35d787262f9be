/**
 * A certificate for signing that an authority has issued, made by OpenSSL.
 *
 * @module
 */

import { run, temporaryDirectory } from "./openssl.ts";

/** Certificate, chain and key, PEM. */
export interface IssuedSigner {
  /** Its certificate, then the authority's. */
  readonly certificatesPem: string;
  /** Its private key. */
  readonly privateKeyPem: string;
  /** The authority's certificate. */
  readonly rootPem: string;
}

/**
 * Makes one.
 *
 * @param newkey Arguments behind `-newkey`.
 * @returns The signer.
 */
export async function issuedSigner(
  newkey: readonly string[],
): Promise<IssuedSigner> {
  await using directory = await temporaryDirectory();
  const cwd = directory.path;
  const ssl = (line: string, ...more: readonly string[]) =>
    run("openssl", [...line.split(" "), ...more], { cwd });
  await ssl(
    "req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=Root -keyout root.key -out root.pem",
  );
  await ssl(
    "req -nodes -subj /CN=mail.example.test -keyout key.pem -out csr.pem -newkey",
    ...newkey,
  );
  await ssl(
    "x509 -req -in csr.pem -CA root.pem -CAkey root.key -days 2 -out cert.pem",
  );
  const read = (name: string) => Deno.readTextFile(`${cwd}/${name}`);
  const rootPem = await read("root.pem");
  return {
    certificatesPem: await read("cert.pem") + rootPem,
    privateKeyPem: await read("key.pem"),
    rootPem,
  };
}
