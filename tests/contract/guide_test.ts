import assert from "node:assert/strict";
import { buildApi } from "../../src/http/api.ts";
import { deliver } from "../../src/vaultbox/deliver.ts";
import { received } from "../../src/vaultbox/receive.ts";
import { bearer, SETTINGS } from "../helpers/http.ts";
import { testWorld } from "../helpers/app.ts";

/** The guide's section, letter for letter. */
const GUIDE = Deno.readTextFileSync("tests/fixtures/guide/api_reference.md");

/** The vaultbox that the guide's examples speak of. */
const GUIDE_ID = "7e288501-d6d6-4bc5-a823-f296e1b0588e";

/** A request of the guide, and the answer that it shows. */
interface Example {
  readonly title: string;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly string[];
  readonly body: string;
  readonly answer: unknown;
}

/** Reads the examples: a block `http`, and behind it perhaps a block `json`. */
function examples(): Example[] {
  return GUIDE.split(/^#### /m).slice(1).flatMap((section) => {
    const title = section.slice(0, section.indexOf("\n")).replaceAll("*", "");
    const [, request = ""] = /```http\n([^]*?)```/.exec(section)!;
    const [, answer] = /```json\n([^]*?)```/.exec(section) ?? [];
    const [head = "", body = ""] = request.split("\n\n");
    const lines = head.trim().split("\n");
    const headers = lines.filter((line) => /^[\w-]+: /.test(line));
    return lines.filter((line) => !headers.includes(line)).map((line) => {
      const [method = "", path = ""] = line.split(" ");
      const expected = answer === undefined ? undefined : JSON.parse(answer);
      return { title, method, path, headers, body, answer: expected };
    });
  });
}

/** Says where an answer lacks what the guide shows, or has another type. */
function differences(shown: unknown, found: unknown, at = "answer"): string[] {
  if (typeof shown !== "object" || shown === null) {
    const fits = typeof shown === typeof found &&
      (typeof shown !== "boolean" || shown === found);
    return fits ? [] : [`${at}: ${JSON.stringify(found)}`];
  }
  if (Array.isArray(shown)) {
    if (!Array.isArray(found) || found.length === 0) return [`${at}: no list`];
    return differences(shown[0], found[0], `${at}[0]`);
  }
  if (typeof found !== "object" || found === null) return [`${at}: no object`];
  return Object.entries(shown).flatMap(([key, value]) =>
    differences(value, (found as Record<string, unknown>)[key], `${at}.${key}`)
  );
}

/** Sends an example with curl, exactly as it stands there. */
async function curl(
  example: Example,
  world: { port: number; token: string; id: string },
): Promise<{ status: number; octets: Uint8Array }> {
  const fill = (text: string): string =>
    text.replaceAll("{jwt_token}", world.token)
      .replaceAll("{vaultbox_id}", world.id).replaceAll(GUIDE_ID, world.id);
  const headers = example.headers.map(fill);
  // curl would add one of its own for a form.
  if (!headers.some((each) => each.startsWith("Content-Type"))) {
    headers.push("Content-Type:");
  }
  const { stdout, success } = await new Deno.Command("curl", {
    args: [
      "--silent",
      "--max-time",
      "60",
      "--write-out",
      "\n%{http_code}",
      "--request",
      example.method,
      ...headers.flatMap((each) => ["--header", each]),
      ...(example.body === "" ? [] : ["--data-binary", fill(example.body)]),
      `http://127.0.0.1:${world.port}${fill(example.path)}`,
    ],
  }).output();
  assert.ok(success);
  const status = Number(new TextDecoder().decode(stdout.slice(-3)));
  return { status, octets: stdout.slice(0, -4) };
}

Deno.test("every example of the guide's API Reference works as it is written", async (t) => {
  await using world = await testWorld();
  const api = buildApi(world.app, SETTINGS);
  await using server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    api,
  );
  const { port } = server.addr;
  const token = await bearer();
  let id = "";
  const all = examples();
  assert.equal(all.length, 12);
  const isLast = (each: Example): boolean => each.method === "DELETE";
  const inOrder = [
    ...all.filter((each) => !isLast(each)),
    ...all.filter(isLast),
  ];
  for (const example of inOrder) {
    const { title, method, path } = example;
    await t.step(`${title}: ${method} ${path}`, async () => {
      const { status, octets } = await curl(example, { port, token, id });
      if (title === "Health Check") {
        // Neither Postfix nor the intake runs here.
        assert.equal(status, 503);
      } else assert.equal(Math.floor(status / 100), 2);
      if (title.startsWith("Download P12")) assert.equal(octets[0], 0x30);
      if (title.startsWith("Download Complete")) {
        assert.deepEqual([...octets.slice(0, 2)], [0x50, 0x4b]);
      }
      if (example.answer === undefined) return;
      const answer = JSON.parse(new TextDecoder().decode(octets));
      assert.deepEqual(differences(example.answer, answer), []);
      if (title !== "Create Vaultbox") return;
      id = answer.data["vaultbox_id"];
      assert.deepEqual(
        { ...answer.data, "vaultbox_id": GUIDE_ID },
        (example.answer as { data: unknown }).data,
      );
      // The guide's lists show a vaultbox that mail has come for.
      await deliver(world.intake, {
        route: id,
        recipient: "cat@call.autoroad.lv",
        sender: "dog@kennel.example",
        queueId: "4fWx9r0Xq1z2",
        message: received(
          new TextEncoder().encode("Subject: Hi\r\n\r\nHi\r\n"),
        ),
      });
    });
  }
});
