import assert from "node:assert/strict";
import { randomOf } from "../helpers/garbage.ts";
import {
  decodeArmor,
  decodeBody,
  isEncrypted,
  isEncryptedOpenPgp,
  isEnveloped,
} from "../helpers/recognize.ts";
import { mutate, mutateDer, type Octets } from "./mutate.ts";
import { TARGETS } from "./targets.ts";

/** Mutants for each target: FUZZ_RUNS, else what takes a few seconds in all. */
const RUNS = Number(Deno.env.get("FUZZ_RUNS") ?? 200);
/** FUZZ_SEED, else always the same. */
const SEED = Number(Deno.env.get("FUZZ_SEED") ?? 3156);

/** Octets of a chunk: one, around borders of lines and groups, and many. */
const CHUNK_OCTETS = [1, 7, 61, 200, 1000];

type Run = (octets: Octets, chunkOctets?: number) => unknown;

const RUN_OF: Readonly<Record<string, Run>> = {
  "isEncrypted": isEncrypted,
  "isEnveloped": isEnveloped,
  "isEnveloped, BER": isEnveloped,
  "isEncryptedOpenPgp": isEncryptedOpenPgp,
  "decodeArmor": decodeArmor,
  "decodeBody, base64 and quoted-printable": (octets, chunkOctets) => [
    decodeBody(octets, "base64", chunkOctets),
    decodeBody(octets, "quoted-printable", chunkOctets),
  ],
};

for (const [name, run] of Object.entries(RUN_OF)) {
  Deno.test(`${name} says the same of ${RUNS} mutants in one piece and in chunks of any length`, () => {
    const { samples, isDer } = TARGETS.find((each) => each.name === name)!;
    const random = randomOf(SEED);
    for (let i = 0; i < RUNS; i++) {
      const change = isDer && i % 2 === 0 ? mutateDer : mutate;
      const mutant = samples[i] ?? change(random, samples);
      const expected = run(mutant);
      for (const chunkOctets of CHUNK_OCTETS) {
        // Each chunk has its price.
        if (mutant.length > 4000 * chunkOctets) continue;
        assert.deepEqual(
          run(mutant, chunkOctets),
          expected,
          `${chunkOctets}: ${mutant.toHex()}`,
        );
      }
    }
  });
}
