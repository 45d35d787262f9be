import assert from "node:assert/strict";
import type { Io } from "../../../src/cli/command.ts";
import { COMMANDS } from "../../../src/cli/commands.ts";
import { run } from "../../../src/cli/run.ts";

interface Recorded {
  status: number;
  out: string;
  err: string;
}

async function encimap(
  args: string[],
  env: Record<string, string> = {},
  files: Record<string, string> = {},
): Promise<Recorded> {
  const out: string[] = [];
  const err: string[] = [];
  const io: Io = {
    env,
    print: (line) => out.push(line),
    write: () => {
      throw new Error("The test expects no octets");
    },
    isTerminal: false,
    warn: (line) => err.push(line),
    readText(path) {
      const text = files[path];
      if (text === undefined) throw new Deno.errors.NotFound(path);
      return text;
    },
    stdin: new Blob(["mail"]).stream(),
  };
  const status = await run(args, io);
  return { status, out: out.join("\n"), err: err.join("\n") };
}

Deno.test("encimap without a command shows the commands and exits 64", async () => {
  const { status, err } = await encimap([]);
  assert.equal(status, 64);
  for (const { name } of COMMANDS) {
    assert.match(err, new RegExp(`^  ${name} `, "m"));
  }
});

for (const { name } of COMMANDS) {
  Deno.test(`encimap ${name} --help exits 0 and says the exit statuses`, async () => {
    const { status, out } = await encimap([...name.split(" "), "--help"]);
    assert.equal(status, 0);
    assert.match(out, new RegExp(`^Usage: encimap ${name}`));
    assert.match(out, /Exit status:\n {2}0 /);
    assert.equal(out.split("Exit status").length, 2);
  });
}

Deno.test("encimap vaultbox lists the commands of the group", async () => {
  const bare = await encimap(["vaultbox"]);
  assert.equal(bare.status, 64);
  assert.match(bare.err, /^encimap vaultbox create /m);
  const help = await encimap(["vaultbox", "--help"]);
  assert.equal(help.status, 0);
  assert.match(help.out, /^encimap vaultbox delete /m);
});

Deno.test("encimap with an unknown option says only that", async () => {
  const { err } = await encimap(["token", "--servce"]);
  assert.match(err, /^encimap token: Unknown option '--servce'\nUsage: /);
});

const USAGE_ERRORS = [
  ["nonsense"],
  ["domain"],
  ["domain", "add", "a.example"],
  ["token"],
  ["token", "--service", "--user", "11111111-1111-4111-8111-111111111111"],
  ["token", "--user", "me"],
  ["token", "--service", "--ttl", "0"],
  ["token", "--service", "--ttl", "x"],
  ["vaultbox", "create"],
  ["vaultbox", "create", "a@b.example"],
  ["vaultbox", "create", "a@b.example", "--user", "me"],
  ["vaultbox", "show"],
  ["reconcile", "--dry"],
  ["migrate", "now"],
];
for (const args of USAGE_ERRORS) {
  Deno.test(`encimap ${args.join(" ")} exits 64`, async () => {
    assert.equal((await encimap(args)).status, 64);
  });
}

Deno.test("encimap with a wrong setting names every problem and exits 78", async () => {
  const env = { API_PORT: "x", INTAKE_PORT: "y" };
  const { status, err } = await encimap(["config", "check"], env);
  assert.equal(status, 78);
  assert.match(err, /API_PORT.*\n.*INTAKE_PORT/);
});

Deno.test("settings come from the file, and the environment wins", async () => {
  const files = { "/etc/encimap/encimap.env": "API_PORT=1\nINTAKE_PORT=2\n" };
  const env = { API_PORT: "3" };
  const { out } = await encimap(["config", "show"], env, files);
  assert.match(out, /^API_PORT=3$/m);
  assert.match(out, /^INTAKE_PORT=2$/m);
});

Deno.test("a settings file that is named and not there is an error", async () => {
  const env = { ENCIMAP_CONFIG_FILE: "/nowhere" };
  assert.equal((await encimap(["config", "check"], env)).status, 1);
});

Deno.test("token prints a JWT alone on a line", async () => {
  const env = { JWT_SECRET: "s".repeat(32) };
  const { status, out } = await encimap(["token", "--service"], env);
  assert.equal(status, 0);
  assert.match(out, /^[\w-]+\.[\w-]+\.[\w-]+$/);
});

