/**
 * The page of a one-time link: static HTML, no script, nothing from elsewhere.
 *
 * @module
 */

import { escapeXml } from "../../mail/xml.ts";
import {
  CLIENT_GUIDES,
  type ClientGuide,
  ELLIPTIC_CURVE_WARNING,
} from "../../vaultbox/client_guides.ts";
import type { SetupFile } from "../../vaultbox/setup_links.ts";

/** What the page says. */
export interface SetupPageOptions {
  /** Address of the vaultbox. */
  readonly address: string;
  /** Name of the mail server. */
  readonly hostname: string;
  /** Whether the Apple profile has the mail password in it. */
  readonly withCredential: boolean;
  /** Whether a key that it gives is on an elliptic curve. */
  readonly hasEllipticCurve: boolean;
  /** When the link ends. */
  readonly expiresAt: Date;
  /** Password that the form proposes. */
  readonly password: string;
  /** What was wrong with the password before. */
  readonly problem: string | undefined;
}

/** Text of a button. */
type Button = readonly [SetupFile, string];

const PROFILE: Button = ["profile", "iPhone, iPad or Mac: set everything up"];

/** The other buttons. */
const FILES: readonly Button[] = [
  ["p12", "Thunderbird, Outlook (classic), Evolution: certificate.p12"],
  ["p12-compatible", "Android, KMail: certificate-compatible.p12"],
  ["bundle", "All keys with instructions: bundle.zip"],
];

const STYLE = `body{font:1rem/1.5 system-ui,sans-serif;max-width:42rem;
margin:2rem auto;padding:0 1rem}input,button{font:inherit;padding:.5rem;
width:100%;box-sizing:border-box;margin:.25rem 0}code{word-break:break-all}
pre{overflow-x:auto}.problem,.warning{color:#b00020;font-weight:bold}`;

/**
 * Writes the page.
 *
 * @param options What it says.
 * @returns HTML.
 */
export function setupPage(options: SetupPageOptions): string {
  const address = escapeXml(options.address);
  const until = options.expiresAt.toISOString().slice(11, 16);
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Encrypted mail: ${address}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>Encrypted mail for ${address}</h1>
<p>Open this page on the device that is to read the mail. It gives one file,
once, until ${until} UTC.</p>
<h2>1. The password of the file</h2>
<p>Write it down: the device asks for it when you install the file, and it is
shown and kept nowhere else. You may choose another one.</p>
<form method="post">
${
    options.problem === undefined
      ? ""
      : `<p class="problem">${escapeXml(options.problem)}</p>\n`
  }<input name="password" value="${
    escapeXml(options.password)
  }" required minlength="12" maxlength="128" autocomplete="off" autocapitalize="none" spellcheck="false">
<h2>2. The file</h2>
${
    options.withCredential
      ? `<p>Only the file for iPhone, iPad and Mac brings a mail password with it. With
any other file none is made or shown: take the one that you were given, or ask
for one first.</p>\n`
      : ""
  }${
    options.hasEllipticCurve
      ? `<p class="warning">${escapeXml(ELLIPTIC_CURVE_WARNING)}</p>\n`
      : ""
  }${
    buttons(options).map(([file, text]) =>
      `<button name="file" value="${file}">${escapeXml(text)}</button>`
    ).join("\n")
  }
</form>
<h2>3. Install it</h2>
<details open>
<summary>iPhone, iPad and Mac</summary>
<ol>
<li>Press the button for them and allow the download of a profile.</li>
<li>iPhone, iPad: Settings &gt; Profile Downloaded &gt; Install. Mac: System
Settings &gt; General &gt; Device Management, and double-click the profile.</li>
<li>Type the password of the file, once for each key.${
    options.withCredential
      ? ""
      : " Then type the mail passwords, for receiving and for sending."
  }</li>
</ol>
</details>
${CLIENT_GUIDES.filter(isShown).map(guide).join("\n")}
<h2>Account settings</h2>
<p>User name: <code>${address}</code>, or the one that came with the mail
password. IMAP: <code>${
    escapeXml(options.hostname)
  }</code>, port 993, SSL/TLS. SMTP: <code>${
    escapeXml(options.hostname)
  }</code>, port 587, STARTTLS.</p>
</body>
</html>
`;
}

/** Apple Mail does not open mail to keys on elliptic curves. */
function buttons({ hasEllipticCurve }: SetupPageOptions): readonly Button[] {
  return hasEllipticCurve ? [...FILES, PROFILE] : [PROFILE, ...FILES];
}

/** Apple's devices have the profile above. */
function isShown({ title, file }: ClientGuide): boolean {
  return file !== undefined && !/Apple|iPhone/.test(title);
}

/** In the order of README.txt: steps, lines to type, remarks. */
function guide({ title, steps, commands = [], notes }: ClientGuide): string {
  const items = steps.map((step) => `<li>${escapeXml(step)}</li>\n`).join("");
  return `<details>
<summary>${escapeXml(title)}</summary>
${items && `<ol>\n${items}</ol>\n`}${
    commands.length === 0
      ? ""
      : `<pre><code>${escapeXml(commands.join("\n"))}</code></pre>\n`
  }${notes.map((note) => `<p>${escapeXml(note)}</p>\n`).join("")}</details>`;
}
