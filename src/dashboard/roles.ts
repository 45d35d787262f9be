/**
 * Who may do what.
 *
 * @module
 */

/** What somebody who is signed in may see and change. */
export type Grant =
  | {
    /** Everything. */
    readonly role: "operator";
  }
  | {
    /** The domains and vaultboxes of one customer. */
    readonly role: "customer";
    /** UUID of the customer. */
    readonly userId: string;
  }
  | {
    /** One vaultbox: its credentials and bundles. */
    readonly role: "owner";
    /** UUID of the customer to whom it belongs. */
    readonly userId: string;
    /** UUID of the vaultbox. */
    readonly vaultboxId: string;
  };

/** Name of a grant's kind. */
export type Role = Grant["role"];

/** A grant as a row of the store has it. */
export interface GrantRow {
  /** Kind. */
  readonly role: string;
  /** Customer. */
  readonly userId: string | null;
  /** Vaultbox. */
  readonly vaultboxId: string | null;
}

/**
 * Reads a grant from a row.
 *
 * @param row The row, whose constraints say which columns are there.
 * @returns The grant.
 */
export function grantOf({ role, userId, vaultboxId }: GrantRow): Grant {
  if (role === "operator") return { role };
  if (role === "customer") return { role, userId: userId! };
  return { role: "owner", userId: userId!, vaultboxId: vaultboxId! };
}

/**
 * Writes a grant for a row.
 *
 * @param grant The grant.
 * @returns The row's columns.
 */
export function grantRow(grant: Grant): GrantRow {
  return {
    role: grant.role,
    userId: "userId" in grant ? grant.userId : null,
    vaultboxId: "vaultboxId" in grant ? grant.vaultboxId : null,
  };
}
