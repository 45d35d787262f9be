import assert from "node:assert/strict";

function* pages(path: string): Generator<string> {
  for (const { name, isDirectory } of Deno.readDirSync(path)) {
    if (isDirectory) yield* pages(`${path}/${name}`);
    else if (name.endsWith(".tsx")) yield `${path}/${name}`;
  }
}

Deno.test("pages have no words of their own: all are in texts.ts", async () => {
  const found: string[] = [];
  for (const file of pages("src/dashboard")) {
    const text = (await Deno.readTextFile(file)).replace(/\/\*\*.*?\*\//gs, "");
    // Between tags, or in an attribute that people read or hear.
    for (
      const match of text.matchAll(
        /<\/?[a-z][^<>{}]*>\s*([A-Za-z][^<>{}=;()]*[a-z])\s*<\/?[a-zA-Z]|(?:title|label|placeholder|aria-label|alt)="([^"]+)"/g,
      )
    ) found.push(`${file}: ${match[1] ?? match[2]}`);
  }
  assert.deepEqual(found, []);
});
