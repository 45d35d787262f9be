/**
 * The script between pipe(8) and the program: what may bounce mail, and what not.
 *
 * @module
 */

import assert from "node:assert/strict";
import { DEFAULT_APPLIANCE, render } from "../../src/appliance/render.ts";
import { TEMPLATES } from "../../src/appliance/templates.ts";
import { temporaryDirectory } from "../helpers/openssl.ts";

/** A program that prints its third argument and ends with its second. */
const STUB = `#!/bin/sh
cat >"$0.stdin"
printf '%s\\n' "$#:$4:$5" >"$0.args"
printf '%b' "$3"
echo "5.0.0 the message said CLEARTEXT" >&2
case $2 in
  [0-9]*) exit "$2" ;;
  *) kill -s "$2" $$ ;;
esac
`;

interface Case {
  /** Exit status of the program, or the signal that ends it. */
  readonly end: string;
  /** What it prints. */
  readonly text: string;
  /** Exit status of the script. */
  readonly code: number;
  /** What the script prints. */
  readonly output: RegExp;
}

const LATER = /^4\.3\.0 The mail cannot be stored now \(status \d+\)\n$/;

const CASES: readonly Case[] = [
  { end: "0", text: "2.0.0 Stored", code: 0, output: /^$/ },
  // It ended well, and nobody has said that the mail is stored.
  { end: "0", text: "", code: 75, output: LATER },
  { end: "0", text: "5.1.1 but stored", code: 75, output: LATER },
  {
    end: "65",
    text: "5.3.4 Too large",
    code: 65,
    output: /^5\.3\.4 Too large\n$/,
  },
  { end: "67", text: "5.1.1 No such", code: 67, output: /^5\.1\.1 No such\n$/ },
  {
    end: "67",
    text: "5.1.1 one\\n5.1.1 two",
    code: 67,
    output: /^5\.1\.1 one\n$/,
  },
  { end: "75", text: "4.3.0 Later", code: 75, output: /^4\.3\.0 Later\n$/ },
  // No code: no verdict of the program.
  { end: "65", text: "", code: 75, output: LATER },
  { end: "67", text: "Usage: whatever", code: 75, output: LATER },
  { end: "65", text: "4.3.0 Later", code: 75, output: LATER },
  // A crash whose text looks like a permanent refusal.
  { end: "75", text: "5.1.1 No such", code: 75, output: LATER },
  { end: "75", text: "", code: 75, output: LATER },
  { end: "1", text: "5.5.5 boom", code: 75, output: LATER },
  { end: "1", text: "\\n5.5.5 boom", code: 75, output: LATER },
  ...["2", "64", "66", "68", "69", "70", "71", "77", "78", "124", "126", "127"]
    .map((end) => ({ end, text: "5.0.0 x", code: 75, output: LATER })),
  ...["KILL", "SEGV", "TERM", "ABRT"]
    .map((end) => ({ end, text: "5.0.0 x", code: 75, output: LATER })),
];

function scriptFor(programPath: string): string {
  const values = Object.entries({ ...DEFAULT_APPLIANCE, programPath });
  return render(
    TEMPLATES["bin/encimap_pipe.sh"]!,
    new Map(values.map(([name, value]) => [name, String(value)])),
  );
}

async function runScript(
  programPath: string | undefined,
  args: readonly string[],
): Promise<{ code: number; output: string }> {
  const directory = await Deno.makeTempDir();
  try {
    const program = programPath ?? `${directory}/program`;
    if (programPath === undefined) {
      await Deno.writeTextFile(program, STUB, { mode: 0o755 });
    }
    const script = `${directory}/encimap_pipe.sh`;
    await Deno.writeTextFile(script, scriptFor(program), { mode: 0o755 });
    const child = new Deno.Command(script, {
      args: [...args],
      stdin: "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    const writer = child.stdin.getWriter();
    await writer.write(new TextEncoder().encode("message\n")).catch(() => {});
    await writer.close().catch(() => {});
    const { code, stdout, stderr } = await child.output();
    assert.equal(new TextDecoder().decode(stderr), "");
    if (programPath === undefined) {
      // Behind the message stands the mark that says that it is whole.
      const stdin = await Deno.readTextFile(`${program}.stdin`);
      assert.match(stdin, /^message\n[0-9a-f-]{36}$/);
      assert.equal(
        await Deno.readTextFile(`${program}.args`),
        `5:${args[2]}:${args[3]}\n`,
      );
    }
    return { code, output: new TextDecoder().decode(stdout) };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

for (const { end, text, code, output } of CASES) {
  Deno.test(`encimap_pipe.sh ends with ${code} if the program ends with ${end} and says ${JSON.stringify(text)}`, async () => {
    const result = await runScript(undefined, [end, text, "", "cat@a.test"]);
    assert.equal(result.code, code);
    assert.match(result.output, output);
  });
}

Deno.test("encimap_pipe.sh ends with 75 if there is no program", async () => {
  const result = await runScript("/nonexistent/encimap", ["0", "", "", "x"]);
  assert.equal(result.code, 75);
  assert.match(result.output, LATER);
});

Deno.test("encimap_pipe.sh hands addresses over as they are", async () => {
  const sender = `"$(id); 'x' *"@a.test`;
  const args = ["0", "2.0.0 Stored", sender, "--help"];
  const result = await runScript(undefined, args);
  assert.equal(result.code, 0);
});

Deno.test({
  name: "encimap_pipe.sh ends with 75 if it cannot start a process",
  // Root has no limit, and only root can become the user that has one.
  ignore: Deno.uid() !== 0,
}, async () => {
  const directory = await Deno.makeTempDir();
  try {
    await Deno.chmod(directory, 0o755);
    const script = `${directory}/encimap_pipe.sh`;
    await Deno.writeTextFile(script, scriptFor("/bin/true"), { mode: 0o755 });
    const { code } = await new Deno.Command("prlimit", {
      args: [
        ...["--nproc=0", "setpriv", "--reuid=nobody", "--clear-groups"],
        ...[script, "a", "b", "c", "d@e.example"],
      ],
      stdin: "null",
    }).output();
    assert.equal(code, 75);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("encimap_pipe.sh ends a program that hangs, and stubborn ones too, with 75", async () => {
  await using directory = await temporaryDirectory();
  const limit = "timeout --kill-after=10 240 ";
  for (const trap of ["", "trap '' TERM"]) {
    const program = `${directory.path}/program`;
    await Deno.writeTextFile(
      program,
      `#!/bin/sh\n${trap}\nprintf '2.0.0 Stored'\nwhile :; do sleep 1; done\n`,
      { mode: 0o755 },
    );
    const text = scriptFor(program);
    assert.ok(text.includes(limit));
    const script = `${directory.path}/encimap_pipe.sh`;
    await Deno.writeTextFile(
      script,
      text.replace(limit, "timeout --kill-after=1 1 "),
      { mode: 0o755 },
    );
    const { code, stdout } = await new Deno.Command(script, {
      args: ["unrouted", "q", "s@a.test", "cat@a.test"],
      stdin: "null",
    }).output();
    assert.equal(code, 75);
    assert.match(new TextDecoder().decode(stdout), LATER);
  }
});
