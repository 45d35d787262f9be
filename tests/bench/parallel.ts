/**
 * Many clients in a process of their own, so that the server's memory is its own.
 *
 * @module
 */

/** What the clients do. */
export interface Load {
  /** URL of the API with its prefix. */
  readonly url: string;
  /** How long they go on. */
  readonly seconds: number;
  /** Each is one client with a connection that it keeps. */
  readonly users: readonly {
    readonly token: string;
    readonly domain: string;
    readonly box: string;
  }[];
}

/** What they were answered. */
export interface Outcome {
  /** Requests. */
  readonly total: number;
  /** Answers that no client should get. */
  readonly wrong: number;
  /** Answers by request and status. */
  readonly answers: Readonly<Record<string, number>>;
  /** Milliseconds of the middle request. */
  readonly medianMs: number;
  /** Milliseconds of the slowest. */
  readonly slowestMs: number;
}

/**
 * Runs the clients.
 *
 * @param load What they do.
 * @returns What they were answered.
 */
export async function clients(load: Load): Promise<Outcome> {
  const process = new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-net", import.meta.url],
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = process.stdin.getWriter();
  const output = process.output();
  await writer.write(new TextEncoder().encode(JSON.stringify(load)));
  await writer.close();
  const { success, stdout } = await output;
  if (!success) throw new Error("The clients have failed");
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** One request of a mix, and the status besides 429 that it shall have. */
type Choice = readonly [name: string, status: number, init: {
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
}];

function choose(user: Load["users"][number], number: number): Choice {
  const { domain, box } = user;
  const dice = Math.random();
  if (dice < 0.3) {
    return ["list", 200, { method: "GET", path: "/vaultboxes?limit=20" }];
  }
  if (dice < 0.6) {
    return ["usage", 200, { method: "GET", path: "/usage?limit=20" }];
  }
  if (dice < 0.85) {
    return ["get", 200, { method: "GET", path: `/vaultboxes/${box}` }];
  }
  if (dice < 0.95) {
    const path = `/vaultboxes/${crypto.randomUUID()}`;
    return ["get a missing one", 404, { method: "GET", path }];
  }
  if (dice < 0.98) {
    const path = `/vaultboxes/${crypto.randomUUID()}/imap-credentials`;
    return ["credential of a missing one", 404, { method: "POST", path }];
  }
  const alias = `p${number}-${crypto.randomUUID().slice(0, 8)}`;
  const body = { domain, alias };
  return ["create", 201, { method: "POST", path: "/vaultboxes", body }];
}

async function run({ url, seconds, users }: Load): Promise<Outcome> {
  const end = performance.now() + seconds * 1000;
  const times: number[] = [];
  const answers: Record<string, number> = {};
  let wrong = 0;
  await Promise.all(users.map(async (user, number) => {
    const headers = {
      authorization: `Bearer ${user.token}`,
      "content-type": "application/json",
    };
    while (performance.now() < end) {
      const [name, wanted, { method, path, body }] = choose(user, number);
      const begin = performance.now();
      let status = 0;
      try {
        const response = await fetch(url + path, {
          method,
          headers,
          body: body === undefined ? null : JSON.stringify(body),
        });
        await response.arrayBuffer();
        status = response.status;
      } catch {
        // Status 0: no answer.
      }
      times.push(performance.now() - begin);
      const what = `${name} ${status}`;
      answers[what] = (answers[what] ?? 0) + 1;
      if (status !== wanted && status !== 429) wrong++;
    }
  }));
  times.sort((a, b) => a - b);
  return {
    total: times.length,
    wrong,
    answers: Object.fromEntries(Object.entries(answers).sort()),
    medianMs: times[times.length >> 1]!,
    slowestMs: times.at(-1)!,
  };
}

async function main(): Promise<void> {
  const load = await new Response(Deno.stdin.readable).json();
  const outcome = await run(load);
  await Deno.stdout.write(new TextEncoder().encode(JSON.stringify(outcome)));
}

if (import.meta.main) main();
