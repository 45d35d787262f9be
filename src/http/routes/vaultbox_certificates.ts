/**
 * Routes of the certificates of a vaultbox.
 *
 * @module
 */

import type { App } from "../../app.ts";
import { NEWEST_FIRST } from "../../db/page.ts";
import { issueCertificate } from "../../vaultbox/certificate_request.ts";
import { getCertificateUses } from "../../vaultbox/certificate_uses.ts";
import {
  getGeneration,
  listGenerations,
  setRetired,
} from "../../vaultbox/generations.ts";
import { getIssuerCertificate } from "../../vaultbox/issuer.ts";
import { uploadCertificate } from "../../vaultbox/upload.ts";
import {
  CERTIFICATE,
  CERTIFICATE_USES,
  generationJson,
  ISSUED_CERTIFICATE,
  UPLOADED_CERTIFICATE,
  usesJson,
} from "../certificate_answers.ts";
import {
  described,
  inPath,
  integer,
  oneOf,
  optional,
  UUID,
  VAULTBOX_ID,
} from "../fields.ts";
import { CERTIFICATE_PEM, CSR_PEM } from "../pem_fields.ts";
import { encodeCursor, pageFields, pageOf } from "../paging.ts";
import { type Route, route } from "../route.ts";

const PATH = "/vaultboxes/{id}/certificates";

const ONE = {
  id: VAULTBOX_ID,
  "certificate_id": inPath(UUID, "certificate"),
};

/** RFC 2585 §4.1 has the media type of DER; that of PEM is in common use. */
const MEDIA_TYPES = {
  pem: "application/x-pem-file",
  der: "application/pkix-cert",
} as const;

/**
 * Lists the routes.
 *
 * @param app The world.
 * @returns The routes.
 */
export function vaultboxCertificateRoutes(app: App): Route[] {
  return [
    route({
      method: "GET",
      path: PATH,
      operation: "listCertificates",
      summary: "Lists certificates of a vaultbox, retired ones too",
      scope: "vaultbox:read",
      params: { id: VAULTBOX_ID },
      query: pageFields(NEWEST_FIRST),
      answer: { status: 200, page: CERTIFICATE },
      async handle({ actor, params: { id }, query }) {
        const page = pageOf(NEWEST_FIRST, query);
        const { rows, next } = await listGenerations(app, actor, id, page);
        return {
          rows: rows.map(generationJson),
          next: next && encodeCursor(page.sort, next),
        };
      },
    }),
    route({
      method: "POST",
      path: PATH,
      operation: "uploadCertificate",
      summary: "Adds a certificate whose key is held elsewhere",
      scope: "certificate:write",
      params: { id: VAULTBOX_ID },
      body: {
        certificate: described(CERTIFICATE_PEM, "One certificate, PEM."),
      },
      answer: { status: 201, data: UPLOADED_CERTIFICATE },
      async handle({ actor, params: { id: vaultboxId }, body }) {
        const input = { vaultboxId, certificatePem: body.certificate };
        const { id, warnings } = await uploadCertificate(app, actor, input);
        const ids = { vaultboxId, certificateId: id };
        const uploaded = generationJson(await getGeneration(app, actor, ids));
        return { data: { ...uploaded, warnings } };
      },
    }),
    route({
      method: "GET",
      path: `${PATH}/{certificate_id}`,
      operation: "getCertificate",
      summary: "Shows a certificate",
      scope: "vaultbox:read",
      params: ONE,
      answer: { status: 200, data: CERTIFICATE },
      async handle({ actor, params }) {
        const found = await getGeneration(app, actor, idsOf(params));
        return { data: generationJson(found) };
      },
    }),
    route({
      method: "GET",
      path: `${PATH}/{certificate_id}/download`,
      operation: "downloadCertificate",
      summary: "Downloads a certificate",
      scope: "vaultbox:read",
      params: ONE,
      query: {
        format: optional(
          described(oneOf("pem", "der"), "`pem` if left out."),
        ),
      },
      answer: { status: 200, file: Object.values(MEDIA_TYPES) },
      async handle({ actor, params, query: { format = "pem" } }) {
        const found = await getGeneration(app, actor, idsOf(params));
        return {
          octets: format === "pem"
            ? new TextEncoder().encode(found.publicCertPem)
            : found.der,
          mediaType: MEDIA_TYPES[format],
          filename: format === "pem" ? "certificate.pem" : "certificate.cer",
        };
      },
    }),
    route({
      method: "POST",
      path: `${PATH}/csr`,
      operation: "requestCertificate",
      summary: "Issues a certificate for a key that is held elsewhere",
      scope: "certificate:write",
      params: { id: VAULTBOX_ID },
      body: {
        csr: CSR_PEM,
        days: optional(
          described(
            integer(1, 36500),
            "Validity; CERT_VALIDITY_DAYS if left out.",
          ),
        ),
      },
      answer: { status: 201, data: ISSUED_CERTIFICATE },
      async handle({ actor, params: { id: vaultboxId }, body }) {
        const { csr: requestPem, days: validityDays } = body;
        const { id: certificateId, certificatePem } = await issueCertificate(
          app,
          actor,
          { vaultboxId, requestPem, validityDays },
        );
        const ids = { vaultboxId, certificateId };
        const issued = generationJson(await getGeneration(app, actor, ids));
        return { data: { ...issued, "certificate": certificatePem } };
      },
    }),
    route({
      method: "GET",
      path: "/issuer",
      operation: "downloadIssuer",
      summary: "Downloads a certificate of the appliance's issuer",
      scope: "vaultbox:read",
      query: {
        "issuer_id": optional(
          described(UUID, "Of a certificate; if left out, who signs now."),
        ),
      },
      answer: { status: 200, file: MEDIA_TYPES.pem },
      async handle({ query: { "issuer_id": id } }) {
        const pem = await getIssuerCertificate(app, id);
        return {
          octets: new TextEncoder().encode(pem),
          filename: "issuer.pem",
        };
      },
    }),
    route({
      method: "GET",
      path: `${PATH}/{certificate_id}/uses`,
      operation: "getCertificateUses",
      summary: "Says what its retirement, or the end of its key, would mean",
      scope: "vaultbox:read",
      params: ONE,
      answer: { status: 200, data: CERTIFICATE_USES },
      async handle({ actor, params }) {
        const uses = await getCertificateUses(app, actor, idsOf(params));
        return { data: usesJson(uses) };
      },
    }),
    retiring(app, true),
    retiring(app, false),
  ];
}

function retiring(app: App, isRetired: boolean): Route {
  return route({
    method: "POST",
    path: `${PATH}/{certificate_id}/${isRetired ? "retire" : "restore"}`,
    operation: isRetired ? "retireCertificate" : "restoreCertificate",
    summary: isRetired
      ? "Stops encrypting mail to a certificate"
      : "Takes the retirement of a certificate back",
    scope: "certificate:write",
    params: ONE,
    answer: { status: 200, data: CERTIFICATE },
    async handle({ actor, params }) {
      const changed = await setRetired(app, actor, idsOf(params), isRetired);
      return { data: generationJson(changed) };
    },
  });
}

function idsOf(params: { id: string; "certificate_id": string }) {
  return { vaultboxId: params.id, certificateId: params["certificate_id"] };
}
