import assert from "node:assert/strict";
import { MISSING } from "../helpers/appliance.ts";
import { postfixWorld } from "./postfix_world.ts";
import { Summary } from "./summary.ts";

const NEEDS = MISSING ? ` (needs ${MISSING})` : "";

/** Messages that the intake takes in one session of LMTP. */
const SESSION_MESSAGES_MAX = 1000;

/** Mails: more than one session. */
const MAILS = 1020;

Deno.test({
  name:
    `Postfix goes on where a session of LMTP has had its ${SESSION_MESSAGES_MAX} messages${NEEDS}`,
  ignore: MISSING !== undefined,
}, async () => {
  // One connection at a time, kept for all of the mail.
  await using world = await postfixWorld([
    "encimap-lmtp_destination_concurrency_limit=1",
    "encimap-lmtp_initial_destination_concurrency=1",
    "lmtp_connection_reuse_time_limit=600s",
  ]);
  const { boxes, mailer } = world;
  const summary = new Summary("sessions of LMTP that end after 1000 messages");
  // All of it waits before the first is delivered, so that one session has it.
  await world.postfix("postconf", "-e", "defer_transports=encimap-lmtp");
  await world.postfix("postfix", "reload");
  await mailer.send(
    Array.from({ length: MAILS }, () => world.mail(boxes[2]!, 1000)),
  );
  await world.postfix("postconf", "-e", "defer_transports=");
  await world.postfix("postfix", "reload");
  await world.drained();
  const log = await world.maillog();
  const uses = [...log.matchAll(/relay=\S+lmtp\.sock\S* conn_use=(\d+)/g)]
    .map((match) => Number(match[1]));
  assert.equal(Math.max(...uses), SESSION_MESSAGES_MAX);
  const tried = log.split("\n").filter((line) => /relay=\S+lmtp/.test(line));
  assert.equal(tried.length, MAILS);
  for (const line of tried) assert.match(line, /status=sent/);
  assert.doesNotMatch(log, /status=bounced/);
  await summary.round(world, { places: world.places() });
  summary.end();
});
