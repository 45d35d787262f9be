import assert from "node:assert/strict";
import {
  ConfigError,
  parseConfig,
  parseEnvFile,
  showConfig,
} from "../../src/config.ts";
import { describeConfig } from "../../src/cli/describe_config.ts";
import { SETTINGS } from "../../src/settings.ts";

const SECRET = "s".repeat(32);

function noFile(path: string): string {
  throw new Error(`The test prepared no ${path}`);
}

function problems(
  env: Record<string, string>,
  readText: (path: string) => string = noFile,
): readonly string[] {
  try {
    parseConfig(env, readText);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

Deno.test("parseConfig() of nothing gives the guide's defaults, as far as DESIGN keeps them", () => {
  const config = parseConfig({}, noFile);
  assert.equal(config.apiPort, 4301);
  assert.equal(config.intakePort, 4321);
  assert.equal(config.maildirBasePath, "/var/mail/vaultboxes");
  assert.equal(config.certValidityDays, 365);
  assert.equal(config.certKeyKind, "rsa-2048");
  assert.equal(config.transportMap, "/etc/postfix/encimap/transport");
  assert.equal(Object.isFrozen(config), true);
});

for (
  const [type, size, kind] of [
    ["rsa", "4096", "rsa-4096"],
    ["p-256", "4096", "p-256"],
  ] as const
) {
  Deno.test(`CERT_KEY_TYPE ${type} and CERT_KEY_SIZE ${size} are ${kind}`, () => {
    const env = { CERT_KEY_TYPE: type, CERT_KEY_SIZE: size };
    assert.equal(parseConfig(env, noFile).certKeyKind, kind);
  });
}

Deno.test("parseConfig() reports every problem at once", () => {
  assert.deepEqual(
    problems({
      API_PORT: "0",
      CERT_KEY_SIZE: "1024",
      MAILDIR_BASE_PATH: "var/mail",
      ENCIMAP_HOSTNAM: "x",
      JWT_SECRET: "short",
    }),
    [
      'API_PORT must be an integer from 1 to 65535: current value is "0"',
      "JWT_SECRET must be at least 32 characters",
      'MAILDIR_BASE_PATH must be an absolute path: current value is "var/mail"',
      'CERT_KEY_SIZE must be 2048, 3072 or 4096: current value is "1024"',
      "ENCIMAP_HOSTNAM is not a setting",
    ],
  );
});

for (
  const [name, value] of [
    ["API_PORT", "4301x"],
    ["API_PORT", "-1"],
    ["API_PORT", "1e3"],
    ["CERT_VALIDITY_DAYS", "0"],
    ["ENCIMAP_HOSTNAME", "Mail.Example"],
    ["ENCIMAP_HOSTNAME", "a b"],
    ["ENCIMAP_HOSTNAME", "a\nb"],
    ["ENCIMAP_DATABASE_URL", "mysql://x/y"],
    ["MOTORICAL_DOMAINS_TABLE", "x; drop table y"],
    ["POSTFIX_TRANSPORT_MAP", "/etc/post fix"],
    ["ENCIMAP_LOG_LEVEL", "loud"],
  ] as const
) {
  Deno.test(`parseConfig() refuses ${name}=${JSON.stringify(value)}`, () => {
    assert.equal(problems({ [name]: value }).length, 1);
  });
}

Deno.test("parseConfig() reads a secret from its file, less the last newline", () => {
  const config = parseConfig(
    { JWT_SECRET_FILE: "/run/secret" },
    (path) => path === "/run/secret" ? `${SECRET}\n` : noFile(path),
  );
  assert.equal(config.jwtSecret, SECRET);
});

Deno.test("parseConfig() refuses a secret that is given twice or cannot be read", () => {
  const twice = { JWT_SECRET: SECRET, JWT_SECRET_FILE: "/run/secret" };
  assert.equal(problems(twice, () => SECRET).length, 1);
  assert.equal(problems({ JWT_SECRET_FILE: "/run/secret" }).length, 1);
});

Deno.test("parseConfig() never repeats a secret in a problem", () => {
  const text = problems({ JWT_SECRET: "hunter2", INTAKE_TOKEN: "hunter2" });
  assert.equal(text.length, 2);
  assert.equal(text.join().includes("hunter2"), false);
});

Deno.test("showConfig() masks secrets", () => {
  const lines = showConfig({ JWT_SECRET: SECRET, API_PORT: "4400" });
  assert.equal(lines.includes("JWT_SECRET=********"), true);
  assert.equal(lines.includes("API_PORT=4400"), true);
  assert.equal(lines.join().includes(SECRET), false);
});

Deno.test("parseEnvFile() reads variables and names lines that are none", () => {
  assert.deepEqual(parseEnvFile("# c\n\nA=1\nB_C=x = y \n"), {
    A: "1",
    B_C: "x = y",
  });
  assert.throws(() => parseEnvFile("export A=1"), /Line 1 /);
});

Deno.test("docs/configuration.md is what config describe prints", async () => {
  assert.equal(
    await Deno.readTextFile("docs/configuration.md"),
    describeConfig(),
  );
});

Deno.test("every setting has a default that is valid, or none", () => {
  const env = Object.fromEntries(
    SETTINGS.flatMap(({ name, fallback }) =>
      fallback === undefined ? [] : [[name, fallback]]
    ),
  );
  assert.deepEqual(problems(env), []);
});
