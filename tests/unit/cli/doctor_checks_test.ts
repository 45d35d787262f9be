import assert from "node:assert/strict";
import {
  type Check,
  runChecks,
  Warning,
} from "../../../src/cli/doctor/check.ts";
import { allChecks, type Doctor } from "../../../src/cli/doctor/doctor.ts";
import { wantedSettings } from "../../../src/cli/doctor/postfix.ts";
import {
  explained,
  jobProblems,
  NEEDED_UNITS,
  startedBefore,
  unitStates,
  WATCHED_UNITS,
} from "../../../src/cli/doctor/units.ts";
import { testConfig } from "../../helpers/app.ts";

/** A check that is fine unless it is told otherwise. */
function check(name: string, other: Partial<Check> = {}): Check {
  return {
    name,
    title: `${name} is fine`,
    fix: `mend ${name}`,
    run: () => Promise.resolve(),
    ...other,
  };
}

function outcomes(checks: readonly Check[], mends = false) {
  return Array.fromAsync(runChecks(checks, { mends }));
}

/** All checks that there can be. */
function every(): Check[] {
  const config = testConfig({
    ENCIMAP_PUBLIC_PORT: "4302",
    ENCIMAP_TRANSPORT: "lmtp",
    ENCIMAP_MAIL_CHECKS: "mark",
  });
  return allChecks(
    {
      app: { config },
      io: { env: {} },
      hasSystemd: true,
      hasNginx: true,
    } as Doctor,
  );
}

Deno.test("a check that throws or hangs stops no other", async () => {
  const said = await outcomes([
    check("throws", { run: () => Promise.reject(new Error("broken")) }),
    check("throws-at-once", {
      run() {
        throw new TypeError("a mistake");
      },
    }),
    check("hangs", { seconds: 0.01, run: () => new Promise(() => {}) }),
    check("last"),
  ]);
  assert.deepEqual(
    said.map(({ name, status, problem }) => [name, status, problem]),
    [
      ["throws", "failed", "broken"],
      ["throws-at-once", "failed", "a mistake"],
      ["hangs", "failed", "no answer within 0.01 s"],
      ["last", "ok", undefined],
    ],
  );
});

Deno.test("what ends by the signal at its deadline may clear up, and says itself how far it came", async () => {
  const [said] = await outcomes([
    check("slow", {
      seconds: 0.01,
      run: (signal) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener("abort", () => {
            setTimeout(() => reject(new Error("at step 2")), 1000);
          })
        ),
    }),
  ]);
  assert.equal(said!.problem, "at step 2");
});

Deno.test("a check says nothing where one that it needs has failed, and so on", async () => {
  const said = await outcomes([
    check("a", { run: () => Promise.reject(new Error("broken")) }),
    check("b", { needs: ["a"] }),
    check("c", { needs: ["b"] }),
    check("d", { run: () => Promise.reject(new Warning("soon")) }),
    check("e", { needs: ["d", "not there"] }),
  ]);
  assert.deepEqual(
    said.map(({ status, problem, fix }) => [status, problem, fix]),
    [
      ["failed", "broken", "mend a"],
      ["skipped", 'it needs "a"', undefined],
      ["skipped", 'it needs "b"', undefined],
      ["warning", "soon", "mend d"],
      ["ok", undefined, undefined],
    ],
  );
});

Deno.test("what a check notes is said while all is well, also of what systemd runs", async () => {
  const doctor = { exec: () => Promise.reject(), hasSystemd: true };
  const noting = (run: Check["run"]) =>
    outcomes([check("backup", { run: explained(doctor, [], run) })]);
  const [fine] = await noting(() => Promise.resolve("3 hours old"));
  assert.deepEqual([fine!.note, fine!.problem], ["3 hours old", undefined]);
  const [late] = await noting(() =>
    Promise.reject(new Warning("60 hours old"))
  );
  assert.deepEqual([late!.note, late!.problem], [undefined, "60 hours old"]);
});

