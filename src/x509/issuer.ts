/**
 * The appliance's issuer: an authority for certificates of addresses alone.
 *
 * @module
 */

// tsyringe, which @peculiar/x509 uses, throws without it; so it comes first.
import "reflect-metadata";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  Name,
  PublicKey,
  SubjectKeyIdentifierExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { publicKeyOf } from "./key_pair.ts";
import {
  importSigningKey,
  type Issued,
  keyIdentifier,
  RSA_SHA256,
  serialNumber,
  type Validity,
  validity,
} from "./leaf.ts";

/**
 * Issues the certificate of an issuer, signed with its own key.
 *
 * Its name has a part of its key's identifier: readers that have seen another
 * issuer of this appliance do not take one for the other. It may issue no
 * further authorities, and by extendedKeyUsage nothing but certificates for
 * mail, so that who trusts it does not trust it with web sites.
 *
 * @param options Time and key, RSA, PKCS#8 DER.
 * @returns The certificate and the times in it.
 * @throws {RangeError} If the day count or the times cannot stand in a
 * certificate.
 * @see {@link https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.9 | RFC 5280 §4.2.1.9}
 */
export async function issuerCertificate(
  options: Validity & { readonly privateKey: Uint8Array<ArrayBuffer> },
): Promise<Issued> {
  const { notBefore, notAfter } = validity(options);
  const publicKey = publicKeyOf(options.privateKey);
  const identifier = await keyIdentifier(publicKey);
  const commonName = `Encimap issuer ${identifier.slice(0, 16)}`;
  const name = new Name([{ CN: [{ utf8String: commonName }] }]);
  const certificate = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: name,
    issuer: name,
    notBefore,
    notAfter,
    publicKey: new PublicKey(publicKey),
    signingKey: await importSigningKey(options.privateKey),
    signingAlgorithm: RSA_SHA256,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(
        KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign,
        true,
      ),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.emailProtection]),
      new SubjectKeyIdentifierExtension(identifier),
      new AuthorityKeyIdentifierExtension(identifier),
    ],
  }, crypto);
  return {
    certificate: new Uint8Array(certificate.rawData),
    notBefore,
    notAfter,
  };
}
