import assert from "node:assert/strict";
import { isSelfIssued, signedData } from "../../src/smime/signed_data.ts";
import { pemDecodeAll } from "../../src/x509/pem.ts";
import { openssl } from "../helpers/openssl.ts";
import { issuedSigner } from "../helpers/profile_signer.ts";

const VERIFY =
  "cms -verify -inform DER -in signed -CAfile root -purpose any -binary".split(
    " ",
  );

for (
  const [name, ...newkey] of [
    ["an RSA", "rsa:2048"],
    ["a P-256", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    ["a P-384", "ec", "-pkeyopt", "ec_paramgen_curve:P-384"],
  ]
) {
  Deno.test(`OpenSSL verifies what ${name} key signs, and nothing that was altered`, async () => {
    const { certificatesPem, privateKeyPem, rootPem } = await issuedSigner(
      newkey,
    );
    const certificates = pemDecodeAll("CERTIFICATE", certificatesPem);
    assert.deepEqual(certificates.map(isSelfIssued), [false, true]);
    const content = new TextEncoder().encode("<plist/>\n\0");
    const signer = { certificates, privateKeyPem };
    const signed = signedData(content, signer, new Date());
    const verify = () => openssl({ signed, root: rootPem }, VERIFY);
    assert.deepEqual(await verify(), content);
    const text = new TextDecoder("latin1").decode(signed);
    signed[text.indexOf("<plist/>")]! ^= 1;
    await assert.rejects(verify(), /digest|verif/i);
  });
}
