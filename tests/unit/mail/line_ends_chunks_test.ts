import assert from "node:assert/strict";
import { canonicalizeLineEnds, LineEnds } from "../../../src/mail/line_ends.ts";
import { concat, latin1 } from "../../../src/mail/octets.ts";
import { randomOf } from "../../helpers/garbage.ts";
import { octets } from "./octets.ts";

/** All texts of up to so many of these octets, cut in all ways. */
const LETTERS = ["\r", "\n", "a"];
const MAX_LENGTH = 6;

function* textsOf(length: number): Generator<string> {
  if (length === 0) return yield "";
  for (const text of textsOf(length - 1)) {
    for (const letter of LETTERS) yield text + letter;
  }
}

/** Bit i of `cuts` says whether a chunk ends behind octet i. */
function inChunks(text: string, cuts: number): string {
  const lineEnds = new LineEnds();
  const out: Uint8Array[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    if ((cuts >> i & 1) === 0 && i < text.length - 1) continue;
    out.push(lineEnds.next(octets(text.slice(start, i + 1))));
    start = i + 1;
  }
  return latin1(concat(out));
}

Deno.test("LineEnds gives what canonicalizeLineEnds() gives, for every text of 6 octets and every way to cut it", () => {
  for (let length = 0; length <= MAX_LENGTH; length++) {
    for (const text of textsOf(length)) {
      const expected = latin1(canonicalizeLineEnds(octets(text)));
      for (let cuts = 0; cuts < 1 << Math.max(0, length - 1); cuts++) {
        assert.equal(
          inChunks(text, cuts),
          expected,
          `${JSON.stringify(text)}, ${cuts}`,
        );
      }
    }
  }
});

Deno.test("LineEnds gives what canonicalizeLineEnds() gives for random mail in random chunks", () => {
  const random = randomOf(5321);
  for (let run = 0; run < 300; run++) {
    const text = Array.from(
      { length: random.below(500) },
      () => random.of(["\r\n", "\n", "\r", "a", "bc", "\xff"]),
    ).join("");
    const lineEnds = new LineEnds();
    const out: Uint8Array[] = [];
    for (let at = 0; at < text.length;) {
      const next = at + random.below(40);
      out.push(lineEnds.next(octets(text.slice(at, next))));
      at = next;
    }
    assert.equal(
      latin1(concat(out)),
      latin1(canonicalizeLineEnds(octets(text))),
      JSON.stringify(text),
    );
  }
});
