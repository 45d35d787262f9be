import assert from "node:assert/strict";
import {
  bundleReadme,
  type BundleReadmeOptions,
} from "../../../src/vaultbox/bundle_readme.ts";

const OPTIONS: BundleReadmeOptions = {
  address: "cat@example.com",
  hostname: "mail.example.com",
  imapPort: 993,
  submissionPort: 587,
  username: "encimap-cat",
  fingerprintSha256: "0123456789abcdef".repeat(4),
  notAfter: new Date("2027-11-22T12:00:00Z"),
  generations: 1,
};

for (
  const word of [
    "Thunderbird",
    "APPLE MAIL ON A MAC",
    "IPHONE AND IPAD",
    "Outlook (classic)",
    "New Outlook",
    "Outlook on the web",
    "ANDROID",
    "FairEmail",
    "mutt",
    "openssl pkcs12",
    "openssl cms -decrypt",
    "gpgsm",
    "certificate.p12",
    "certificate-compatible.p12",
    "certificate.pem",
    "WRONG PASSWORD",
    "DOES NOT PROTECT",
    "KEEP the old key",
    "cat@example.com",
    "mail.example.com, port 993, SSL/TLS",
    "mail.example.com, port 587, STARTTLS",
    "encimap-cat",
    "0123456789abcdef".repeat(4),
    "2027-11-22",
  ]
) {
  Deno.test(`bundleReadme() says ${word}`, () => {
    assert.ok(bundleReadme(OPTIONS).includes(word));
  });
}

Deno.test("bundleReadme() is ASCII with CRLF and at most 76 columns", () => {
  const text = bundleReadme({ ...OPTIONS, generations: 3 });
  assert.match(text, /^[\x20-\x7e\r\n]+$/);
  assert.doesNotMatch(text, /[^\r]\n|\r[^\n]/);
  assert.ok(text.endsWith("\r\n"));
  for (const line of text.split("\r\n")) assert.ok(line.length <= 76, line);
});

Deno.test("bundleReadme() names older certificates only if there are any", () => {
  assert.ok(!bundleReadme(OPTIONS).includes("previous/"));
  const text = bundleReadme({ ...OPTIONS, generations: 3 });
  assert.ok(text.includes("previous/1/"));
  assert.ok(text.includes("There are 2 in this archive."));
});

Deno.test("bundleReadme() needs no user name", () => {
  const { username: _, ...options } = OPTIONS;
  assert.doesNotMatch(bundleReadme(options), /undefined|encimap-cat/);
});
