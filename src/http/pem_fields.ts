/**
 * Fields of requests that are PEM.
 *
 * @module
 */

import { described, type Field, text } from "./fields.ts";

/** A certificate of others. */
export const CERTIFICATE_PEM: Field<string> = text(
  "must have 1 to 16384 characters",
  /^[^]{1,16384}$/,
  { minLength: 1, maxLength: 16_384 },
);

/** A request for a certificate. */
export const CSR_PEM: Field<string> = described(
  CERTIFICATE_PEM,
  "PKCS#10, PEM.",
);
