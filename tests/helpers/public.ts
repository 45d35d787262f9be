/**
 * What the internet may ask, as requests of a test.
 *
 * @module
 */

import { buildPublic } from "../../src/http/public/server.ts";
import type { TestWorld } from "./app.ts";

/** Asks a public URL; the host is part of it. */
export type Ask = (url: string, init?: RequestInit) => Promise<Response>;

/** Makes a world's public side. */
export function publicSide(world: Pick<TestWorld, "app">): Ask {
  const handle = buildPublic(world.app);
  return async (url, init) => await handle(new Request(url, init));
}

/** Reads XML with Python's parser: element names without namespace → texts. */
export async function xmlTexts(
  xml: string,
): Promise<Record<string, string[]>> {
  const child = new Deno.Command("python3", {
    args: [
      "-c",
      `import sys, json, xml.etree.ElementTree as E
found = {}
for e in E.fromstring(sys.stdin.buffer.read()).iter():
    found.setdefault(e.tag.split('}')[-1], []).append((e.text or '').strip())
print(json.dumps(found))`,
    ],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(xml));
  await writer.close();
  const { success, stdout } = await child.output();
  if (!success) throw new Error(`No XML: ${xml}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}