Deno.test("a failure says which unit is down, and that --fix starts it where it does", async () => {
  const said = async (enabled: string): Promise<string | undefined> => {
    const stdout =
      `Id=dovecot.service\nActiveState=inactive\nLoadState=loaded\nUnitFileState=${enabled}\n`;
    const exec = () => Promise.resolve({ code: 0, stdout, stderr: "" });
    const run = explained(
      { exec, hasSystemd: true },
      ["dovecot.service"],
      () => Promise.reject(new Error("refused")),
    );
    const [outcome] = await outcomes([check("imap", { run })]);
    return outcome!.problem;
  };
  assert.equal(
    await said("enabled"),
    'dovecot.service is inactive ("encimap doctor --fix" starts it): refused',
  );
  assert.equal(await said("disabled"), "dovecot.service is inactive: refused");
});

Deno.test("what can be mended is mended only when asked, and looked at again", async () => {
  let isBroken = true;
  const broken = check("maps", {
    run: () =>
      isBroken ? Promise.reject(new Error("2 differ")) : Promise.resolve(),
    mend: () => {
      isBroken = false;
      return Promise.resolve("set 2");
    },
  });
  const [before] = await outcomes([broken]);
  assert.equal(before!.status, "failed");
  const [after] = await outcomes([broken], true);
  assert.deepEqual([after!.status, after!.mended], ["ok", "set 2"]);
  const stubborn = check("maps", {
    run: () => Promise.reject(new Error("2 differ")),
    mend: () => Promise.reject(new Error("read-only")),
  });
  const [still] = await outcomes([stubborn], true);
  assert.equal(still!.problem, "2 differ; it could not be mended: read-only");
});

Deno.test("with --fix, what was started just now has a moment to answer", async () => {
  let looks = 0;
  const starting = check("api", {
    run: () =>
      ++looks < 2 ? Promise.reject(new Error("refused")) : Promise.resolve(),
  });
  const [said] = await outcomes([starting], true);
  assert.equal(said!.status, "ok");
});

Deno.test("names of checks are words, each once, behind those that it needs", () => {
  const names: string[] = [];
  const possible = new Set(every().map(({ name }) => name));
  for (const { name, needs, fix } of every()) {
    assert.match(name, /^[a-z]+(-[a-z0-9]+)*$/);
    assert.ok(!names.includes(name), name);
    assert.ok(fix.length > 10, name);
    for (const needed of needs ?? []) {
      assert.ok(possible.has(needed), `${name} needs ${needed}`);
      assert.ok(names.includes(needed), `${name} is before ${needed}`);
    }
    names.push(name);
  }
});

