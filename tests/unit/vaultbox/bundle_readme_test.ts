import assert from "node:assert/strict";
import {
  bundleReadme,
  type BundleReadmeOptions,
  type ReadmeCertificate,
} from "../../../src/vaultbox/bundle_readme.ts";

const NEWEST: ReadmeCertificate = {
  fingerprintSha256: "0123456789abcdef".repeat(4),
  notAfter: new Date("2027-11-22T12:00:00Z"),
  isIssued: false,
  isEllipticCurve: false,
};
const OLDER: ReadmeCertificate = {
  ...NEWEST,
  fingerprintSha256: "fedcba9876543210".repeat(4),
  notAfter: new Date("2026-02-03T12:00:00Z"),
};
const OPTIONS: BundleReadmeOptions = {
  address: "cat@example.com",
  hostname: "mail.example.com",
  imapPort: 993,
  submissionPort: 587,
  username: "encimap-cat",
  isOnlyCopy: false,
  destroyedKeys: 0,
  certificates: [NEWEST],
};

/** As one line, since lines are broken anywhere. */
const said = (options: BundleReadmeOptions): string =>
  bundleReadme(options).replace(/\s+/g, " ");

for (
  const word of [
    "THUNDERBIRD",
    "APPLE MAIL ON A MAC",
    "IPHONE AND IPAD",
    "OUTLOOK (CLASSIC)",
    "NEW OUTLOOK",
    "OUTLOOK ON THE WEB",
    "ANDROID",
    "FairEmail",
    "KMAIL",
    "EVOLUTION",
    "MUTT",
    "openssl pkcs12",
    "openssl cms -decrypt",
    "gpgsm",
    "certificate.p12",
    "certificate-compatible.p12",
    "certificate.pem",
    "WRONG PASSWORD",
    "DOES NOT PROTECT",
    "KEEP the old key",
    "never delete one",
    "The server keeps a copy of the key",
    "cat@example.com",
    "mail.example.com, port 993, SSL/TLS",
    "mail.example.com, port 587, STARTTLS",
    "encimap-cat",
    "0123456789abcdef".repeat(4),
    "2027-11-22",
  ]
) {
  Deno.test(`bundleReadme() says ${word}`, () => {
    assert.ok(said(OPTIONS).includes(word));
  });
}

for (const isOnlyCopy of [false, true]) {
  for (const is of [true, false]) {
    Deno.test(`bundleReadme() is ASCII with CRLF and at most 76 columns with ${isOnlyCopy}, ${is}`, () => {
      const text = bundleReadme({
        ...OPTIONS,
        isOnlyCopy,
        certificates: [
          { ...NEWEST, isIssued: is, isEllipticCurve: is },
          ...Array<ReadmeCertificate>(19).fill(OLDER),
        ],
      });
      assert.match(text, /^[\x20-\x7e\r\n]+$/);
      assert.doesNotMatch(text, /[^\r]\n|\r[^\n]| \r/);
      assert.ok(text.endsWith("\r\n"));
      for (const line of text.split("\r\n")) assert.ok(line.length <= 76, line);
    });
  }
}

Deno.test("bundleReadme() names previous certificates only if there are any", () => {
  assert.doesNotMatch(bundleReadme(OPTIONS), /previous\/\d|highest number/);
  const text = said({ ...OPTIONS, certificates: [NEWEST, OLDER, OLDER] });
  assert.match(
    text,
    /previous\/1\/ The same of an earlier certificate, valid until 2026-02-03, fingerprint fedcba98/,
  );
  assert.match(text, /previous\/2\//);
  assert.doesNotMatch(text, /previous\/3\//);
  assert.match(text, /Import the keys in previous\/ as well/);
});

Deno.test("bundleReadme() says how to send only if an authority has issued", () => {
  const send = /sign and encrypt what you send|issuer\.pem/;
  const selfSigned = /Thunderbird does not sign/;
  assert.doesNotMatch(said(OPTIONS), send);
  assert.match(said(OPTIONS), selfSigned);
  const issued = { ...OPTIONS, certificates: [{ ...NEWEST, isIssued: true }] };
  assert.match(said(issued), send);
  assert.match(said(issued), /Trust this CA to identify email users/);
  assert.doesNotMatch(said(issued), selfSigned);
});

Deno.test("bundleReadme() warns of elliptic curves where there is one", () => {
  assert.doesNotMatch(said(OPTIONS), /P-256/);
  const certificates = [NEWEST, { ...OLDER, isEllipticCurve: true }];
  assert.match(said({ ...OPTIONS, certificates }), /GnuPG 2\.2 crashes/);
});

Deno.test("bundleReadme() says that the archive will be the only one", () => {
  const text = said({ ...OPTIONS, isOnlyCopy: true });
  assert.match(text, /THIS IS THE ONLY ONE/);
  assert.doesNotMatch(text, /The server keeps|server's copy/);
});

Deno.test("bundleReadme() needs no user name", () => {
  const { username: _, ...options } = OPTIONS;
  assert.doesNotMatch(bundleReadme(options), /undefined|encimap-cat/);
});

Deno.test("bundleReadme() begins with the unpacking", () => {
  assert.match(said(OPTIONS), /^ENCRYPTED MAILBOX \S+ =+ Unpack the archive/);
});

Deno.test("bundleReadme() says that the address is a user name", () => {
  assert.match(
    said(OPTIONS),
    /User name cat@example\.com encimap-cat works as well\./,
  );
  const { username: _, ...options } = OPTIONS;
  assert.match(said(options), /User name cat@example\.com If a password/);
});

Deno.test("bundleReadme() says how an only copy is confirmed, and by whom", () => {
  const text = said({ ...OPTIONS, isOnlyCopy: true });
  const inOrder =
    /open a message .* second copy .* SHA-256 .* sha256sum bundle\.zip .* whoever operates the service/;
  assert.match(text, inOrder);
  assert.match(text, /fetched twice within the hour is two files/);
  assert.match(text, /KEEP the earlier archives/);
  assert.doesNotMatch(said(OPTIONS), /sha256sum|earlier archives/);
});

Deno.test("bundleReadme() says that destroyed keys are not in the archive", () => {
  assert.doesNotMatch(said(OPTIONS), /NOT here/);
  assert.match(
    said({ ...OPTIONS, destroyedKeys: 2 }),
    /NOT here: .* earlier keys \(2\)\. .* KEEP those, with their passwords/,
  );
});

Deno.test("bundleReadme() has Thunderbird find the servers by the address first, then import", () => {
  assert.match(
    said(OPTIONS),
    /\d\. THUNDERBIRD .*? a\. .*?New Account > Email .*?by it; .*? b\. .*?Manage Certificates\. c\. .*?Import/,
  );
});
