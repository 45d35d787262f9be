import assert from "node:assert/strict";
import { isMissing } from "../helpers/openssl.ts";
import { ENGINES } from "./oracles/engines.ts";
import {
  COMBINATIONS,
  examine,
  limitOf,
  makeRecipients,
} from "./oracles/matrix.ts";

for (const engine of ENGINES) {
  Deno.test({
    name:
      `envelope() is opened by ${engine.name} in every form that it supports`,
    ignore: isMissing(...engine.needs),
    fn: async (t) => {
      const recipients = await makeRecipients();
      await using session = await engine.start();
      for (const combination of COMBINATIONS) {
        const { cipher, way, recipients: count } = combination;
        const limit = limitOf(engine.name, combination);
        const form = `${cipher}, ${way}, recipients: ${count}`;
        const name = limit === undefined
          ? form
          : `${form}: refused, as ${limit.reason}`;
        await t.step(name, async () => {
          const problem = await examine(
            session,
            recipients,
            combination,
            limit,
          );
          if (limit === undefined) assert.equal(problem, undefined);
          else assert.match(problem ?? "opened", limit.error);
        });
      }
    },
  });
}
