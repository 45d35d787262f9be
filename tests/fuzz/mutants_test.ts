import assert from "node:assert/strict";
import { concat } from "../../src/mail/octets.ts";
import { randomOf } from "../helpers/garbage.ts";
import { octets } from "../unit/mail/octets.ts";
import { mutate, mutateDer } from "./mutate.ts";
import { feed } from "./run.ts";
import { ENCRYPTED_MESSAGES, TARGETS } from "./targets.ts";
import { isEncrypted } from "../helpers/recognize.ts";

/** Mutants for each target: FUZZ_RUNS, else what takes a few seconds in all. */
const RUNS = Number(Deno.env.get("FUZZ_RUNS") ?? 400);
/** FUZZ_SEED, else always the same. */
const SEED = Number(Deno.env.get("FUZZ_SEED") ?? 4134);

for (const target of TARGETS) {
  Deno.test(`${target.name} takes ${RUNS} mutants and throws only what it says`, async () => {
    const random = randomOf(SEED);
    for (const sample of target.samples) await feed(target, sample);
    for (let i = 0; i < RUNS; i++) {
      const change = target.isDer && i % 2 === 0 ? mutateDer : mutate;
      await feed(target, change(random, target.samples));
    }
  });
}

// As long as the fields of a part and the headers of an armor may not be.
const READABLE = octets(
  `The password is: 1234! ${"Bring the cat. ".repeat(80)}`,
);
for (const [i, message] of ENCRYPTED_MESSAGES.entries()) {
  Deno.test(`isEncrypted() of sample ${i} is false wherever a text is put into its body`, () => {
    assert.equal(isEncrypted(message), true);
    const body = message.findIndex((_, at) =>
      octets("\r\n\r\n").every((octet, k) =>
        message[at + k] === octet
      )
    ) + 4;
    for (let at = body; at <= message.length; at++) {
      const mutant = concat([
        message.subarray(0, at),
        READABLE,
        message.subarray(at),
      ]);
      assert.equal(isEncrypted(mutant), false, `at ${at}`);
    }
  });
}
