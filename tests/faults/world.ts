/**
 * A world for faults: a database, vaultboxes with real keys, and an intake that
 * is a process of its own.
 *
 * @module
 */

import { listCertificates } from "../../src/db/certificates.ts";
import { makeBox, type TestWorld, testWorld } from "../helpers/app.ts";
import { run } from "../helpers/openssl.ts";
import { Census } from "./census.ts";
import { Intake } from "./intake.ts";
import { type Canaries, type Mail, newCanaries, newQueueId } from "./mail.ts";
import { writeMail } from "./mail.ts";
import { bothDoors, httpDoor, lmtpDoor, Queue } from "./sender.ts";

/** A vaultbox whose mail can be read. */
export interface Box {
  /** UUID. */
  readonly id: string;
  /** Its address. */
  readonly address: string;
  /** Files with a key and its certificate each, PEM. */
  readonly keys: string[];
}

/** The world. */
export interface FaultWorld extends AsyncDisposable {
  /** The API's part and the database. */
  readonly world: TestWorld;
  /** Folder of everything that the intake can write; the hunt goes there. */
  readonly state: string;
  /** Settings of the intake's process. */
  readonly env: Readonly<Record<string, string>>;
  /** The intake's process, which does not run yet. */
  readonly intake: Intake;
  /** Vaultboxes. */
  readonly boxes: Box[];
  /** Words that no disk may have. */
  readonly canaries: Canaries;
  /** Postfix's side. */
  readonly queue: Queue;
  /** Counts what was stored. */
  readonly census: Census;
  /** Makes a vaultbox. */
  makeBox(alias: string): Promise<Box>;
  /** Writes a mail for a vaultbox. */
  mail(box: Box, size?: number, acceptedAt?: Date): Mail;
  /** Reads the keys that vaultboxes have by now. */
  readKeys(): Promise<void>;
}

/**
 * Makes a world with three vaultboxes.
 *
 * @param options `pgHost`: folder of the socket of another cluster than that of
 * tests/with_postgres; `env`: settings of the intake.
 * @returns The world.
 */
export async function faultWorld(
  options: { pgHost?: string; env?: Record<string, string> } = {},
): Promise<FaultWorld> {
  await using stack = new AsyncDisposableStack();
  const { pgHost } = options;
  const world = stack.use(
    await testWorld({}, pgHost === undefined ? {} : { pgHost }),
  );
  const { directory } = world;
  // Outside of where the hunt goes, as it has keys; inside is plaintext of none.
  const keys = `${directory}/census`;
  const state = `${directory}/state`;
  for (
    const path of [keys, state, `${state}/mail`, `${state}/tmp`, `${state}/run`]
  ) {
    await Deno.mkdir(path);
  }
  await Deno.writeTextFile(`${directory}/hmac.key`, "09".repeat(32));
  const env = {
    ENCIMAP_CONFIG_FILE: "/dev/null",
    ENCIMAP_HOSTNAME: "mail.example.test",
    ENCIMAP_DATABASE_URL: world.database.url("vaultmail"),
    ENCIMAP_HMAC_KEY_FILE: `${directory}/hmac.key`,
    ENCIMAP_INTAKE_SOCKET: `${state}/run/intake.sock`,
    ENCIMAP_LMTP_SOCKET: `${state}/run/lmtp.sock`,
    ENCIMAP_MIN_FREE_BYTES: "0",
    MAILDIR_BASE_PATH: `${state}/mail`,
    TMPDIR: `${state}/tmp`,
    HOME: "/nonexistent",
    ...options.env,
  };
  const intake = stack.use(new Intake(`${state}/run`, env));
  const canaries = newCanaries();
  const boxes: Box[] = [];
  const queue = new Queue(bothDoors(
    httpDoor(() => env.ENCIMAP_INTAKE_SOCKET),
    lmtpDoor(() => env.ENCIMAP_LMTP_SOCKET),
  ));
  let count = 0;
  const readKeys = async (): Promise<void> => {
    for (const box of boxes) {
      for (const each of await listCertificates(world.app.sql, box.id)) {
        const path = `${keys}/${each.id}.pem`;
        if (box.keys.includes(path) || each.keyState !== "kept") continue;
        const pkcs8 = await world.app.privateKeys.read({
          certificateId: each.id,
          vaultboxId: box.id,
          fingerprintSha256: each.fingerprintSha256,
        });
        await run("openssl", ["pkey", "-inform", "DER", "-out", path], {
          cwd: keys,
          stdin: pkcs8!,
        });
        await Deno.writeTextFile(path, each.publicCertPem, { append: true });
        box.keys.push(path);
      }
    }
  };
  const made: Omit<FaultWorld, typeof Symbol.asyncDispose> = {
    world,
    state,
    env,
    intake,
    boxes,
    canaries,
    queue,
    census: new Census(world.app.sql, `${state}/mail`, boxes, queue),
    async makeBox(alias) {
      const id = await makeBox(world, alias);
      const box = { id, address: `${alias}@pets.example`, keys: [] };
      boxes.push(box);
      await readKeys();
      return box;
    },
    mail(box, size = 3000, acceptedAt = new Date()) {
      const number = `n${++count}`;
      return {
        number,
        route: box.id,
        to: box.address,
        queueId: newQueueId(acceptedAt),
        octets: writeMail(canaries, number, size),
      };
    },
    readKeys,
  };
  for (const alias of ["cat", "hen", "owl"]) await made.makeBox(alias);
  const cleanup = stack.move();
  return { ...made, [Symbol.asyncDispose]: () => cleanup.disposeAsync() };
}
