/**
 * Object identifiers that only PKCS#12 files use, as content octets of an
 * OBJECT IDENTIFIER.
 *
 * @module
 */

import { objectIdentifier } from "../smime/der.ts";

/** encryptedData, RFC 5652 §8. */
export const ID_ENCRYPTED_DATA: Uint8Array<ArrayBuffer> = objectIdentifier(
  "1.2.840.113549.1.7.6",
);

/** pkcs8ShroudedKeyBag, RFC 7292 §4.2.2. */
export const ID_PKCS8_SHROUDED_KEY_BAG: Uint8Array<ArrayBuffer> =
  objectIdentifier("1.2.840.113549.1.12.10.1.2");

/** certBag, RFC 7292 §4.2.3. */
export const ID_CERT_BAG: Uint8Array<ArrayBuffer> = objectIdentifier(
  "1.2.840.113549.1.12.10.1.3",
);

/** x509Certificate in a certBag, RFC 7292 §4.2.3. */
export const ID_X509_CERTIFICATE: Uint8Array<ArrayBuffer> = objectIdentifier(
  "1.2.840.113549.1.9.22.1",
);

/** friendlyName, RFC 2985 §5.5.1. */
export const ID_FRIENDLY_NAME: Uint8Array<ArrayBuffer> = objectIdentifier(
  "1.2.840.113549.1.9.20",
);

/** localKeyId, RFC 2985 §5.5.2. */
export const ID_LOCAL_KEY_ID: Uint8Array<ArrayBuffer> = objectIdentifier(
  "1.2.840.113549.1.9.21",
);

/** pbeWithSHAAnd3-KeyTripleDES-CBC, RFC 7292 appendix C. */
export const ID_PBE_WITH_SHA_AND_3_KEY_TRIPLE_DES_CBC: Uint8Array<ArrayBuffer> =
  objectIdentifier("1.2.840.113549.1.12.1.3");

/** id-PBES2, RFC 8018 appendix A.4. */
export const ID_PBES2: Uint8Array<ArrayBuffer> = objectIdentifier(
  "1.2.840.113549.1.5.13",
);

/** id-PBKDF2, RFC 8018 appendix A.2. */
export const ID_PBKDF2: Uint8Array<ArrayBuffer> = objectIdentifier(
  "1.2.840.113549.1.5.12",
);

/** id-hmacWithSHA256, RFC 8018 appendix B.1.2. */
export const ID_HMAC_WITH_SHA256: Uint8Array<ArrayBuffer> = objectIdentifier(
  "1.2.840.113549.2.9",
);

/** id-sha1, RFC 8017 appendix B.1. */
export const ID_SHA1: Uint8Array<ArrayBuffer> = objectIdentifier(
  "1.3.14.3.2.26",
);

/** id-sha256, RFC 8017 appendix B.1. */
export const ID_SHA256: Uint8Array<ArrayBuffer> = objectIdentifier(
  "2.16.840.1.101.3.4.2.1",
);
