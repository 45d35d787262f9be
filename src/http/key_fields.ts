/**
 * Fields of requests that make keys.
 *
 * @module
 */

import { type Address, parseInternationalAddress } from "../mail/address.ts";
import { KEY_KINDS, type KeyKind } from "../vaultbox/key_pool.ts";
import { checked, described, type Field, oneOf, optional } from "./fields.ts";

/** Kind of a new key. */
export const KEY_TYPE: Field<KeyKind | undefined> = optional(
  described(
    oneOf(...KEY_KINDS),
    "Kind of the new key; as CERT_KEY_TYPE and CERT_KEY_SIZE say if left out.",
  ),
);

/** An address that need not be here: its local part may be of any script. */
export const ANY_ADDRESS: Field<Address> = checked(
  { maxLength: 254, examples: ["cat@call.autoroad.lv"] },
  parseInternationalAddress,
);
