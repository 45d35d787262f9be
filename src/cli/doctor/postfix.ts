/**
 * Checks of Postfix's settings and of its queue.
 *
 * @module
 */

import { renderAppliance } from "../../appliance/render.ts";
import { lineHeads } from "../../system/line_heads.ts";
import { queueText } from "../../vaultbox/metrics_peers.ts";
import { queueMetrics, readQueues } from "../../vaultbox/queue_metrics.ts";
import { applianceSettings } from "../render.ts";
import { type Check, refuse, warn } from "./check.ts";
import type { Doctor } from "./doctor.ts";

/** Seconds that mail may be on its way within Postfix. */
const MOVING_SECONDS = 3600;

/** Seconds after which mail that waits is spoken of. */
const WAITING_SECONDS = 14_400;

/** Messages from which on the queue is spoken of. */
const MANY = 1000;

/** Settings that a problem names, at most. */
const NAMED_MAX = 5;

/** A setting of ours, and where its value stands among an administrator's. */
export interface WantedSetting {
  /** Its name. */
  readonly name: string;
  /** Our value, or our part of it. */
  readonly value: string;
  /** As the mark in the template says. */
  readonly place: "replace" | "first" | "last";
}

/**
 * Reads main.cf as the template makes it.
 *
 * @param text The rendered template.
 * @returns Its settings.
 */
export function wantedSettings(text: string): WantedSetting[] {
  const settings: WantedSetting[] = [];
  let place: WantedSetting["place"] = "replace";
  for (const line of text.split("\n")) {
    const mark = /^# merge: (first|last)$/.exec(line)?.[1];
    if (mark !== undefined) place = mark as "first" | "last";
    const match = /^([a-z0-9_-]+) = ?(.*)$/i.exec(line);
    if (match === null) continue;
    settings.push({ name: match[1]!, value: match[2]!.trim(), place });
    place = "replace";
  }
  return settings;
}

/**
 * Lists the checks.
 *
 * @param doctor What they look at.
 * @returns The checks.
 */
export function postfixChecks({ app, exec, io }: Doctor): Check[] {
  return [
    {
      name: "postfix-settings",
      title: "Postfix has the settings of the appliance",
      fix: "Run install.sh again: it sets what differs and says so.",
      async run() {
        const files = renderAppliance(applianceSettings(app.config, io.env));
        const wanted = wantedSettings(files.get("postfix/main.cf")!);
        const { code, stdout, stderr } = await exec([
          "/usr/sbin/postconf",
          ...wanted.map(({ name }) => name),
        ]);
        refuse(code !== 0, `postconf: ${stderr.trim()}`);
        const found = new Map(
          stdout.split("\n").flatMap((line): [string, string][] => {
            const match = /^(\S+) = ?(.*)$/.exec(line);
            return match === null ? [] : [[match[1]!, match[2]!.trim()]];
          }),
        );
        const wrong = wanted.filter((setting) =>
          !isMet(setting, found.get(setting.name))
        ).map(({ name }) => `${name} = ${found.get(name) ?? "(not set)"}`);
        const more = wrong.length - NAMED_MAX;
        refuse(
          wrong.length > 0,
          wrong.slice(0, NAMED_MAX).join("; ") +
            (more > 0 ? `; and ${more} more` : ""),
        );
      },
    },
    {
      name: "queue",
      title: "mail does not wait in Postfix's queue",
      fix:
        '"postqueue -p" says what waits and why; "postqueue -f" tries it at once. Mail in the queue lies there in clear.',
      needs: ["smtp"],
      async run() {
        const text = await queueText(app.config.queueSocket)
          // Without systemd nobody is behind the socket.
          .catch(() => queueMetrics(lineHeads, app.now()));
        const queues = readQueues(text);
        if (queues === undefined) throw new Error("it cannot be read");
        for (const { name, messages, oldestSeconds } of queues) {
          const age = hours(oldestSeconds);
          if (name === "hold") {
            warn(messages > 0, `${messages} message(s) are on hold`);
          } else if (name === "deferred") {
            warn(
              messages >= MANY || oldestSeconds > WAITING_SECONDS,
              `${messages} message(s) wait, the oldest for ${age}`,
            );
          } else {
            const isStuck = oldestSeconds > MOVING_SECONDS;
            refuse(isStuck, `mail is in "${name}" for ${age}`);
          }
        }
      },
    },
  ];
}

function isMet(
  { value, place }: WantedSetting,
  found: string | undefined,
): boolean {
  switch (place) {
    case "first":
      return found === value || found?.startsWith(`${value},`) === true;
    case "last":
      return found?.endsWith(value) === true;
  }
  return found === value;
}

function hours(seconds: number): string {
  return `${Math.floor(seconds / 360) / 10} hours`;
}
