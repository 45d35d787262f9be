/**
 * The filters of port 25, real ones, with a DNS server in a network of their own:
 * nothing they ask leaves the machine.
 *
 * @module
 */

import { endChild } from "./child.ts";
import { isMissing } from "./openssl.ts";
import { until } from "./until.ts";

/** Who each is, its program, and how the unit starts it. */
const PROGRAMS = {
  dkim: ["opendkim", "/usr/sbin/opendkim", "DIR/encimap_dkim"],
  spf: [
    "pyspf-milter",
    "/usr/bin/pyspf-milter",
    "/usr/bin/pyspf-milter DIR/checks/spf.conf",
  ],
  dmarc: [
    "opendmarc",
    "/usr/sbin/opendmarc",
    "/usr/sbin/opendmarc -f -c DIR/checks/dmarc.conf",
  ],
} as const;

/** A filter. */
export type Filter = keyof typeof PROGRAMS;

/** Why these tests cannot run here; undefined if they can. */
export const NO_FILTERS: string | undefined = [
  ...Object.values(PROGRAMS).map(([, program]) => program),
  "/usr/sbin/dnsmasq",
  "/usr/bin/strace",
].find((path) => isMissing(path));

/** What runs. */
export interface MailChecks extends AsyncDisposable {
  /** Starts a filter, and waits until it listens. */
  start(filter: Filter): Promise<void>;
  /** Kills a filter. */
  kill(filter: Filter): Promise<void>;
  /** Stops the DNS server: questions are answered by nobody. */
  stopDns(): Promise<void>;
  /** Lists the files that filters have opened for writing. */
  written(): Promise<string[]>;
  /** Says how much memory a filter holds, RSS, in KiB. */
  memory(filter: Filter): Promise<number>;
}

/**
 * Starts all three as the appliance's templates configure them.
 *
 * @param directory An appliance's, made with ENCIMAP_MAIL_CHECKS.
 * @param records Options of dnsmasq; it knows `.example` and nothing else.
 * @returns What runs; its end stops it.
 */
export async function startMailChecks(
  directory: string,
  records: readonly string[],
): Promise<MailChecks> {
  await using stack = new AsyncDisposableStack();
  const conf = `${directory}/checks`;
  await Deno.writeTextFile(`${conf}/resolv.conf`, "nameserver 127.0.0.1\n");
  const network = new Deno.Command("unshare", {
    args: [
      "--net",
      "--mount",
      "sh",
      "-ec",
      `ip link set lo up
      mount --bind '${conf}/resolv.conf' /etc/resolv.conf
      exec "$@"`,
      "sh",
      "dnsmasq",
      "--keep-in-foreground",
      "--conf-file=/dev/null",
      "--pid-file=",
      "--user=root",
      "--no-resolv",
      "--no-hosts",
      "--bind-interfaces",
      "--listen-address=127.0.0.1",
      "--local=/example/",
      ...records,
    ],
    stdin: "null",
    stdout: "null",
  }).spawn();
  const inside = ["-t", String(network.pid), "--net", "--mount"];
  stack.defer(async () => {
    await endChild(network, "SIGKILL");
  });
  const running = new Map<Filter, Deno.ChildProcess>();
  const kill = async (filter: Filter): Promise<void> => {
    const child = running.get(filter);
    if (child === undefined) return;
    running.delete(filter);
    await endChild(child, "SIGKILL");
  };
  const start = async (filter: Filter): Promise<void> => {
    const [user, , command] = PROGRAMS[filter];
    const folder = `${directory}/spool/encimap-checks/${filter}`;
    // As install.sh and the unit do it.
    await run(
      "install",
      ...["-d", "-o", user, "-g", "postfix", "-m", "2750", folder],
    );
    await run("install", "-d", "-o", user, `${conf}/${filter}`);
    await run("rm", "-f", `${conf}/${filter}/pid`, `${folder}/socket`);
    const child = new Deno.Command("nsenter", {
      args: [
        ...inside,
        ...["sh", "-c", 'umask 007; exec "$@"', "sh"],
        // -D: the filter is the child, and strace is beside it.
        ...[
          "strace",
          "--seccomp-bpf",
          "-D",
          "-f",
          "-qq",
          "-e",
          "trace=open,openat,creat",
        ],
        ...["-o", `${conf}/${filter}.trace`, "-A"],
        ...["setpriv", `--reuid=${user}`, `--regid=${user}`, "--clear-groups"],
        ...command.replaceAll("DIR", directory).split(" "),
      ],
      stdin: "null",
      stdout: "null",
    }).spawn();
    running.set(filter, child);
    await until(`${filter} listens`, async () => {
      const there = await Deno.lstat(`${folder}/socket`).catch(() => undefined);
      return there?.isSocket === true;
    });
  };
  stack.defer(async () => {
    for (const filter of [...running.keys()]) await kill(filter);
  });
  await until("dnsmasq answers", async () => {
    const { out } = await output("nsenter", ...inside, "ss", "-lntu");
    return out.includes(":53 ");
  });
  for (const filter of Object.keys(PROGRAMS) as Filter[]) await start(filter);
  const cleanup = stack.move();
  return {
    start,
    kill,
    async stopDns() {
      network.kill("SIGSTOP");
      await Promise.resolve();
    },
    async written() {
      const lines: string[] = [];
      for (const filter of Object.keys(PROGRAMS)) {
        const text = await Deno.readTextFile(`${conf}/${filter}.trace`);
        lines.push(...text.split("\n").filter((line) => WRITING.test(line)));
      }
      return lines.map((line) => /"([^"]*)"/.exec(line)?.[1] ?? line);
    },
    async memory(filter) {
      const status = await Deno.readTextFile(
        `/proc/${running.get(filter)!.pid}/status`,
      );
      return Number(/VmRSS:\s+(\d+)/.exec(status)![1]);
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

const WRITING = /creat\(|O_(?:WRONLY|RDWR|CREAT|TMPFILE)/;

async function output(
  program: string,
  ...args: string[]
): Promise<{ code: number; out: string }> {
  const { code, stdout } = await new Deno.Command(program, {
    args,
    stdin: "null",
  }).output();
  return { code, out: new TextDecoder().decode(stdout) };
}

async function run(program: string, ...args: string[]): Promise<void> {
  const { code } = await output(program, ...args);
  if (code !== 0) throw new Error(`${program} ${args.join(" ")}: ${code}`);
}
