/**
 * Reads stored mail as a client would: with OpenSSL and the key from a bundle.
 *
 * @module
 */

import { Buffer } from "node:buffer";

/** Text as octets. */
export function octets(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/**
 * Decrypts a stored message with OpenSSL.
 *
 * @param message The stored message.
 * @param p12 PKCS#12 file with the key.
 * @param password Its password.
 * @returns The inner entity.
 */
export async function decrypt(
  message: Uint8Array,
  p12: Uint8Array,
  password: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.writeFile(`${dir}/message.eml`, message);
    await Deno.writeFile(`${dir}/key.p12`, p12);
    await Deno.writeTextFile(`${dir}/password`, password);
    await openssl(
      dir,
      "pkcs12 -in key.p12 -passin file:password -nodes -out key.pem",
    );
    return await openssl(
      dir,
      "cms -decrypt -binary -in message.eml -inform SMIME -inkey key.pem -recip key.pem",
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Compares octets and shows them as text where they differ. */
export function latin1(value: Uint8Array): string {
  return Buffer.from(value).toString("latin1");
}

async function openssl(
  cwd: string,
  args: string,
): Promise<Uint8Array<ArrayBuffer>> {
  const { success, stdout, stderr } = await new Deno.Command("openssl", {
    args: args.split(" "),
    cwd,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  return stdout;
}

/**
 * Takes away what the policy `protect` puts into an inner entity
 * (docs/header-protection.md). Whether that is all that it does is judged in
 * tests/interop/smime_header_protection_test.ts.
 *
 * @param inner Inner entity, one character for each octet.
 * @returns Content fields and body as they came.
 */
export function contentOf(inner: string): string {
  const end = inner.startsWith("\r\n") ? 0 : inner.indexOf("\r\n\r\n") + 2;
  const content = inner.slice(0, end)
    .match(/[^\r\n][^\n]*\n(?:[ \t][^\n]*\n)*/g)
    ?.filter((field) => /^content-/i.test(field))
    .filter((field) => field !== 'Content-Type: text/plain; hp="cipher"\r\n')
    .map((field) => field.replace(/;\r\n hp="cipher"\r\n$/, "\r\n"));
  return (content ?? []).join("") + inner.slice(end);
}
