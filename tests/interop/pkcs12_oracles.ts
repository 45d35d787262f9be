/**
 * Runs the programs that judge our certificates and PKCS#12 files.
 *
 * @module
 */

import assert from "node:assert/strict";
import { pfx } from "../../src/pkcs12/pfx.ts";
import { generateRsaKey } from "../../src/x509/key_pair.ts";
import { pemEncode } from "../../src/x509/pem.ts";
import { selfSignedCertificate } from "../../src/x509/self_signed.ts";

/** What a program did. */
export interface Outcome {
  /** Exit status. */
  readonly code: number;
  /** Standard output. */
  readonly stdout: Uint8Array<ArrayBuffer>;
  /** Standard output and then standard error, as text. */
  readonly text: string;
}

/** A directory that is gone at the end of the block. */
export interface TemporaryDirectory extends AsyncDisposable {
  /** Absolute path. */
  readonly path: string;
  /** Writes a file into it and returns its path. */
  write(name: string, content: string | Uint8Array): Promise<string>;
  /** Runs a program in it. */
  run(args: readonly string[], stdin?: string): Promise<Outcome>;
  /** Runs a program in it that must succeed. */
  ok(args: readonly string[], stdin?: string): Promise<Outcome>;
}

/**
 * Makes a directory for one test.
 *
 * @param cleanUp What to do before it is removed.
 * @returns The directory.
 */
export async function temporaryDirectory(
  cleanUp: (path: string) => Promise<void> = () => Promise.resolve(),
): Promise<TemporaryDirectory> {
  // Short, as gpg-agent's socket in it has a path of 107 octets at most.
  const path = await Deno.makeTempDir({ prefix: "p12-" });
  const directory: TemporaryDirectory = {
    path,
    async write(name, content) {
      const file = `${path}/${name}`;
      if (typeof content === "string") await Deno.writeTextFile(file, content);
      else await Deno.writeFile(file, content);
      return file;
    },
    async run([program = "", ...args], stdin = "") {
      const child = new Deno.Command(program, {
        args,
        cwd: path,
        env: { LC_ALL: "C.UTF-8" },
        stdin: "piped",
        stdout: "piped",
        stderr: "piped",
      }).spawn();
      const writer = child.stdin.getWriter();
      const [output] = await Promise.all([
        child.output(),
        // A program that does not read its input may close it.
        writer.write(new TextEncoder().encode(stdin))
          .then(() => writer.close()).catch(() => {}),
      ]);
      const decoder = new TextDecoder();
      return {
        code: output.code,
        stdout: output.stdout,
        text: decoder.decode(output.stdout) + decoder.decode(output.stderr),
      };
    },
    async ok(args, stdin) {
      const outcome = await directory.run(args, stdin);
      assert.equal(outcome.code, 0, `${args[0]}: ${outcome.text}`);
      return outcome;
    },
    async [Symbol.asyncDispose]() {
      await cleanUp(path);
      await Deno.remove(path, { recursive: true });
    },
  };
  return directory;
}

/** A key and its certificate, with the address in it. */
export interface TestIdentity {
  /** Address in the certificate. */
  readonly address: string;
  /** PKCS#8 DER. */
  readonly privateKey: Uint8Array<ArrayBuffer>;
  /** Certificate, DER. */
  readonly certificate: Uint8Array<ArrayBuffer>;
  /** Certificate, PEM. */
  readonly pem: string;
}

/**
 * Issues a certificate that is valid on the day of the test.
 *
 * @param address Address in it.
 * @param options Other validity than a year from yesterday.
 * @returns It and its key.
 */
export async function testIdentity(
  address = "cat@example.com",
  options: { notBefore?: Date; validityDays?: number } = {},
): Promise<TestIdentity> {
  const privateKey = await generateRsaKey(2048);
  const { certificate } = await selfSignedCertificate(address, {
    privateKey,
    notBefore: new Date(Date.now() - 86_400_000),
    validityDays: 365,
    ...options,
  });
  return {
    address,
    privateKey,
    certificate,
    pem: pemEncode("CERTIFICATE", certificate),
  };
}

/**
 * Encodes an identity as PKCS#12.
 *
 * @param identity Key and certificate.
 * @param format Format of the file.
 * @param password Its password.
 * @returns The file.
 */
export function testPfx(
  identity: TestIdentity,
  format: "modern" | "compatible",
  password: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const { privateKey, certificate, address: friendlyName } = identity;
  return pfx({ privateKey, certificate, friendlyName, password, format });
}

/** Content that tests encrypt: a MIME entity in canonical form. */
export const ENTITY = "Content-Type: text/plain\r\n\r\nThe cat is well.\r\n";

/**
 * Has OpenSSL encrypt {@linkcode ENTITY} to a certificate.
 *
 * @param directory Where to work.
 * @param identity Whose certificate.
 * @returns Path of the EnvelopedData, DER.
 */
export async function encryptTo(
  directory: TemporaryDirectory,
  identity: TestIdentity,
): Promise<string> {
  await directory.write("entity", ENTITY);
  await directory.write("recipient.pem", identity.pem);
  await directory.ok(
    "openssl cms -encrypt -binary -aes256 -in entity -outform DER -out cms.der recipient.pem"
      .split(" "),
  );
  return `${directory.path}/cms.der`;
}
