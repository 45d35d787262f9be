/**
 * The reference that mail servers are known by: Dovecot's own LMTP, which stores
 * the same mail in clear into as many mailboxes.
 *
 * @module
 */

import { until } from "../../helpers/until.ts";

/** A Dovecot that takes mail. */
export interface PlainDovecot extends AsyncDisposable {
  /** Its LMTP socket. */
  readonly socket: string;
  /** Removes all mailboxes. */
  empty(): Promise<void>;
}

/**
 * Starts Dovecot with its defaults: Maildir, and `mail_fsync = optimized`, which
 * syncs what is delivered.
 *
 * @returns Dovecot.
 */
export async function startPlainDovecot(): Promise<PlainDovecot> {
  await using stack = new AsyncDisposableStack();
  const dir = await Deno.makeTempDir({ prefix: "encimap-" });
  stack.defer(() => Deno.remove(dir, { recursive: true }));
  await Deno.chmod(dir, 0o755);
  await Deno.mkdir(`${dir}/mail`);
  const { uid } = await Deno.stat("/var/lib/postgresql");
  await Deno.chown(`${dir}/mail`, uid, uid);
  await Deno.writeTextFile(
    `${dir}/dovecot.conf`,
    `base_dir = ${dir}/run
state_dir = ${dir}/run
log_path = ${dir}/log
protocols = lmtp
ssl = no
first_valid_uid = 1
mail_location = maildir:${dir}/mail/%u
# As many as there are clients, started before they come.
default_client_limit = 2000
service lmtp {
  process_min_avail = 8
  unix_listener ${dir}/lmtp.sock {
    mode = 0666
  }
}
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=postgres gid=postgres home=${dir}/mail/%u allow_all_users=yes
}
`,
  );
  const child = new Deno.Command("dovecot", {
    args: ["-F", "-c", `${dir}/dovecot.conf`],
    stdin: "null",
  }).spawn();
  stack.defer(async () => {
    child.kill("SIGTERM");
    await child.status;
  });
  const socket = `${dir}/lmtp.sock`;
  await until(
    "Dovecot listens",
    async () =>
      (await Deno.lstat(socket).catch(() => undefined))?.isSocket === true,
  );
  const cleanup = stack.move();
  return {
    socket,
    async empty() {
      for await (const { name } of Deno.readDir(`${dir}/mail`)) {
        await Deno.remove(`${dir}/mail/${name}`, { recursive: true });
      }
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}
