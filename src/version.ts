/**
 * The version of the program.
 *
 * @module
 */

/** Semantic version, as in CHANGELOG.md. */
export const VERSION = "0.1.0";