const PIPE_FAILURES: [string, string[], Record<string, string>][] = [
  ["no arguments", [], {}],
  ["too many arguments", ["a", "b", "c", "d@e.f", "g"], {}],
  ["an empty recipient", ["a", "b", "c", ""], {}],
  ["arguments that look like options", ["--help", "-x", "c", "d@e.f"], {}],
  ["a wrong configuration", ["a", "b", "c", "d@e.f"], { API_PORT: "x" }],
  ["no intake", ["a", "b", "c", "d@e.f"], {
    ENCIMAP_INTAKE_SOCKET: "/nonexistent/intake.sock",
  }],
];
for (const [name, args, env] of PIPE_FAILURES) {
  Deno.test(`pipe with ${name} exits 75 with 4.3.0, so that nothing bounces`, async () => {
    const { status, out } = await encimap(["pipe", ...args], env);
    assert.equal(status, 75);
    assert.match(out, /^4\.3\.0 /);
  });
}

const HS256 = { JWT_SECRET: "s".repeat(32) };
const RS256 = {
  ...HS256,
  ENCIMAP_TOKEN_ALGORITHM: "RS256",
  ENCIMAP_TOKEN_KEYS: "/keys.pem",
};

Deno.test("token --scope names what the token may do", async () => {
  const args = ["token", "--service", "--scope", "vaultbox:read admin"];
  const { out } = await encimap(args, HS256);
  const claims = JSON.parse(atob(out.split(".")[1]!));
  assert.equal(claims.scope, "vaultbox:read admin");
});

for (
  const args of [
    ["--service", "--scope", "root"],
    ["--service", "--scope", ""],
    ["--user", "11111111-1111-4111-8111-111111111111", "--scope", "admin"],
    ["--service", "--ttl", "86401"],
  ]
) {
  Deno.test(`encimap token ${args.join(" ")} exits 64`, async () => {
    assert.equal((await encimap(["token", ...args], HS256)).status, 64);
  });
}

Deno.test("token makes no token that lives longer than ENCIMAP_TOKEN_MAX_SECONDS", async () => {
  const env = { ...HS256, ENCIMAP_TOKEN_MAX_SECONDS: "60" };
  const { out } = await encimap(["token", "--service"], env);
  const { exp, iat } = JSON.parse(atob(out.split(".")[1]!));
  assert.equal(exp - iat, 60);
});

Deno.test("token says that it has no private key for RS256", async () => {
  const { status, out, err } = await encimap(["token", "--service"], RS256);
  assert.equal(status, 1);
  assert.equal(out, "");
  assert.match(err, /ENCIMAP_TOKEN_ALGORITHM is RS256/);
});

for (
  const [name, env, files, problem] of [
    ["keys without an algorithm", { ENCIMAP_TOKEN_KEYS: "/k" }, {}, "HS256"],
    [
      "an algorithm without keys",
      { ENCIMAP_TOKEN_ALGORITHM: "EdDSA" },
      {},
      "EdDSA",
    ],
    ["a file of keys that is not there", RS256, {}, "cannot be used"],
    [
      "a file of keys without one",
      RS256,
      { "/keys.pem": '{"keys":[]}' },
      "no public key for RS256",
    ],
    [
      "http to another machine",
      { ...RS256, ENCIMAP_TOKEN_KEYS: "http://id.example/keys" },
      {},
      "https",
    ],
    [
      "http to another machine that looks like this one",
      { ...RS256, ENCIMAP_TOKEN_KEYS: "http://localhost:1@id.example/keys" },
      {},
      "https",
    ],
  ] as const
) {
  Deno.test(`config check finds ${name} and exits 78`, async () => {
    const { status, err } = await encimap(["config", "check"], env, files);
    assert.equal(status, 78);
    assert.match(err, new RegExp(problem));
  });
}

for (
  const keys of [
    "https://id.example/keys?x=1",
    "https://id.example",
    "http://127.0.0.1:8080/keys",
    "http://[::1]/keys",
  ]
) {
  Deno.test(`config check takes ${keys}`, async () => {
    const env = { ...RS256, ENCIMAP_TOKEN_KEYS: keys };
    assert.equal((await encimap(["config", "check"], env)).status, 0);
  });
}
