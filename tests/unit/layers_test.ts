import assert from "node:assert/strict";

/** Folders of src/ and what each may import besides errors, log and types. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  mail: ["mail"],
  smime: ["smime", "mail"],
  x509: ["x509", "smime", "mail"],
  pkcs12: ["pkcs12", "smime", "x509", "mail"],
  metrics: ["metrics"],
  system: ["system"],
  storage: ["storage", "system"],
  db: ["db"],
  mta: ["mta", "system"],
  vaultbox: [
    "vaultbox",
    "smime",
    "x509",
    "pkcs12",
    "mail",
    "storage",
    "db",
    "system",
  ],
  appliance: ["appliance"],
  http: ["http", "vaultbox", "db", "mail", "storage", "system"],
  lmtp: ["lmtp", "vaultbox", "db", "mail", "system"],
  milter: ["milter", "vaultbox", "mail"],
  // No database and no operation: it asks the API as any other service does.
  dashboard: [
    "dashboard",
    "http",
    "mail",
    "system",
    "vaultbox/client_guides.ts",
  ],
  cli: [
    "cli",
    "dashboard",
    "http",
    "lmtp",
    "milter",
    "vaultbox",
    "db",
    "mail",
    "system",
    "appliance",
    "config.ts",
    "open.ts",
    "setting_kind.ts",
    "settings.ts",
  ],
};
const ALWAYS = [
  "encryption_policy.ts",
  "errors.ts",
  "log.ts",
  "metrics",
  "version.ts",
];
const TYPES = ["app.ts", "config.ts"];
const PURE = ["mail", "smime", "x509", "pkcs12"];

function* sources(path: string): Generator<string> {
  for (const entry of Deno.readDirSync(path)) {
    const inner = `${path}/${entry.name}`;
    if (entry.isDirectory) yield* sources(inner);
    else if (/\.tsx?$/.test(entry.name)) yield inner;
  }
}

const files = [...sources("src")];

Deno.test("imports point downwards only", async () => {
  const wrong: string[] = [];
  for (const file of files) {
    const [, folder] = file.split("/");
    const allowed = MAY_IMPORT[folder!];
    if (allowed === undefined) continue;
    const text = await Deno.readTextFile(file);
    for (
      const match of text.matchAll(
        /^((?:import|export)\b[^";]*? )from "(\.[^"]+)"/gm,
      )
    ) {
      const target = new URL(match[2]!, `file:///${file}`).pathname.slice(1);
      if (!target.startsWith("src/")) continue;
      const [, where] = target.split("/");
      const isType = /^import type /.test(match[1]!);
      const fine = allowed.includes(where!) ||
        allowed.includes(target.slice("src/".length)) ||
        ALWAYS.includes(where!) ||
        isType && (TYPES.includes(where!) || where === "db");
      if (!fine) wrong.push(`${file} imports ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

Deno.test("pure folders mention no Deno, no clock and no network", async () => {
  const wrong: string[] = [];
  for (const file of files) {
    if (!PURE.includes(file.split("/")[1]!)) continue;
    const text = await Deno.readTextFile(file);
    const found = /\bDeno\.|new Date\(\)|Date\.now\(|\bfetch\(/.exec(text);
    if (found) wrong.push(`${file}: ${found[0]}`);
  }
  assert.deepEqual(wrong, []);
});

Deno.test("no file of src/ has more than 400 lines", async () => {
  const long: string[] = [];
  for (const file of files) {
    const lines = (await Deno.readTextFile(file)).split("\n").length;
    if (lines > 401) long.push(`${file}: ${lines}`);
  }
  assert.deepEqual(long, []);
});

Deno.test("docs/rfcs.md lists every RFC that the source cites", async () => {
  const listed = await Deno.readTextFile("docs/rfcs.md");
  const missing = new Set<string>();
  for (const file of files) {
    const text = await Deno.readTextFile(file);
    for (const [, number] of text.matchAll(/RFC (\d{4,5})/g)) {
      if (!listed.includes(`RFC ${number}`)) {
        missing.add(`${number} in ${file}`);
      }
    }
  }
  assert.deepEqual([...missing], []);
});
