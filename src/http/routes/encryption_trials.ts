/**
 * Routes of trials of how mail is encrypted.
 *
 * @module
 */

import type { App } from "../../app.ts";
import { beginTrial, confirmTrial } from "../../vaultbox/encryption_trial.ts";
import { shape, TIME, VAULTBOX, vaultboxJson } from "../answers.ts";
import { described, text, VAULTBOX_ID } from "../fields.ts";
import { POLICY_PROPERTIES, policyJson } from "../policy_answers.ts";
import { policyOf, WANTED_POLICY } from "../policy_fields.ts";
import { type Route, route } from "../route.ts";

const PATH = "/vaultboxes/{id}/encryption-trial";

const CODE = described(
  text("must have 12 letters and digits", /^(?:[a-z0-9]-?){11}[a-z0-9]$/i, {
    maxLength: 23,
    examples: ["k7dm-x2pa-9cqe"],
  }),
  "The code in the mail; case and dashes do not matter.",
);

/**
 * Lists the routes.
 *
 * @param app The world.
 * @returns The routes.
 */
export function encryptionTrialRoutes(app: App): Route[] {
  return [
    route({
      method: "POST",
      path: PATH,
      operation: "beginEncryptionTrial",
      summary: "Sends a mail that is encrypted as it is wanted",
      scope: "vaultbox:write",
      params: { id: VAULTBOX_ID },
      body: WANTED_POLICY,
      answer: {
        status: 201,
        data: shape("EncryptionTrial", {
          ...POLICY_PROPERTIES,
          "expires_at": TIME,
        }),
      },
      async handle({ actor, params: { id }, body }) {
        const { policy, expiresAt } = await beginTrial(
          app,
          actor,
          id,
          policyOf(body),
        );
        return { data: { ...policyJson(policy), "expires_at": expiresAt } };
      },
    }),
    route({
      method: "POST",
      path: `${PATH}/confirm`,
      operation: "confirmEncryptionTrial",
      summary: "Switches on what the mail of a trial was encrypted with",
      scope: "vaultbox:write",
      params: { id: VAULTBOX_ID },
      body: { code: CODE },
      answer: { status: 200, data: VAULTBOX },
      async handle({ actor, params: { id }, body: { code } }) {
        const vaultbox = await confirmTrial(app, actor, id, code);
        return { data: vaultboxJson(vaultbox, app.config.encryption) };
      },
    }),
  ];
}
