import assert from "node:assert/strict";
import { isMissing } from "../helpers/openssl.ts";
import { IMPORTERS } from "./oracles/importers.ts";
import {
  caseName,
  examineImport,
  IMPORT_CASES,
  importLimitOf,
} from "./oracles/imports.ts";

for (const importer of IMPORTERS) {
  Deno.test({
    name: `bundleZip() is imported by ${importer.name}, and opens mail`,
    ignore: isMissing(...importer.needs),
    fn: async (t) => {
      await using session = await importer.start();
      for (const each of IMPORT_CASES) {
        const limit = importLimitOf(importer.name, each);
        const contents = caseName(each).join(", ");
        const name = limit === undefined
          ? contents
          : `${contents}: refused, as ${limit.reason}`;
        await t.step(name, async () => {
          const problem = await examineImport(session, each);
          if (limit === undefined) assert.equal(problem, undefined);
          else assert.match(problem ?? "opened", limit.error);
        });
      }
    },
  });
}
