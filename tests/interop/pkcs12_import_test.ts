import assert from "node:assert/strict";
import { pfx } from "../../src/pkcs12/pfx.ts";
import { isMissing } from "../helpers/openssl.ts";
import { identity } from "../unit/pkcs12/identity.ts";
import { IMPORTERS } from "./oracles/importers.ts";
import {
  caseName,
  contentInfo,
  examineImport,
  IMPORT_CASES,
  importLimitOf,
} from "./oracles/imports.ts";
import { ENTITY } from "./pkcs12_oracles.ts";

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

const gpgsm = IMPORTERS.find(({ name }) => name === "gpgsm")!;

Deno.test({
  name: "pfx() takes no salt from which gpgsm derives another key",
  ignore: isMissing(...gpgsm.needs),
  fn: async () => {
    // One of about 62 that were tried, with this password and pfx()'s rounds.
    const salt = Uint8Array.fromHex("187f2163d65830f909f1a51918f65274");
    const { privateKey, certificate } = await identity(1);
    const { getRandomValues } = crypto;
    const drawn: Uint8Array[] = [salt];
    crypto.getRandomValues = (into) => {
      const next = drawn.pop();
      if (next === undefined) {
        return getRandomValues.call(crypto, into) as typeof into;
      }
      (into as unknown as Uint8Array).set(next);
      return into;
    };
    try {
      const file = await pfx({
        privateKey,
        certificate,
        friendlyName: "cat@example.com",
        password: "s3cret",
        format: "compatible",
      });
      assert.equal(drawn.length, 0);
      await using session = await gpgsm.start();
      const contents = await session.open([{
        file,
        contentInfo: await contentInfo(certificate),
      }], "s3cret");
      assert.equal(new TextDecoder().decode(contents[0]), ENTITY);
    } finally {
      crypto.getRandomValues = getRandomValues;
    }
  },
});
