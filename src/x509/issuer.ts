/**
 * The appliance's issuer: an authority for certificates of addresses alone.
 *
 * @module
 */

import {
  commonName,
  FOR_MAIL,
  type Issued,
  keyIdentifier,
  keyIdentifiers,
  LAST_AUTHORITY,
  signCertificate,
  SIGNS_CERTIFICATES,
  type Validity,
} from "./certificate.ts";
import { publicKeyOf } from "./key_pair.ts";

/**
 * Issues the certificate of an issuer, signed with its own key.
 *
 * Its name has a part of its key's identifier: readers that have seen another
 * issuer of this appliance do not take one for the other. It may issue no
 * further authorities, and by extendedKeyUsage nothing but certificates for
 * mail, so that who trusts it does not trust it with web sites.
 *
 * @param options Time and key, RSA or P-256, PKCS#8 DER.
 * @returns The certificate and the times in it.
 * @throws {RangeError} If the day count or the times cannot stand in a
 * certificate.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.9 | RFC 5280 §4.2.1.9}
 */
export async function issuerCertificate(
  options: Validity & { readonly privateKey: Uint8Array<ArrayBuffer> },
): Promise<Issued> {
  const { privateKey } = options;
  const publicKey = publicKeyOf(privateKey);
  const identifier = keyIdentifier(publicKey);
  const name = commonName(
    `Encimap issuer ${identifier.toHex().slice(0, 16)}`,
  );
  return await signCertificate({
    ...options,
    issuer: name,
    subject: name,
    publicKey,
    extensions: [
      LAST_AUTHORITY,
      SIGNS_CERTIFICATES,
      FOR_MAIL,
      ...keyIdentifiers(identifier, identifier),
    ],
  }, privateKey);
}
