import assert from "node:assert/strict";
import { encryptMessage } from "../helpers/encrypt.ts";
import { equal } from "../../src/mail/octets.ts";
import { readRecipient } from "../../src/smime/recipient.ts";
import { isMissing, issue } from "../helpers/openssl.ts";
import type { Issued, Octets } from "../helpers/openssl.ts";
import {
  contentInfoOf,
  groupFields,
  rebuildMessage,
} from "../helpers/rebuild.ts";
import { generatedSamples } from "./corpus/generated.ts";
import {
  choose,
  PYTHON_SAMPLES,
  pythonSamples,
  SPAM_ASSASSIN_SAMPLES,
  spamAssassinSamples,
} from "./corpus/samples.ts";
import type { Sample } from "./corpus/samples.ts";
import { BATCH_ENGINES, openAll } from "./oracles/open_all.ts";
import { isEncrypted } from "../helpers/recognize.ts";

const TRACE = ["Delivered-To: cat@example.com"];

/** A collection of messages. */
interface Source {
  readonly name: string;
  /** A file without which it is not there. */
  readonly needs: readonly string[];
  readonly read: () => Sample[] | Promise<Sample[]>;
  /** Least number of messages: fewer would show less than is said. */
  readonly atLeast: number;
}

const SOURCES: readonly Source[] = [
  {
    name: "edge cases of Python's tests",
    needs: [`${PYTHON_SAMPLES}/msg_01.txt`],
    read: pythonSamples,
    atLeast: 45,
  },
  {
    name: "real mail of SpamAssassin's corpus",
    needs: [`${SPAM_ASSASSIN_SAMPLES}/../package.json`],
    read: async () => choose(await spamAssassinSamples(), 300),
    atLeast: 300,
  },
  {
    name: "generated messages",
    needs: [],
    read: generatedSamples,
    atLeast: 200,
  },
];

/** How many messages of a source each engine opens; OpenSSL opens all. */
const SHARE = 60;

/** A message, encrypted. */
interface Encrypted {
  readonly name: string;
  readonly message: Octets;
  readonly stored: Octets;
}

let cat: Promise<Issued> | undefined;
const encrypted = new Map<Source, Promise<Encrypted[]>>();

function recipient(): Promise<Issued> {
  cat ??= issue("/CN=Cat");
  return cat;
}

/** Encrypts a source, once for all engines. */
function encryptAll(source: Source): Promise<Encrypted[]> {
  const found = encrypted.get(source) ?? encryptSamples(source);
  encrypted.set(source, found);
  return found;
}

async function encryptSamples(source: Source): Promise<Encrypted[]> {
  const samples = await source.read();
  assert.ok(samples.length >= source.atLeast, `${samples.length} messages`);
  const { der } = await recipient();
  return await Promise.all(samples.map(async ([name, message]) => {
    const { octets: stored } = await encryptMessage(message, [
      readRecipient(der),
    ], {
      traceFields: TRACE,
    });
    return { name, message, stored };
  }));
}

for (const source of SOURCES) {
  Deno.test({
    name: `isEncrypted() is false for ${source.name}, and true once stored`,
    ignore: isMissing(...source.needs),
    fn: async () => {
      for (const { name, message, stored } of await encryptAll(source)) {
        assert.equal(isEncrypted(message), false, name);
        // As many fields as are read, and ours: in doubt the answer is no.
        assert.equal(isEncrypted(stored), name !== "30000 fields", name);
      }
    },
  });

  for (const engine of BATCH_ENGINES) {
    Deno.test({
      name: `encryptMessage() of ${source.name} loses no octet: ${engine.name}`,
      ignore: isMissing(...source.needs, ...engine.needs),
      fn: async () => {
        const all = await encryptAll(source);
        const chosen = engine.name === "OpenSSL" ? all : sample(all);
        const contents = await openAll(
          engine.open,
          await recipient(),
          chosen.map(({ stored }) => contentInfoOf(stored)),
        );
        for (const [i, { name, message, stored }] of chosen.entries()) {
          const opened = contents[i]!;
          const rebuilt = rebuildMessage(
            { stored, opened, traceFields: TRACE },
            message,
          );
          assert.ok(equal(rebuilt, groupFields(message)), name);
        }
      },
    });
  }
}

function sample(all: readonly Encrypted[]): Encrypted[] {
  const step = Math.max(1, Math.floor(all.length / SHARE));
  return all.filter((_, i) => i % step === 0);
}

Deno.test({
  name: "isEncrypted() is false for all 6046 real messages",
  ignore: isMissing(`${SPAM_ASSASSIN_SAMPLES}/../package.json`),
  fn: async () => {
    const samples = await spamAssassinSamples();
    assert.equal(samples.length, 6046);
    for (const [name, message] of samples) {
      assert.equal(isEncrypted(message), false, name);
    }
  },
});
