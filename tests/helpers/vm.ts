/**
 * Throw-away virtual machines, made by the tool freshvm.
 *
 * @module
 */

import { dirname, join } from "node:path";
import { endChild } from "./child.ts";

/** Root of the repository. */
const REPOSITORY = new URL("../../", import.meta.url).pathname;

/** What a command in a machine did. */
export interface VmResult {
  /** Exit status. */
  readonly code: number;
  /** Standard output. */
  readonly stdout: string;
  /** Standard error. */
  readonly stderr: string;
}

/** A running machine; disposing of it destroys it. */
export interface Vm extends AsyncDisposable {
  /** Runs a script with `sh -eu` as root, whatever its status is. */
  run(script: string): Promise<VmResult>;
  /**
   * Runs a script that must succeed.
   *
   * @returns Its standard output without the last newline.
   * @throws {Error} If it ends with another status than 0; with its output.
   */
  sh(script: string): Promise<string>;
  /** Copies a file or the contents of a folder into the machine. */
  push(source: string, target: string): Promise<void>;
  /** Copies a file or the contents of a folder out of the machine. */
  pull(source: string, target: string): Promise<void>;
  /**
   * Connects to a port of the machine's loopback; it needs socat.
   *
   * @returns The connection; disposing of it closes it.
   */
  connect(port: number): VmConnection;
  /** Restarts the machine; returns when it has started. */
  reboot(): Promise<void>;
}

/** A connection into a machine. */
export interface VmConnection extends AsyncDisposable {
  /** What comes from there. */
  readonly readable: ReadableStream<Uint8Array>;
  /** What goes there. */
  readonly writable: WritableStream<Uint8Array>;
}

/** What makes a machine other than the usual. */
export interface VmOptions {
  /** Host name, with its domain. */
  readonly hostname: string;
  /** Release of Debian; the host's own without it. */
  readonly suite?: "bookworm" | "trixie";
  /** Whether scripts see a machine on which systemd is not PID 1. */
  readonly withoutSystemd?: boolean;
}

/**
 * Finds the tool: in FRESHVM, else beside the repository.
 *
 * @returns Its path; undefined if it is not there or may not be used.
 */
export function findFreshvm(): string | undefined {
  if (Deno.uid() !== 0) return undefined;
  const path = Deno.env.get("FRESHVM") ??
    join(dirname(REPOSITORY.replace(/\/$/, "")), "shared/freshvm/freshvm");
  try {
    return Deno.statSync(path).isFile ? path : undefined;
  } catch {
    return undefined;
  }
}

/**
 * Makes a machine; one that has the name already is replaced.
 *
 * @param name Name for the tool.
 * @param options Host name and kind.
 * @returns The machine.
 */
export async function createVm(name: string, options: VmOptions): Promise<Vm> {
  const freshvm = findFreshvm();
  if (freshvm === undefined) throw new Error("freshvm is not there");
  const tool = (...args: string[]): Promise<VmResult> =>
    exec([freshvm, ...args]);
  await must(
    tool(
      ...["create", name, "--hostname", options.hostname, "--replace"],
      ...(options.suite === undefined ? [] : ["--suite", options.suite]),
    ),
    "create",
  );
  let enter: string[] = [];
  const vm: Vm = {
    run: (script) => tool("exec", name, "--", ...enter, "sh", "-euc", script),
    async sh(script) {
      const { stdout } = await must(vm.run(script), script);
      return stdout.replace(/\n$/, "");
    },
    async push(source, target) {
      await must(tool("push", name, source, target), "push");
    },
    async pull(source, target) {
      await must(tool("pull", name, source, target), "pull");
    },
    connect(port) {
      const child = new Deno.Command(freshvm, {
        args: ["exec", "-i", name, "--", "socat", "-", `TCP:127.0.0.1:${port}`],
        stdin: "piped",
        stdout: "piped",
      }).spawn();
      return {
        readable: child.stdout,
        writable: child.stdin,
        async [Symbol.asyncDispose]() {
          await endChild(child);
        },
      };
    },
    async reboot() {
      await must(tool("reboot", name), "reboot");
    },
    async [Symbol.asyncDispose]() {
      await must(tool("destroy", name), "destroy");
    },
  };
  try {
    // No fsync for each file of a package: the machine is thrown away.
    await vm.sh("echo force-unsafe-io >/etc/dpkg/dpkg.cfg.d/unsafe-io");
    if (options.withoutSystemd === true) enter = await leaveSystemd(vm);
  } catch (error) {
    await vm[Symbol.asyncDispose]();
    throw error;
  }
  return vm;
}

/**
 * Starts a second PID 1, a shell that only waits, with a /run of its own, as in
 * a container.
 *
 * @param vm The machine.
 * @returns The command that runs another one there.
 */
async function leaveSystemd(vm: Vm): Promise<string[]> {
  await vm.sh(`
    unshare --mount --pid --fork --mount-proc sh -c '
      mount -t tmpfs tmpfs /run
      mkdir -p /run/lock
      while :; do sleep 1; done
    ' </dev/null >/dev/null 2>&1 &
    echo $! >/root/unshare.pid`);
  const pid = await vm.sh(`
    until pid=$(cat "/proc/$(cat /root/unshare.pid)/task/$(cat /root/unshare.pid)/children") && [ -n "$pid" ]; do sleep 0.1; done
    until [ "$(nsenter -t $pid -m stat -f -c %T /run)" = tmpfs ] && [ ! -e "/proc/\${pid% }/root/run/systemd" ]; do sleep 0.1; done
    echo $pid`);
  return ["nsenter", "-t", pid.trim(), "--mount", "--pid", "--"];
}

/**
 * Copies the files that a clone would have, uncommitted changes included.
 *
 * @returns A new temporary folder.
 */
export async function cleanCopy(): Promise<string> {
  const folder = await Deno.makeTempDir({ prefix: "encimap_clone_" });
  const { stdout } = await must(
    exec(["git", "-C", REPOSITORY, "ls-files", "-coz", "--exclude-standard"]),
    "git ls-files",
  );
  for (const path of new Set(stdout.split("\0").filter(Boolean))) {
    const target = join(folder, path);
    await Deno.mkdir(dirname(target), { recursive: true });
    // A file may be deleted and not yet committed.
    await Deno.copyFile(join(REPOSITORY, path), target).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
  return folder;
}

async function exec(argv: readonly string[]): Promise<VmResult> {
  const [program, ...args] = argv;
  const { code, stdout, stderr } = await new Deno.Command(program!, {
    args,
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return {
    code,
    stdout: decoder.decode(stdout),
    stderr: decoder.decode(stderr),
  };
}

async function must(
  result: Promise<VmResult>,
  what: string,
): Promise<VmResult> {
  const { code, stdout, stderr } = await result;
  if (code === 0) return { code, stdout, stderr };
  throw new Error(`Status ${code} of: ${what.trim()}\n${stdout}\n${stderr}`);
}
