/**
 * Routes of the custody of private keys.
 *
 * @module
 */

import type { App } from "../../app.ts";
import { changeCustody, getCustody } from "../../vaultbox/custody.ts";
import { confirmHandOut, takeHandOutBack } from "../../vaultbox/hand_out.ts";
import { destroyKey } from "../../vaultbox/key_destruction.ts";
import {
  CUSTODY,
  CUSTODY_CHANGE,
  custodyJson,
  RECEIPT,
  receiptJson,
} from "../custody_answers.ts";
import {
  described,
  type Field,
  inPath,
  oneOf,
  optional,
  text,
  UUID,
  VAULTBOX_ID,
  wrong,
} from "../fields.ts";
import { type Route, route } from "../route.ts";

const PATH = "/vaultboxes/{id}/custody";

const SHA256 = text(
  "must have 64 hexadecimal digits",
  /^[0-9A-Fa-f]{64}$/,
  { pattern: "^[0-9A-Fa-f]{64}$" },
);

const YES_OR_NO: Field<boolean> = {
  schema: { type: "boolean" },
  parse(value, name) {
    if (typeof value === "boolean") return value;
    throw wrong(name, "must be true or false");
  },
};

/**
 * Lists the routes.
 *
 * @param app The world.
 * @returns The routes.
 */
export function custodyRoutes(app: App): Route[] {
  return [
    route({
      method: "GET",
      path: PATH,
      operation: "getCustody",
      summary: "Shows who holds the private keys of a vaultbox",
      scope: "vaultbox:read",
      params: { id: VAULTBOX_ID },
      answer: { status: 200, data: CUSTODY },
      async handle({ actor, params: { id } }) {
        return { data: custodyJson(await getCustody(app, actor, id)) };
      },
    }),
    route({
      method: "PUT",
      path: PATH,
      operation: "setCustody",
      summary: "Changes who holds the private keys that are made from now on",
      scope: "certificate:write",
      params: { id: VAULTBOX_ID },
      body: {
        custody: oneOf("server", "client", "external"),
        "dry_run": optional(
          described(YES_OR_NO, "Says what it means and changes nothing."),
        ),
      },
      answer: { status: 200, data: CUSTODY_CHANGE },
      async handle({ actor, params: { id: vaultboxId }, body }) {
        const { custody, "dry_run": dryRun = false } = body;
        const change = { vaultboxId, custody, dryRun };
        const warnings = await changeCustody(app, actor, change);
        const now = custodyJson(await getCustody(app, actor, vaultboxId));
        return { data: { ...now, "dry_run": dryRun, warnings } };
      },
    }),
    route({
      method: "POST",
      path: `${PATH}/confirm`,
      operation: "confirmHandOut",
      summary: "Confirms a bundle and has the private keys in it destroyed",
      scope: "certificate:write",
      params: { id: VAULTBOX_ID },
      body: {
        sha256: described(SHA256, "SHA-256 of the file, hexadecimal."),
      },
      answer: { status: 200, data: RECEIPT },
      async handle({ actor, params: { id }, body: { sha256 } }) {
        const receipt = await confirmHandOut(app, actor, id, sha256);
        return { data: receiptJson(receipt) };
      },
    }),
    route({
      method: "POST",
      path: `${PATH}/take-back`,
      operation: "takeHandOutBack",
      summary: "Retires what an unconfirmed bundle has, and makes a new key",
      scope: "certificate:write",
      params: { id: VAULTBOX_ID },
      answer: { status: 200, data: CUSTODY },
      async handle({ actor, params: { id } }) {
        await takeHandOutBack(app, actor, id);
        return { data: custodyJson(await getCustody(app, actor, id)) };
      },
    }),
    route({
      method: "POST",
      path: "/vaultboxes/{id}/certificates/{certificate_id}/destroy-key",
      operation: "destroyKey",
      summary: "Destroys the private key of a certificate, for good",
      scope: "certificate:write",
      params: {
        id: VAULTBOX_ID,
        "certificate_id": inPath(UUID, "certificate"),
      },
      body: {
        "fingerprint_sha256": described(
          SHA256,
          "The certificate's, as a sign that this one is meant.",
        ),
      },
      answer: { status: 200, data: RECEIPT },
      async handle({ actor, params, body }) {
        const { id: vaultboxId, "certificate_id": certificateId } = params;
        const ids = { vaultboxId, certificateId };
        const fingerprint = body["fingerprint_sha256"];
        const receipt = await destroyKey(app, actor, ids, fingerprint);
        return { data: receiptJson(receipt) };
      },
    }),
  ];
}
