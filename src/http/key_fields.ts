/**
 * Fields of requests that make keys.
 *
 * @module
 */

import { type Address, parseInternationalAddress } from "../mail/address.ts";
import { checked, described, type Field, oneOf, optional } from "./fields.ts";

/** Kind of a new key. */
export const KEY_TYPE: Field<
  "rsa-2048" | "rsa-3072" | "rsa-4096" | "p-256" | undefined
> = optional(
  described(
    oneOf("rsa-2048", "rsa-3072", "rsa-4096", "p-256"),
    "Kind of the new key; as CERT_KEY_TYPE and CERT_KEY_SIZE say if left out.",
  ),
);

/** An address that need not be here: its local part may be of any script. */
export const ANY_ADDRESS: Field<Address> = checked(
  { maxLength: 254, examples: ["cat@call.autoroad.lv"] },
  parseInternationalAddress,
);
