/**
 * Self-signed certificates of vaultboxes.
 *
 * @module
 */

import type { Issued, Validity } from "./certificate.ts";
import { publicKeyOf } from "./key_pair.ts";
import { leafCertificate } from "./leaf.ts";

/**
 * Issues a certificate for one address, signed with its own key: issuer and
 * subject are the same.
 *
 * @param address The address, as {@linkcode leafCertificate} takes it.
 * @param options Time, and a private key, RSA or P-256, PKCS#8 DER, which signs
 * and whose public half is certified.
 * @returns The certificate and the times in it.
 * @throws {RangeError} As `leafCertificate` does.
 */
export function selfSignedCertificate(
  address: string,
  options: Validity & { readonly privateKey: Uint8Array<ArrayBuffer> },
): Promise<Issued> {
  const { privateKey } = options;
  return leafCertificate(address, publicKeyOf(privateKey), {
    ...options,
    signer: { certificate: undefined, privateKey },
  });
}
