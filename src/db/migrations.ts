/**
 * The files of sql/, inside the program.
 *
 * @module
 */

import vaultboxes from "../../sql/0001_vaultboxes.sql" with { type: "text" };
import auditLog from "../../sql/0002_audit_log.sql" with { type: "text" };
import domainClaims from "../../sql/0003_domain_claims.sql" with {
  type: "text",
};
import certificates from "../../sql/0004_certificates.sql" with {
  type: "text",
};
import idempotencyKeys from "../../sql/0005_idempotency_keys.sql" with {
  type: "text",
};
import credentials from "../../sql/0006_credentials.sql" with { type: "text" };
import addresses from "../../sql/0007_addresses_and_limits.sql" with {
  type: "text",
};
import listFilters from "../../sql/0008_list_filters.sql" with { type: "text" };
import encryptionPolicies from "../../sql/0009_encryption_policies.sql" with {
  type: "text",
};
import issuers from "../../sql/0010_issuers.sql" with { type: "text" };
import custody from "../../sql/0011_custody.sql" with { type: "text" };
import setup from "../../sql/0012_setup.sql" with { type: "text" };
import versions from "../../sql/0013_versions.sql" with { type: "text" };
import upkeep from "../../sql/0015_upkeep.sql" with { type: "text" };
import verifications from "../../sql/0014_verifications.sql" with {
  type: "text",
};
import sending from "../../sql/0016_sending.sql" with { type: "text" };
import keptLog from "../../sql/0017_kept_log.sql" with { type: "text" };
import selfTest from "../../sql/0018_self_test.sql" with { type: "text" };
import doctorReports from "../../sql/0019_doctor_reports.sql" with {
  type: "text",
};
import grants from "../../sql/grants.sql" with { type: "text" };

/** One step of the schema. */
export interface Migration {
  /** Name of the file; its number is the version. */
  readonly name: string;
  /** Its text. */
  readonly text: string;
}

/** All steps, in order, numbered from 1 without gaps. */
export const MIGRATIONS: readonly Migration[] = [
  { name: "0001_vaultboxes", text: vaultboxes },
  { name: "0002_audit_log", text: auditLog },
  { name: "0003_domain_claims", text: domainClaims },
  { name: "0004_certificates", text: certificates },
  { name: "0005_idempotency_keys", text: idempotencyKeys },
  { name: "0006_credentials", text: credentials },
  { name: "0007_addresses_and_limits", text: addresses },
  { name: "0008_list_filters", text: listFilters },
  { name: "0009_encryption_policies", text: encryptionPolicies },
  { name: "0010_issuers", text: issuers },
  { name: "0011_custody", text: custody },
  { name: "0012_setup", text: setup },
  { name: "0013_versions", text: versions },
  { name: "0014_verifications", text: verifications },
  { name: "0015_upkeep", text: upkeep },
  { name: "0016_sending", text: sending },
  { name: "0017_kept_log", text: keptLog },
  { name: "0018_self_test", text: selfTest },
  { name: "0019_doctor_reports", text: doctorReports },
];

/** Rights of the other roles, given again after every migration. */
export const GRANTS: string = grants;
