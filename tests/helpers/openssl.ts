/**
 * Runs openssl and other programs that judge our octets.
 *
 * @module
 */

/** Octets as the product uses them. */
export type Octets = Uint8Array<ArrayBuffer>;

/** Files of a run by name; text is written in UTF-8. */
export type Files = Readonly<Record<string, Uint8Array | string>>;

/** A directory that goes away with its scope. */
export interface TemporaryDirectory extends AsyncDisposable {
  /** Absolute path. */
  readonly path: string;
}

/**
 * Makes a directory for one test.
 *
 * @param files Files to write into it.
 * @returns The directory; `await using` removes it.
 */
export async function temporaryDirectory(
  files: Files = {},
): Promise<TemporaryDirectory> {
  const path = await Deno.makeTempDir({ prefix: "encimap-test-" });
  for (const [name, content] of Object.entries(files)) {
    const octets = typeof content === "string"
      ? new TextEncoder().encode(content)
      : content;
    await Deno.writeFile(`${path}/${name}`, octets, { mode: 0o600 });
  }
  return {
    path,
    async [Symbol.asyncDispose]() {
      // An agent that ends may remove its socket at the same moment.
      await Deno.remove(path, { recursive: true }).catch(() =>
        Deno.remove(path, { recursive: true })
      );
    },
  };
}

/** How a program is run. */
export interface RunOptions {
  /** Working directory. */
  readonly cwd: string;
  /** What it reads from standard input; nothing if left out. */
  readonly stdin?: Uint8Array | string;
  /** Variables besides the test's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Exit statuses that are no failure; 0 if left out. */
  readonly statuses?: readonly number[];
}

/**
 * Runs a program without a shell.
 *
 * @param program Its name.
 * @param args Its arguments.
 * @param options How to run it.
 * @returns What it wrote to standard output.
 * @throws {Error} If its exit status is another one; the message has what it
 * wrote to standard error.
 */
export async function run(
  program: string,
  args: readonly string[],
  options: RunOptions,
): Promise<Octets> {
  const process = new Deno.Command(program, {
    args: [...args],
    cwd: options.cwd,
    env: { ...options.env },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const input = async () => {
    const writer = process.stdin.getWriter();
    const stdin = options.stdin ?? "";
    try {
      await writer.write(
        typeof stdin === "string" ? new TextEncoder().encode(stdin) : stdin,
      );
      await writer.close();
    } catch {
      // It need not read what it does not want; its exit status decides.
    }
  };
  const [output] = await Promise.all([process.output(), input()]);
  if (!(options.statuses ?? [0]).includes(output.code)) {
    const text = new TextDecoder().decode(output.stderr);
    throw new Error(`${program} ${args[0]}: exit ${output.code}: ${text}`);
  }
  return output.stdout;
}

/**
 * Runs openssl in a directory of its own.
 *
 * @param files Files that its arguments name.
 * @param args Arguments; the first is the sub-command, as `cms`.
 * @param options `output`: name of a file to give in place of standard output.
 * @returns What it wrote.
 * @throws {Error} If its exit status is not 0.
 */
export async function openssl(
  files: Files,
  args: readonly string[],
  options: { output?: string } = {},
): Promise<Octets> {
  await using directory = await temporaryDirectory(files);
  const stdout = await run("openssl", args, { cwd: directory.path });
  return options.output === undefined
    ? stdout
    : await Deno.readFile(`${directory.path}/${options.output}`);
}

/** A recipient that openssl has made. */
export interface Issued {
  /** Private key, PKCS#8 in PEM. */
  readonly key: Octets;
  /** Certificate in PEM. */
  readonly certificate: Octets;
  /** Certificate in DER. */
  readonly der: Octets;
  /** Key and certificate in PKCS#12 with 3DES and SHA-1, which all read. */
  readonly pkcs12: Octets;
  /** Password of `pkcs12`. */
  readonly password: string;
}

/**
 * Makes a key and a self-signed certificate with openssl.
 *
 * @param subject Subject, as `/CN=Cat`.
 * @param options `newKey`: what `-newkey` takes, `rsa:2048` if left out.
 * @returns The recipient.
 */
export async function issue(
  subject: string,
  options: { newKey?: string } = {},
): Promise<Issued> {
  await using directory = await temporaryDirectory();
  const cwd = directory.path;
  const password = "test";
  const keyArgs = (options.newKey ?? "rsa:2048").split(" ");
  const usage = keyArgs[0] === "ec" ? "keyAgreement" : "keyEncipherment";
  await run("openssl", [
    ...["req", "-x509", "-nodes", "-days", "30", "-utf8", "-subj", subject],
    ...["-addext", `keyUsage=digitalSignature,${usage}`],
    ...["-addext", "extendedKeyUsage=emailProtection"],
    ...["-addext", "subjectAltName=email:cat@example.com"],
    ...["-keyout", "key", "-out", "certificate", "-newkey", ...keyArgs],
  ], { cwd });
  const der = await run("openssl", [
    ...["x509", "-in", "certificate", "-outform", "DER"],
  ], { cwd });
  const pkcs12 = await run("openssl", [
    ...["pkcs12", "-export", "-inkey", "key", "-in", "certificate"],
    ...["-name", "cat", "-passout", `pass:${password}`],
    ...["-keypbe", "PBE-SHA1-3DES", "-certpbe", "PBE-SHA1-3DES"],
    ...["-macalg", "sha1"],
  ], { cwd });
  return {
    key: await Deno.readFile(`${cwd}/key`),
    certificate: await Deno.readFile(`${cwd}/certificate`),
    der,
    pkcs12,
    password,
  };
}

/**
 * Says whether a test is to be skipped because a program is not installed.
 *
 * @param programs Programs that it runs, or paths of files that it needs.
 * @returns True if one is missing, unless TEST_REQUIRE is "all": then the test
 * runs, and fails.
 */
export function isMissing(...programs: readonly string[]): boolean {
  return Deno.env.get("TEST_REQUIRE") !== "all" &&
    !programs.every(isInstalled);
}

function isInstalled(program: string): boolean {
  const paths = program.startsWith("/")
    ? [program]
    : (Deno.env.get("PATH") ?? "").split(":").map((directory) =>
      `${directory}/${program}`
    );
  return paths.some((path) => {
    try {
      return Deno.statSync(path).isFile;
    } catch {
      return false;
    }
  });
}