Deno.test("operations.md has every check with its title, and names no other", async () => {
  const text = await Deno.readTextFile("docs/operations.md");
  const section = /\n## Doctor\n(.*?)\n## /s.exec(text)![1]!;
  const rows = [...section.matchAll(/^\| `([a-z0-9-]+)` +\| (.*?) +\|/gm)]
    .map(([, name, title]) => [name, title]);
  assert.deepEqual(rows, every().map(({ name, title }) => [name, title]));
  const trouble = /\n## Troubleshooting\n(.*?)\n## /s.exec(text)![1]!;
  const known = new Set(every().map(({ name }) => name));
  const named = [
    ...trouble.matchAll(/^\|[^|]*\| ((?:`[a-z0-9-]+`(?:, )?)+) +\|/gm),
  ]
    .flatMap(([, list]) =>
      [...list!.matchAll(/`([^`]+)`/g)].map(([, n]) => n!)
    );
  assert.ok(named.length > 15);
  assert.deepEqual(named.filter((name) => !known.has(name)), []);
});

Deno.test("Postfix's settings are read from the template with their places", async () => {
  const text = await Deno.readTextFile("appliance/postfix/main.cf.tmpl");
  const settings = wantedSettings(text);
  const of = (name: string) => settings.find((each) => each.name === name);
  assert.equal(settings.length, text.match(/^[a-z]\S* =/gm)!.length);
  assert.deepEqual(of("mydestination"), {
    name: "mydestination",
    value: "",
    place: "replace",
  });
  assert.equal(of("transport_maps")!.place, "first");
  assert.equal(of("virtual_alias_maps")!.place, "last");
  assert.equal(of("recipient_delimiter")!.place, "replace");
});

Deno.test("sockets and timers that are not active, and jobs that failed, are named", async () => {
  const states: Record<string, string> = {
    "encimap-lmtp.socket": "failed",
    "encimap-backup.timer": "inactive",
    "encimap-verify.service": "failed",
    // Daemons have checks of their own, and so has the check itself.
    "encimap-api.service": "failed",
    "encimap-check.service": "failed",
  };
  const exec = (argv: readonly string[]) =>
    Promise.resolve({
      code: 0,
      stderr: "",
      stdout: argv.slice(4).map((name) =>
        `Id=${name}\nActiveState=${
          states[name] ?? "active"
        }\nLoadState=loaded\nUnitFileState=enabled\nResult=exit-code\nStateChangeTimestamp=@1790000000\n`
      ).join("\n"),
    });
  const found = await unitStates(exec, WATCHED_UNITS);
  assert.deepEqual(jobProblems(found), [
    "encimap-backup.timer is inactive",
    "encimap-lmtp.socket is failed",
    "encimap-verify.service has failed (exit-code)",
  ]);
  assert.deepEqual(
    found.get("encimap-api.service")?.since,
    new Date(1_790_000_000_000),
  );
  assert.ok(NEEDED_UNITS.includes("encimap-intake.service"));
  assert.ok(!NEEDED_UNITS.includes("encimap-backup.service"));
});

Deno.test("a unit that started in the second of a change is not older than it", () => {
  const since = new Date(1_790_000_003_000);
  const at = (ms: number) => startedBefore(since, new Date(ms));
  // systemd says 3 of all between 3.0 and 3.999.
  assert.equal(at(1_790_000_002_900), false);
  assert.equal(at(1_790_000_003_500), false);
  assert.equal(at(1_790_000_003_999), false);
  assert.equal(at(1_790_000_004_000), true);
});

/** What the guide's troubleshooting tells a person to look at, and who does now. */
const GUIDE: Readonly<Record<string, readonly string[]>> = {
  "Emails Not Arriving: Check Transport Map": ["maps", "mail"],
  "Emails Not Arriving: Verify Vaultbox": ["operator", "mail"],
  "Emails Not Arriving: Check Intake Service": ["intake", "lmtp"],
  "Emails Not Arriving: Postfix Logs": ["smtp", "queue", "postfix-settings"],
  "Certificate Generation Fails: Check Permissions": ["permissions", "keys"],
  // The program makes certificates itself; the machine has openssl to judge them.
  "Certificate Generation Fails: OpenSSL Available": ["mail"],
  "Certificate Generation Fails: API Logs": ["api", "renewal", "units"],
  // A login with a password of that moment.
  "IMAP Authentication Fails: Check Credentials": ["mail"],
  "IMAP Authentication Fails: Password Hash": ["mail", "database"],
  "IMAP Authentication Fails: Dovecot Logs": ["imap", "dovecot-settings"],
  "Frontend 404 Errors: Service Status": ["api"],
  "Frontend 404 Errors: API Endpoints": ["api", "loopback"],
  "Frontend 404 Errors: JWT Authentication": ["tokens"],
};

Deno.test("every row of the guide's troubleshooting is a check", () => {
  const known = new Set(every().map(({ name }) => name));
  for (const [row, names] of Object.entries(GUIDE)) {
    for (const name of names) assert.ok(known.has(name), `${row}: ${name}`);
  }
});
