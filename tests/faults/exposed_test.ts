import assert from "node:assert/strict";
import { connect } from "../../src/db/connect.ts";
import { isMissing, run } from "../helpers/openssl.ts";
import { until } from "../helpers/until.ts";
import { hunt } from "./hunt.ts";
import { pause } from "./sender.ts";
import { Summary } from "./summary.ts";
import { type FaultWorld, faultWorld } from "./world.ts";

/** System calls by which octets leave a process. */
const WRITES = "write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg";

/** strace that writes down every octet that leaves; the file is outside of the state. */
function tracer(faults: FaultWorld): string[] {
  return [
    ...["strace", "-D", "-f", "-qq", "-s", "20000000", "-e", `trace=${WRITES}`],
    ...["-o", `${faults.world.directory}/trace`],
  ];
}

Deno.test({
  name: "no system call of the intake writes plaintext anywhere",
  ignore: isMissing("strace"),
}, async () => {
  await using faults = await faultWorld();
  const { intake, queue, boxes, world, canaries } = faults;
  const summary = new Summary("every octet that the intake writes, by strace");
  await intake.start({ under: tracer(faults) });
  const mails = boxes.flatMap((box) => [
    faults.mail(box),
    faults.mail(box, 300_000),
    // Above what is kept in memory: through the spool.
    faults.mail(box, 4_000_000),
  ]);
  await queue.deliver(mails, 4);
  await intake.stop("SIGTERM");
  const trace = `${world.directory}/trace`;
  assert.ok((await Deno.stat(trace)).size > 10_000_000, "little was traced");
  assert.deepEqual(await hunt(canaries, [trace]), []);
  await summary.round(faults);
  summary.end("files, sockets, unlinked files");
});

Deno.test({
  name: "strace shows plaintext that a program writes",
  ignore: isMissing("strace"),
}, async () => {
  await using faults = await faultWorld();
  const trace = `${faults.world.directory}/trace`;
  const { canaries, state } = faults;
  const [program, ...args] = tracer(faults).filter((arg) => arg !== "-D");
  await run(program!, [
    ...args,
    ...["sh", "-c", `printf %s ${canaries.body} >'${state}/tmp/x'`],
  ], { cwd: "/" });
  assert.deepEqual(await hunt(canaries, [trace]), [trace]);
});

/** What the unit says of core dumps. */
async function coreLimit(): Promise<string> {
  const unit = await Deno.readTextFile(
    new URL(
      "../../appliance/systemd/encimap-intake.service.tmpl",
      import.meta.url,
    ),
  );
  return /^LimitCORE=(.*)$/m.exec(unit)![1]!;
}

for (const limit of ["of the unit", "unlimited"]) {
  const isOpen = limit === "unlimited";
  Deno.test({
    name: isOpen
      ? "the hunt finds mail in a core dump, where one is made"
      : "an intake that crashes with mail in memory leaves no core dump",
    ignore: Deno.readTextFileSync("/proc/sys/kernel/core_pattern")
      .startsWith("|"),
  }, async () => {
    await using faults = await faultWorld();
    const { intake, queue, boxes, canaries, state } = faults;
    const soft = isOpen ? "unlimited" : await coreLimit();
    await intake.start({ under: ["prlimit", `--core=${soft}`] });
    // Held before the row is written: the mail is in memory.
    const owner = faults.world.database.url("encimap_owner");
    const tx = connect(owner, { max: 1 });
    await tx`begin`;
    await tx`lock table messages in share mode`;
    const delivered = queue.deliver([faults.mail(boxes[0]!, 400_000)]);
    await until(
      "the mail is staged",
      async () => (await faults.census.staged()).withoutRow.length > 0,
    );
    await pause(100);
    await intake.stop("SIGABRT");
    await tx`rollback`;
    await tx.end();
    const found = await hunt(canaries, [state]);
    const cores = (await Array.fromAsync(Deno.readDir(`${state}/run`)))
      .filter(({ name }) => name.startsWith("core"));
    assert.equal(cores.length, isOpen ? 1 : 0);
    assert.equal(found.length, isOpen ? 1 : 0);
    for (const { name } of cores) await Deno.remove(`${state}/run/${name}`);
    await intake.start();
    await delivered;
    const summary = new Summary(
      isOpen
        ? "core dump forced (the hunt finds it)"
        : "crash with mail in memory",
    );
    await summary.round(faults);
    summary.end();
  });
}
