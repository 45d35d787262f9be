import assert from "node:assert/strict";
import { run } from "../helpers/openssl.ts";
import { Intake } from "./intake.ts";
import type { Mail } from "./mail.ts";
import { httpDoor, pause, Queue } from "./sender.ts";
import { roundsOf, Summary } from "./summary.ts";
import { type FaultWorld, faultWorld } from "./world.ts";

/** Rounds of each fault. */
const ROUNDS = roundsOf(3);

/** Mails in each round. */
const MAILS = 40;

/** Debian's package libfaketime. */
const FAKETIME =
  `/usr/lib/${Deno.build.arch}-linux-gnu/faketime/libfaketime.so.1`;

interface Scenario {
  readonly name: string;
  readonly needs?: string;
  /** Folder that is to be a small file system of its own. */
  readonly isSmall?: boolean;
  readonly fault: (
    faults: FaultWorld,
    round: number,
    mails: readonly Mail[],
  ) => Promise<void>;
}

const SCENARIOS: Scenario[] = [
  {
    name: "SIGTERM and restart under load",
    fault: async ({ intake }) => {
      for (let i = 0; i < 3; i++) {
        assert.equal(await intake.stop("SIGTERM"), 0);
        await intake.start();
        await pause(Math.random() * 100);
      }
    },
  },
  {
    name: "a new program renamed over the old one, SIGTERM and restart",
    fault: async ({ intake, state }, round) => {
      const dist = new URL("../../dist", import.meta.url).pathname;
      const place = `${state}/run/dist`;
      await run("cp", ["-r", dist, `${place}.new`], { cwd: "/" });
      // As install.sh does: never a moment with half a program.
      if (round > 0) await run("rm", ["-rf", place], { cwd: "/" });
      await Deno.rename(`${place}.new`, place);
      await pause(100);
      assert.equal(await intake.stop("SIGTERM"), 0);
      await intake.start({ program: `${place}/encimap` });
    },
  },
  {
    name: "two intakes at once, each mail given to both, one killed",
    fault: async ({ state, env, intake }, _, mails) => {
      const directory = `${state}/second`;
      await Deno.mkdir(directory, { recursive: true });
      const socket = `${directory}/intake.sock`;
      await using second = new Intake(directory, {
        ...env,
        ENCIMAP_INTAKE_SOCKET: socket,
        ENCIMAP_LMTP_SOCKET: `${directory}/lmtp.sock`,
      });
      const begun = second.start();
      const both = new Queue(httpDoor(() => socket)).deliver(mails);
      await pause(Math.random() * 500);
      await intake.stop("SIGKILL");
      await intake.start();
      await begun;
      await both;
      await second.stop("SIGTERM");
    },
  },
  {
    name: "disk full",
    needs: "root",
    isSmall: true,
    fault: async ({ state }) => {
      const { success } = await new Deno.Command("sh", {
        args: ["-c", `cat /dev/zero >'${state}/mail/filler' 2>/dev/null`],
      }).output();
      assert.ok(!success, "the disk is not full");
      await pause(1000);
      await Deno.remove(`${state}/mail/filler`);
    },
  },
  {
    name: "no more files on the disk",
    needs: "root",
    isSmall: true,
    fault: async ({ state }) => {
      const base = `${state}/mail`;
      const used = await run("df", ["--output=iused", base], { cwd: "/" });
      const few = Number(new TextDecoder().decode(used).split("\n")[1]) + 8;
      await run("mount", ["-o", `remount,nr_inodes=${few}`, base], {
        cwd: "/",
      });
      await pause(1000);
      await run("mount", ["-o", "remount,nr_inodes=90000", base], { cwd: "/" });
    },
  },
  {
    name: "disk read-only",
    needs: "root",
    isSmall: true,
    fault: async ({ state }) => {
      const base = `${state}/mail`;
      // Not while a file is open for writing: then the kernel refuses.
      for (let isBusy = true; isBusy;) {
        isBusy = false;
        await run("mount", ["-o", "remount,ro", base], { cwd: "/" })
          .catch(() => isBusy = true);
      }
      await pause(1000);
      await run("mount", ["-o", "remount,rw", base], { cwd: "/" });
    },
  },
  {
    name: "clock of the intake two days ahead, then a year back",
    needs: FAKETIME,
    fault: async ({ intake }) => {
      for (const offset of ["+2d", "-365d"]) {
        await intake.stop("SIGTERM");
        await intake.start({
          env: {
            LD_PRELOAD: FAKETIME,
            FAKETIME: offset,
            DONT_FAKE_MONOTONIC: "1",
          },
        });
        await pause(300);
        await intake.stop("SIGKILL");
        await intake.start();
      }
    },
  },
  {
    name: "the intake held for two seconds",
    fault: async ({ intake }) => {
      Deno.kill(intake.pid, "SIGSTOP");
      await pause(2000);
      Deno.kill(intake.pid, "SIGCONT");
    },
  },
];

for (const scenario of SCENARIOS) {
  const { name, needs } = scenario;
  Deno.test({
    name: `${name}: nothing is lost, doubled, bounced or exposed`,
    ignore: needs !== undefined && isAbsent(needs),
    fn: () => play(scenario),
  });
}

async function play({ name, isSmall, fault }: Scenario): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const faults = stack.use(await faultWorld());
  const { intake, queue, boxes, state } = faults;
  if (isSmall === true) {
    const base = `${state}/mail`;
    await run("mount", ["-t", "tmpfs", "-o", "size=8m", "none", base], {
      cwd: "/",
    });
    stack.defer(async () => {
      await intake.stop("SIGKILL");
      await run("umount", ["-l", base], { cwd: "/" });
    });
  }
  await intake.start();
  const summary = new Summary(name);
  for (let round = 0; round < ROUNDS; round++) {
    const mails = Array.from(
      { length: MAILS },
      (_, i) =>
        faults.mail(boxes[i % boxes.length]!, i % 10 === 0 ? 90_000 : 3000),
    );
    const delivered = queue.deliver(mails);
    await pause(Math.random() * 100);
    await fault(faults, round, mails);
    await delivered;
    await summary.round(faults);
  }
  const { withRow } = await faults.census.staged();
  assert.deepEqual(withRow, []);
  summary.end(`deferred ${queue.deferrals} times`);
}

/** Whether something that a scenario needs is not there and need not be. */
function isAbsent(needs: string): boolean {
  if (needs === "root") return Deno.uid() !== 0;
  if (Deno.env.get("TEST_REQUIRE") === "all") return false;
  try {
    return !Deno.statSync(needs).isFile;
  } catch {
    return true;
  }
}
