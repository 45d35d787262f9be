/**
 * The machine, for who runs it: services, queue, disk, backups, and what
 * `encimap doctor` has found.
 *
 * @module
 */

import type {
  DoctorCheck,
  Machine,
} from "../../../clients/typescript/encimap.ts";
import type { Content, Html } from "../html.ts";
import { bytes, Lines, Problem, Table, Time } from "../layout.tsx";
import { type DashboardRoute, OPERATORS } from "../route.ts";
import { TEXTS } from "../texts.ts";
import type { DashboardWorld } from "../world.ts";
import { Services } from "./overview.tsx";

/** What has to be looked at comes first. */
const ORDER: readonly DoctorCheck["status"][] = [
  "failed",
  "warning",
  "skipped",
  "ok",
];

/** Name of the check that says how old the newest backup is. */
const BACKUP = "backup";

/** Milliseconds after which a report is too old: two days were missed. */
const STALE_MS = 50 * 3_600_000;

/**
 * Lists the pages.
 *
 * @param world The dashboard's world.
 * @returns The pages.
 */
export function machineRoutes(
  { now }: Pick<DashboardWorld, "now">,
): DashboardRoute[] {
  const texts = TEXTS.machine;
  return [{
    method: "GET",
    path: "/machine",
    roles: OPERATORS,
    async handle({ who }) {
      const machine = await who.api.getMachine();
      return {
        title: texts.title,
        main: (
          <>
            <p class="soft">{texts.version(machine.version)}</p>
            <Services services={machine.services} />
            <h2>{texts.queue}</h2>
            <Queues queues={machine.queues} />
            <h2>{texts.disk}</h2>
            <Disk store={machine.store} />
            <h2>{texts.backups}</h2>
            <Backups doctor={machine.doctor} />
            <h2>{texts.checks}</h2>
            <Checks machine={machine} now={now()} />
          </>
        ),
      };
    },
  }];
}

function Queues({ queues }: Pick<Machine, "queues">): Html {
  const texts = TEXTS.machine;
  if (queues === null) return <p>{texts.queueUnread}</p>;
  return (
    <>
      <p class="help">{texts.queueHelp}</p>
      <Table
        caption={texts.queue}
        heads={texts.queueHeads}
        rows={queues.map(({ name, messages, ...queue }) => [
          texts.queues[name],
          messages,
          bytes(queue.bytes),
          messages === 0 ? TEXTS.none : texts.age(queue["oldest_seconds"]),
        ])}
      />
    </>
  );
}

function Disk({ store }: Pick<Machine, "store">): Html {
  const texts = TEXTS.machine;
  if (store === null) return <p>{texts.diskUnread}</p>;
  const { total_bytes: total, free_bytes: free, min_free_bytes: min } = store;
  return (
    <>
      <Problem text={free < min ? texts.full : undefined} />
      <dl class="facts">
        <dt>{texts.free}</dt>
        <dd>{texts.freeOf(bytes(free), bytes(total))}</dd>
        <dt>{texts.minFree}</dt>
        <dd>{bytes(min)}</dd>
      </dl>
    </>
  );
}

function Backups({ doctor }: Pick<Machine, "doctor">): Html {
  const texts = TEXTS.machine;
  const check = doctor?.checks.find(({ name }) => name === BACKUP);
  if (check === undefined) return <p>{texts.noBackup}</p>;
  return (
    <>
      <State status={check.status} />
      <Found check={check} />
    </>
  );
}

function Checks(
  { machine: { doctor, services }, now }: { machine: Machine; now: Date },
): Html {
  const texts = TEXTS.machine;
  if (doctor === null && services.database === "disconnected") {
    return <p>{texts.reportUnread}</p>;
  }
  if (doctor === null) {
    return (
      <>
        <p>{texts.noReport}</p>
        <Lines lines={["encimap doctor"]} />
      </>
    );
  }
  const { at, status, checks } = doctor;
  const isStale = now.getTime() - new Date(at).getTime() > STALE_MS;
  return (
    <>
      <p class={status === "ok" ? "good" : "bad"}>{texts.statuses[status]}</p>
      <p>
        {texts.at} <Time at={at} />
      </p>
      <Problem text={isStale ? texts.stale : undefined} />
      <Table
        caption={texts.checks}
        heads={texts.checkHeads}
        rows={ORDER.flatMap((state) =>
          checks.filter((check) => check.status === state)
        ).map((check): Content[] => [
          <State status={check.status} />,
          <>
            {check.title} <span class="soft">({check.name})</span>
            <Found check={check} />
          </>,
        ])}
      />
    </>
  );
}

/** What a check has found, and what to do about it. */
function Found({ check }: { check: DoctorCheck }): Html {
  const said = check.problem ?? check.note;
  return (
    <>
      {said !== null && <div>{said}</div>}
      {check.fix !== null && <p class="help">{check.fix}</p>}
    </>
  );
}

function State({ status }: Pick<DoctorCheck, "status">): Html {
  const kind = status === "ok" ? "good" : status === "skipped" ? "soft" : "bad";
  return <span class={kind}>{TEXTS.machine.states[status]}</span>;
}
