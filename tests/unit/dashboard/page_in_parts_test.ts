import assert from "node:assert/strict";
import type { Html } from "../../../src/dashboard/html.ts";
import { pageInParts } from "../../../src/dashboard/page_in_parts.ts";

const PAGE = "<main><h1>Work</h1></main></html>";

const html = (text: string): Html => text as unknown as Html;

const SORRY = (): Html => html("<p>sorry</p>");

async function textOf(parts: AsyncIterable<Html>): Promise<string> {
  return await new Response(pageInParts(PAGE, parts, SORRY)).text();
}

Deno.test("pageInParts() shows each part as soon as it is there, inside of main", async () => {
  const gates = [0, 1].map(() => Promise.withResolvers<void>());
  async function* work(): AsyncGenerator<Html> {
    for (const [index, gate] of gates.entries()) {
      await gate.promise;
      yield html(`<p>${index}</p>`);
    }
  }
  const reader = pageInParts(PAGE, work(), SORRY)
    .pipeThrough(new TextDecoderStream()).getReader();
  const next = async () => (await reader.read()).value;
  assert.equal(await next(), "<main><h1>Work</h1>");
  gates[0]!.resolve();
  assert.equal(await next(), "<p>0</p>");
  gates[1]!.resolve();
  assert.equal(await next(), "<p>1</p>");
  assert.equal(await next(), "</main></html>");
  assert.equal(await next(), undefined);
});

Deno.test("pageInParts() ends as a page after a failure", async () => {
  async function* work(): AsyncGenerator<Html> {
    yield html("<p>0</p>");
    await Promise.reject(new Error("broken"));
  }
  assert.equal(
    await textOf(work()),
    "<main><h1>Work</h1><p>0</p><p>sorry</p></main></html>",
  );
});

Deno.test("pageInParts() asks for all parts though nobody reads them", async () => {
  const done = Promise.withResolvers<void>();
  async function* work(): AsyncGenerator<Html> {
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      yield html(`<p>${i}</p>`);
    }
    done.resolve();
  }
  const reader = pageInParts(PAGE, work(), SORRY).getReader();
  await reader.read();
  await reader.cancel();
  await done.promise;
});
