import assert from "node:assert/strict";
import {
  setupPage,
  type SetupPageOptions,
} from "../../../src/http/public/setup_page.ts";
import { escapeXml } from "../../../src/mail/xml.ts";
import { bundleReadme } from "../../../src/vaultbox/bundle_readme.ts";
import { CLIENT_GUIDES } from "../../../src/vaultbox/client_guides.ts";

const OPTIONS: SetupPageOptions = {
  address: "cat@example.com",
  hostname: "mail.example.com",
  withCredential: false,
  hasEllipticCurve: false,
  expiresAt: new Date("2026-11-22T12:00:00Z"),
  password: "correct horse battery",
  problem: undefined,
};

/** Its text as one line, since lines are broken anywhere. */
const said = (options: SetupPageOptions): string =>
  setupPage(options).replace(/\s+/g, " ");

for (const { title, commands } of CLIENT_GUIDES) {
  if (commands === undefined) continue;
  Deno.test(`setupPage() has the lines to type for ${title}`, () => {
    const block = `<pre><code>${escapeXml(commands.join("\n"))}</code></pre>`;
    assert.ok(setupPage(OPTIONS).includes(block));
  });
}

Deno.test("setupPage() has no empty list", () => {
  assert.doesNotMatch(said(OPTIONS), /<ol> <\/ol>/);
});

Deno.test("setupPage() warns of elliptic curves in the words of README.txt, and has the profile last then", () => {
  const curve = { ...OPTIONS, hasEllipticCurve: true };
  const readme = bundleReadme({
    ...OPTIONS,
    imapPort: 993,
    submissionPort: 587,
    isOnlyCopy: false,
    destroyedKeys: 0,
    certificates: [{
      fingerprintSha256: "0".repeat(64),
      notAfter: new Date("2027-11-22T12:00:00Z"),
      isIssued: false,
      isEllipticCurve: true,
    }],
  });
  const [, warning] = /class="warning">(.*?)<\/p>/.exec(said(curve))!;
  assert.match(warning!, /Apple Mail do not open mail to such a key/);
  assert.ok(readme.replace(/\s+/g, " ").includes(warning!));
  assert.doesNotMatch(said(OPTIONS), /elliptic/);

  const buttons = (options: SetupPageOptions) =>
    [...setupPage(options).matchAll(/name="file" value="(.*?)"/g)]
      .map(([, file]) => file);
  assert.deepEqual(buttons(OPTIONS), [
    "profile",
    "p12",
    "p12-compatible",
    "bundle",
  ]);
  assert.equal(buttons(curve).at(-1), "profile");
});

Deno.test("setupPage() says which file has the mail password in it", () => {
  const isSaid =
    /Only the file for iPhone, iPad and Mac brings a mail password/;
  assert.match(said({ ...OPTIONS, withCredential: true }), isSaid);
  assert.doesNotMatch(said(OPTIONS), isSaid);
});
