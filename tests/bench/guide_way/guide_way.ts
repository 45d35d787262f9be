/**
 * The way of a message as the guide describes it, for comparison: pipe(8), a
 * shell script with curl, a small HTTP intake, and `openssl` for each message.
 *
 * @module
 */

import type { Appliance } from "../../helpers/appliance.ts";
import { freePort } from "../../helpers/ports.ts";
import { until } from "../../helpers/until.ts";

/** The guide's intake, running. */
export interface GuideWay extends AsyncDisposable {
  /** Its process. */
  readonly pid: number;
  /** Counts the messages that are stored. */
  stored(): Promise<number>;
}

/**
 * Puts the guide's script in the place of ours, behind the Postfix of an
 * appliance whose transport is `pipe`, and starts the guide's intake.
 *
 * @param appliance The appliance; its own intake gets no mail any more.
 * @param ids Its vaultboxes. All get one RSA-2048 certificate.
 * @returns The way; its end stops what was started.
 */
export async function openGuideWay(
  appliance: Appliance,
  ids: readonly string[],
): Promise<GuideWay> {
  const base = `${appliance.directory}/guide`;
  const port = freePort();
  await Deno.mkdir(base);
  await openssl([
    ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30"],
    ...["-subj", "/CN=cat", "-keyout", `${base}/key.pem`],
    ...["-out", `${base}/certificate.pem`],
  ]);
  for (const id of ids) {
    await Deno.copyFile(`${base}/certificate.pem`, `${base}/${id}.pem`);
    await Deno.mkdir(`${base}/${id}/new`, { recursive: true });
    await Deno.mkdir(`${base}/${id}/tmp`);
  }
  const here = new URL(".", import.meta.url).pathname;
  const script = await Deno.readTextFile(`${here}pipe.sh`);
  await Deno.writeTextFile(
    `${appliance.directory}/encimap_pipe.sh`,
    script.replace("{{port}}", String(port)),
  );
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "-A", `${here}intake.ts`, String(port), base],
    stdin: "null",
  }).spawn();
  await until("the guide's intake listens", async () => {
    const listening = await Deno.connect({ hostname: "127.0.0.1", port })
      .catch(() => undefined);
    listening?.close();
    return listening !== undefined;
  });
  return {
    pid: child.pid,
    async stored() {
      let count = 0;
      for (const id of ids) {
        for await (const _ of Deno.readDir(`${base}/${id}/new`)) count++;
      }
      return count;
    },
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.status;
    },
  };
}

async function openssl(args: string[]): Promise<void> {
  const { success } = await new Deno.Command("openssl", {
    args,
    stdout: "null",
    stderr: "null",
  }).output();
  if (!success) throw new Error("openssl failed");
}
