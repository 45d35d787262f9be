/**
 * Prints which engine opens which form of message, and which program imports
 * which bundle, as it is seen here: `deno task interop`. smime_matrix_test.ts
 * and pkcs12_import_test.ts check the same.
 *
 * @module
 */

import { isMissing } from "../helpers/openssl.ts";
import { ENGINES } from "./oracles/engines.ts";
import { IMPORTERS } from "./oracles/importers.ts";
import {
  caseName,
  examineImport,
  IMPORT_CASES,
  importLimitOf,
} from "./oracles/imports.ts";
import {
  COMBINATIONS,
  examine,
  limitOf,
  makeRecipients,
} from "./oracles/matrix.ts";
import { table, YES } from "./oracles/table.ts";

/** What stands in a cell: whether it works, and else why not. */
function cell(
  problem: string | undefined,
  limit: { readonly reason: string; readonly error: RegExp } | undefined,
): string {
  if (problem === undefined) return YES;
  return limit?.error.test(problem)
    ? limit.reason
    : `unexpected: ${problem.replace(/\s+/g, " ")}`;
}

async function messages(): Promise<string[]> {
  const engines = ENGINES.filter(({ needs }) => !isMissing(...needs));
  const recipients = await makeRecipients();
  const columns = await Promise.all(engines.map(async (engine) => {
    await using session = await engine.start();
    const cells: string[] = [];
    for (const combination of COMBINATIONS) {
      const limit = limitOf(engine.name, combination);
      const problem = await examine(session, recipients, combination, limit);
      cells.push(cell(problem, limit));
    }
    return cells;
  }));
  const versions = await Promise.all(
    engines.map(async (engine) => `${engine.name}: ${await engine.version()}`),
  );
  const names = engines.map(({ name }) => name);
  const rows = COMBINATIONS.map(({ cipher, way, recipients }, i) => ({
    tried: [cipher, way, `${recipients}`],
    cells: columns.map((cells) => cells[i]!),
  }));
  return [
    ...table(["content", "key", "recipients", ...names], rows),
    ...versions,
    "",
  ];
}

async function imports(): Promise<string[]> {
  const importers = IMPORTERS.filter(({ needs }) => !isMissing(...needs));
  const columns = await Promise.all(importers.map(async (importer) => {
    await using session = await importer.start();
    const cells: string[] = [];
    for (const each of IMPORT_CASES) {
      const limit = importLimitOf(importer.name, each);
      cells.push(cell(await examineImport(session, each), limit));
    }
    return cells;
  }));
  const names = importers.map(({ name }) => name);
  const rows = IMPORT_CASES.map((each, i) => ({
    tried: caseName(each),
    cells: columns.map((cells) => cells[i]!),
  }));
  return table(
    ["format", "keys, newest first", "certificate", "password", ...names],
    rows,
  );
}

async function main(): Promise<void> {
  for (const lines of [await messages(), await imports()]) {
    await Deno.stdout.write(new TextEncoder().encode(`${lines.join("\n")}\n`));
  }
}

if (import.meta.main) void main();
