/**
 * Worlds of any size with Postfix's real maps.
 *
 * @module
 */

import type { App } from "../../src/app.ts";
import { connect } from "../../src/db/connect.ts";
import { postfixMta } from "../../src/mta/postfix.ts";
import { exec } from "../../src/system/exec.ts";
import { generateKey } from "../../src/x509/key_pair.ts";
import { type ServedApi, servedApi, UNLIMITED } from "../helpers/api.ts";
import { bearer } from "../helpers/http.ts";
import { testWorld } from "../helpers/app.ts";

/** Vaultboxes of one user and domain. */
const BOXES_PER_USER = 20;

/** A served world. */
export interface BenchWorld extends AsyncDisposable {
  /** The world. */
  readonly app: App;
  /** Its API. */
  readonly api: ServedApi;
  /** Token of a service. */
  readonly service: string;
  /** Temporary folder with the maps. */
  readonly directory: string;
  /** Lines of the log. */
  readonly lines: readonly string[];
}

/**
 * Makes a world.
 *
 * @param boxes Vaultboxes.
 * @param messages Rows of messages.
 * @param env Settings.
 * @returns The world; {@linkcode userOf} and {@linkcode domainOf} say whose
 * things there are.
 */
export async function benchWorld(
  boxes: number,
  messages: number,
  env: Record<string, string> = UNLIMITED,
): Promise<BenchWorld> {
  const world = await testWorld({ ENCIMAP_LOG_LEVEL: "error", ...env }, {
    newKeys: true,
  });
  await load(world.database.url("postgres"), boxes, messages);
  await Deno.mkdir(`${world.directory}/maps`);
  await writeMaps(`${world.directory}/maps`, boxes);
  const mta = postfixMta(`${world.directory}/maps/transport`, exec);
  const app: App = { ...world.app, mta };
  const api = servedApi({ app });
  return {
    app,
    api,
    service: await bearer(),
    directory: world.directory,
    lines: world.lines,
    async [Symbol.asyncDispose]() {
      await api[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}

/** UUID of the user with a number from 1. */
export function userOf(number: number): string {
  return `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
}

/** Domain of the user with a number from 1. */
export function domainOf(number: number): string {
  return `d${number}.example`;
}

/** UUID of the vaultbox with a number from 1. */
export function boxOf(number: number): string {
  return `00000000-0000-4000-9000-${String(number).padStart(12, "0")}`;
}

/** Users of a world with so many vaultboxes. */
export function usersOf(boxes: number): number {
  return Math.ceil(boxes / BOXES_PER_USER);
}

/** Writes rows as the superuser: keys to other tables are not looked up. */
async function load(
  url: string,
  boxes: number,
  messages: number,
): Promise<void> {
  const sql = connect(url, { max: 1 });
  await sql`set statement_timeout = 0`;
  await sql`set session_replication_role = replica`;
  const users = usersOf(boxes);
  const uuid = "00000000-0000-4000-";
  await sql`
    insert into domains (domain, user_id)
    select 'd' || n || '.example',
      (${uuid} || '8000-' || lpad(n::text, 12, '0'))::uuid
    from generate_series(1, ${users}::int) n
  `;
  await sql`
    insert into vaultboxes (id, user_id, domain, alias, name, status, created_at)
    select (${uuid} || '9000-' || lpad(n::text, 12, '0'))::uuid,
      (${uuid} || '8000-' || lpad(u::text, 12, '0'))::uuid,
      'd' || u || '.example', 'a' || n, 'a' || n,
      case when n % 10 = 0 then 'suspended' else 'active' end,
      now() - n * interval '1 second'
    from generate_series(1, ${boxes}::int) n, lateral (select n % ${users}::int + 1 as u) each
  `;
  await sql`
    insert into addresses (domain, alias, vaultbox_id, kind)
    select domain, alias, id, 'own' from vaultboxes
  `;
  await sql`
    insert into vaultbox_certs (
      vaultbox_id, public_cert_pem, fingerprint_sha256, not_before, not_after
    )
    select id, repeat('x', 1300), encode(sha256(id::text::bytea), 'hex'),
      now(), now() + interval '1 year'
    from vaultboxes
  `;
  await sql`
    insert into messages (
      id, vaultbox_id, message_id, from_domain, to_alias, size_bytes,
      received_at, storage
    )
    select gen_random_uuid(),
      (${uuid} || '9000-' || lpad((n % ${boxes}::int + 1)::text, 12, '0'))::uuid,
      '<' || n || '@sender.example>', 'sender.example', 'a', 20000,
      now() - n * interval '1 second',
      '{"file": "f", "hmac": "00", "encrypted_by": "appliance"}'
    from generate_series(1, ${messages}::int) n
  `;
  await sql`
    update vaultboxes set message_count = ${Math.floor(messages / boxes)}
  `;
  await sql`vacuum analyze`;
  await sql.end();
}

/** Writes the maps at once, as postmap does from a file. */
async function writeMaps(directory: string, boxes: number): Promise<void> {
  const users = usersOf(boxes);
  const numbers = Array.from({ length: boxes }, (_, i) => i + 1);
  const texts = {
    domains: numbers.slice(0, users).map((n) => `${domainOf(n)} OK\n`),
    transport: numbers.map((n) =>
      `a${n}@${domainOf(n % users + 1)} encimap-pipe:${boxOf(n)}\n`
    ),
    senders: [],
  };
  for (const [name, lines] of Object.entries(texts)) {
    await Deno.writeTextFile(`${directory}/${name}`, lines.join(""));
    const { code, stderr } = await exec([
      "/usr/sbin/postmap",
      `lmdb:${directory}/${name}`,
    ]);
    if (code !== 0) throw new Error(`postmap: ${stderr}`);
  }
}

/** What the pool of keys has, where there is one. */
interface Pool {
  put(pkcs8: Uint8Array<ArrayBuffer>): Promise<void>;
  trim(count: number): Promise<number>;
}

/**
 * Fills the pool of keys, where the program has one. One key many times is as
 * good as many keys here.
 *
 * @param app The world.
 * @param count Keys.
 * @returns Whether there is a pool.
 */
export async function warm(app: App, count: number): Promise<boolean> {
  const { keyPool } = app as App & { keyPool?: Pool };
  if (keyPool === undefined) return false;
  await keyPool.trim(count);
  const key = await generateKey(app.config.certKeyKind);
  for (let i = 0; i < count; i++) await keyPool.put(key.slice());
  return true;
}
