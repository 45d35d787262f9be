/**
 * A world for the operator's commands.
 *
 * @module
 */

import type { Io } from "../../src/cli/command.ts";
import { run as runCommand } from "../../src/cli/run.ts";
import {
  type Certificate,
  listCertificates,
} from "../../src/db/certificates.ts";
import { createVaultbox } from "../../src/vaultbox/create.ts";
import { ALICE, SERVICE, type TestWorld, testWorld } from "./app.ts";
import { run as runProgram } from "./openssl.ts";

/** Address of Cat's vaultbox. */
export const CAT = "cat@pets.example";

/** What a command did. */
export interface Ran {
  /** Exit status. */
  readonly status: number;
  /** Lines on standard output. */
  readonly out: string;
  /** Lines on standard error. */
  readonly err: string;
  /** Octets on standard output. */
  readonly file: Uint8Array<ArrayBuffer> | undefined;
}

/** A world with Cat's vaultbox. */
export interface CatWorld extends AsyncDisposable {
  /** The world. */
  readonly world: TestWorld;
  /** UUID of the vaultbox. */
  readonly id: string;
  /** Settings of the command. */
  readonly env: Readonly<Record<string, string>>;
  /** Lists Cat's certificates. */
  certificates(): Promise<Certificate[]>;
  /** Runs a command, its words between spaces. */
  encimap(
    line: string,
    input?: string | Uint8Array<ArrayBuffer>,
    isTerminal?: boolean,
  ): Promise<Ran>;
}

/**
 * Makes a world with Cat's vaultbox and the operator's command.
 *
 * @param custody Who holds Cat's key.
 * @param settings More settings of the command.
 * @returns The world.
 */
export async function catWorld(
  custody: "server" | "client",
  settings: Readonly<Record<string, string>> = {},
): Promise<CatWorld> {
  const world = await testWorld({}, { newKeys: true });
  const { id } = await createVaultbox(world.app, SERVICE, {
    userId: ALICE,
    domain: "pets.example",
    alias: "cat",
    name: "Cat",
    mayClaimDomain: true,
    custody,
  });
  const masterKey = `${world.directory}/master.key`;
  await Deno.writeTextFile(masterKey, "07".repeat(32));
  const maps = `${world.directory}/maps`;
  await Deno.mkdir(maps);
  for (const name of ["transport", "domains", "senders", "refusals"]) {
    await Deno.writeTextFile(`${maps}/${name}`, "");
    await runProgram("/usr/sbin/postmap", [`lmdb:${maps}/${name}`], {
      cwd: maps,
    });
  }
  const env = {
    ENCIMAP_CONFIG_FILE: "/dev/null",
    ENCIMAP_DATABASE_URL: world.database.url(),
    ENCIMAP_KEYS_PATH: `${world.directory}/keys`,
    ENCIMAP_MASTER_KEY_FILE: masterKey,
    POSTFIX_TRANSPORT_MAP: `${maps}/transport`,
    ...settings,
  };
  return {
    world,
    id,
    env,
    certificates: () => listCertificates(world.app.sql, id),
    async encimap(
      line: string,
      input: string | Uint8Array<ArrayBuffer> = "",
      isTerminal = false,
    ) {
      const out: string[] = [];
      const err: string[] = [];
      let file: Uint8Array<ArrayBuffer> | undefined;
      const io: Io = {
        env,
        print: (text) => out.push(text),
        write: (octets) => file = octets,
        isTerminal,
        warn: (text) => err.push(text),
        readText: (path) => {
          if (path === "/dev/null") return "";
          throw new Deno.errors.NotFound(path);
        },
        stdin: new Blob([input]).stream(),
      };
      const status = await runCommand(line.split(" "), io);
      return { status, out: out.join("\n"), err: err.join("\n"), file };
    },
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}
