import assert from "node:assert/strict";
import { pemDecode, pemEncode, pemExtract } from "../../../src/x509/pem.ts";

for (const size of [1, 2, 3, 47, 48, 49, 96, 1000]) {
  Deno.test(`pemDecode() gives back ${size} octets of pemEncode()`, () => {
    const der = crypto.getRandomValues(new Uint8Array(size));
    assert.deepEqual(pemDecode("X509 CRL", pemEncode("X509 CRL", der)), der);
  });
}

Deno.test("pemEncode() writes lines of 64 characters that end with LF", () => {
  assert.equal(
    pemEncode("CERTIFICATE", new Uint8Array(49)),
    "-----BEGIN CERTIFICATE-----\n" + "A".repeat(64) + "\nAA==\n" +
      "-----END CERTIFICATE-----\n",
  );
});

for (const label of ["", "A--B", " A", "A ", "A\nB", "-A", "Ä"]) {
  Deno.test(`pemEncode() throws on the label ${JSON.stringify(label)}`, () => {
    assert.throws(() => pemEncode(label, new Uint8Array(1)), RangeError);
  });
}

Deno.test("pemEncode() throws if there is no octet", () => {
  assert.throws(() => pemEncode("CERTIFICATE", new Uint8Array()), RangeError);
});

const PEM = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";

for (const eol of ["\n", "\r\n", "\r"]) {
  Deno.test(`pemDecode() reads the line end ${JSON.stringify(eol)}`, () => {
    const der = new Uint8Array([0x30, 0]);
    const pem = PEM.replaceAll("\n", eol);
    assert.deepEqual(pemDecode("CERTIFICATE", pem), der);
    assert.deepEqual(pemDecode("CERTIFICATE", pem.trimEnd()), der);
  });
}

const REFUSED: Readonly<Record<string, string>> = {
  "nothing": "",
  "another label": PEM.replaceAll("CERTIFICATE", "PRIVATE KEY"),
  "two labels": PEM.replace("END CERTIFICATE", "END X509 CRL"),
  "text before it": `Bag Attributes\n${PEM}`,
  "text after it": `${PEM}more\n`,
  "a second structure": PEM + PEM,
  "no end": PEM.split("-----END")[0]!,
  "no base64": PEM.replace("MAA=\n", ""),
  "an empty line": PEM.replace("MAA=\n", "MAA=\n\n"),
  "a space": PEM.replace("MAA=", "MAA= "),
  "a space inside": PEM.replace("MAA=", "M AA="),
  "no padding": PEM.replace("MAA=", "MAA"),
  "bits in the padding": PEM.replace("MAA=", "MAB="),
  "padding in the middle": PEM.replace("MAA=", "MAA=MAA="),
  "a foreign character": PEM.replace("MAA=", "MA_="),
  "a short line that is not the last": PEM.replace("MAA=", "MAAA\nMAA="),
  "a line of 68": PEM.replace("MAA=", "A".repeat(68)),
};

for (const [what, pem] of Object.entries(REFUSED)) {
  Deno.test(`pemDecode() throws on ${what}`, () => {
    assert.throws(() => pemDecode("CERTIFICATE", pem), SyntaxError);
  });
}

const TEXT = pemEncode("CERTIFICATE", new Uint8Array(100).fill(1));

for (
  const [what, text] of [
    ["text around it", `Bag Attributes\n  name: cat\n${TEXT}the end`],
    ["CRLF", TEXT.replaceAll("\n", "\r\n")],
    ["CR", TEXT.replaceAll("\n", "\r")],
    ["one long line", TEXT.replaceAll(/(?<=A|Q|E)\n(?=A|Q|E)/g, "")],
    ["spaces around lines", TEXT.replaceAll("\n", " \n  ")],
  ] as const
) {
  Deno.test(`pemExtract() finds a structure with ${what}`, () => {
    assert.deepEqual(
      pemExtract("CERTIFICATE", text),
      new Uint8Array(100).fill(1),
    );
  });
}

for (
  const [what, text] of [
    ["nothing", ""],
    ["two structures", TEXT + TEXT],
    ["no end", TEXT.slice(0, 100)],
    ["another label", TEXT.replaceAll("CERTIFICATE", "CRL")],
    ["no base64", TEXT.replace("AQEB", "A*EB")],
    ["nothing in it", "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----"],
  ] as const
) {
  Deno.test(`pemExtract() throws SyntaxError on ${what}`, () => {
    assert.throws(() => pemExtract("CERTIFICATE", text), SyntaxError);
  });
}
