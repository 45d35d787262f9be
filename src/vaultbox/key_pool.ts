/**
 * Keeps private keys ready, so that a creation need not wait for one.
 *
 * @module
 */

import { setTimeout } from "node:timers/promises";
import type { Actor, App } from "../app.ts";
import { reason } from "../log.ts";
import { generateKey, type KeyKind } from "../x509/key_pair.ts";

// For the edges, which do not reach below operations.
export { KEY_KINDS, type KeyKind } from "../x509/key_pair.ts";

/** Milliseconds between two looks at a full pool. */
const LOOK_MS = 10_000;

/** A key is made for one part of the time, and requests have the other parts. */
const PAUSE_PARTS = 3;

/**
 * Fills the pool until the signal: one key at a time, with a pause three times
 * as long between two, so that requests have most of a single processor.
 *
 * @param app Uses `config`, `keyPool` and `log`.
 * @param signal Ends it; the key that is being made is finished first.
 */
export async function fillKeyPool(
  app: Pick<App, "config" | "keyPool" | "log">,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    let pauseMs = LOOK_MS;
    try {
      const { keyPoolSize } = app.config;
      if (await app.keyPool.trim(keyPoolSize) < keyPoolSize) {
        const begin = performance.now();
        const key = await generateKey(app.config.certKeyKind);
        await app.keyPool.put(key);
        key.fill(0);
        pauseMs = (performance.now() - begin) * PAUSE_PARTS;
      }
    } catch (error) {
      app.log.write("error", "key pool is not filled", {
        cause: reason(error),
      });
    }
    // A pause that is cut short throws; the loop's condition ends it then.
    await setTimeout(pauseMs, undefined, { signal }).catch(() => {});
  }
}

/**
 * Takes a key that was made ahead, or makes one when its turn comes. Only those
 * of the kind of the settings are made ahead.
 *
 * @param app Uses `config`, `heavy`, `keyPool` and `log`.
 * @param party Whose turn it takes: see {@linkcode partyOf}.
 * @param kind Kind of the key; that of the settings if left out.
 * @returns PKCS#8 DER; whoever has it wipes it after use.
 */
export async function takeKey(
  app: Pick<App, "config" | "heavy" | "keyPool" | "log">,
  party: string,
  kind: KeyKind = app.config.certKeyKind,
): Promise<Uint8Array<ArrayBuffer>> {
  const { certKeyKind, keyPoolSize } = app.config;
  if (kind !== certKeyKind) return await makeKey(app, party, kind);
  const ready = keyPoolSize === 0 ? undefined : await app.keyPool.take();
  if (ready !== undefined) return ready;
  if (keyPoolSize > 0) app.log.write("info", "key pool is empty");
  return await makeKey(app, party);
}

/**
 * Makes a key when its turn comes.
 *
 * @param app Uses `config` and `heavy`.
 * @param party Whose turn it takes.
 * @param kind Kind of the key; that of the settings if left out.
 * @returns PKCS#8 DER; whoever has it wipes it after use.
 */
export function makeKey(
  app: Pick<App, "config" | "heavy">,
  party: string,
  kind: KeyKind = app.config.certKeyKind,
): Promise<Uint8Array<ArrayBuffer>> {
  return app.heavy.run(() => generateKey(kind), party);
}

/**
 * Says whose turn at the heavy work a request takes.
 *
 * @param actor Who asks.
 * @returns The user that it is for, or the name of the service.
 */
export function partyOf(actor: Actor): string {
  return actor.owner ?? actor.name;
}
