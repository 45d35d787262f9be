/**
 * Random text that people can read out and type.
 *
 * @module
 */

/** No pair that looks alike. */
const ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789";

/**
 * Makes random letters.
 *
 * @param count How many; each has 5 bits.
 * @returns Lower-case letters and digits.
 */
export function randomLetters(count: number): string {
  // The alphabet has 32 letters, so each takes five bits of an octet evenly.
  const octets = crypto.getRandomValues(new Uint8Array(count));
  return Array.from(octets, (octet) => ALPHABET[octet & 31]).join("");
}
