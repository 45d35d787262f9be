import assert from "node:assert/strict";
import {
  HEADER_PROTECTIONS,
  type HeaderProtection,
} from "../../src/encryption_policy.ts";
import { fields, splitEntity } from "../../src/mail/header.ts";
import { concat, latin1 } from "../../src/mail/octets.ts";
import { encryptMessage } from "../helpers/encrypt.ts";
import { divideMessage } from "../../src/smime/header_protection.ts";
import { receipt } from "../../src/smime/receipt.ts";
import { readRecipient } from "../../src/smime/recipient.ts";
import {
  isMissing,
  issue,
  openssl,
  run,
  temporaryDirectory,
} from "../helpers/openssl.ts";
import type { Issued, Octets } from "../helpers/openssl.ts";

const ORACLE = new URL("oracles/rebuild.py", import.meta.url).pathname;
const AT = new Date("2026-11-22T12:00:00Z");
const BORDER = { at: AT, hostname: "mx.example.com", authservId: undefined };

let made: Promise<Issued> | undefined;
const recipient = (): Promise<Issued> => made ??= issue("/CN=Cat");

/** The one that Debian's packages are for. */
const DEBIAN_PYTHON = "/usr/bin/python3";

/** Octets of text with one character for each. */
function octets(text: string): Octets {
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

/** Runs Python on JSON. */
async function python<T>(args: readonly string[], input: unknown): Promise<T> {
  const stdout = await run("python3", args, {
    cwd: "/",
    stdin: JSON.stringify(input),
  });
  return JSON.parse(new TextDecoder().decode(stdout));
}

/** A stored message as far as it is needed here: without its ciphertext. */
function store(message: Octets, mode: HeaderProtection) {
  const { header, body } = splitEntity(message);
  const { outer, inner, headerProtection } = divideMessage(
    [...fields(header)],
    body,
    mode,
  );
  const encryption = {
    by: "appliance",
    contentCipher: "aes-256-cbc",
    headerProtection,
    recipients: [],
  } as const;
  const stored = concat([
    octets("Delivered-To: cat@example.com\r\n"),
    ...outer,
    octets(`${receipt(encryption, BORDER, "none")}MIME-Version: 1.0\r\n\r\n`),
  ]);
  return { stored, inner: concat(inner), outer: latin1(concat(outer)) };
}

/**
 * A message in a form that does not tell in which order fields of different
 * names stood, which is what is lost.
 */
function comparable(message: Octets): string[] {
  const { header, body } = splitEntity(message);
  const lines = [...fields(header)].map(({ name, octets }) => ({
    name,
    text: latin1(octets).replace(/(?:\r\n)?$/, "\r\n"),
  }));
  lines.sort((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0);
  return [...lines.map(({ text }) => text), latin1(body)];
}

/** Has Python make each message again, and compares. */
async function checkRebuilt(
  cases: readonly { message: Octets; mode: HeaderProtection }[],
): Promise<void> {
  const originals = await python<string[]>(
    [ORACLE],
    cases.map(({ message, mode }) => {
      const { stored, inner } = store(message, mode);
      return { stored: stored.toBase64(), inner: inner.toBase64() };
    }),
  );
  for (const [index, { message, mode }] of cases.entries()) {
    assert.deepEqual(
      comparable(Uint8Array.fromBase64(originals[index]!)),
      comparable(message),
      `${mode}: ${JSON.stringify(latin1(message).slice(0, 300))}`,
    );
  }
}

const MULTIPART = (type: string, ...parts: string[]): string =>
  `Content-Type: multipart/${type}; boundary="=_0"\r\n\r\npreamble\r\n` +
  parts.map((part) => `--=_0\r\n${part}\r\n`).join("") +
  "--=_0--\r\nepilogue";
const PLAIN = "Content-Type: text/plain; charset=utf-8\r\n\r\nHello\r\n";
const HTML =
  "Content-Type: text/html\r\n\r\n<!DOCTYPE html><html><BODY class=a>\r\n<p>Hi\r\n";

/** Whole messages, or what stands behind From and Subject. */
const MESSAGES: readonly string[] = [
  PLAIN,
  HTML,
  "\r\nno MIME at all\r\n",
  "\r\n",
  "",
  "To: a@example.com",
  "this line is no field\r\n\r\nbody",
  "Content-Type: text/plain;\r\n\r\nlast semicolon",
  "Content-Type: text/plain; \r\n\t\r\n\r\nwhite space",
  "Content-Type:\r\n\r\nempty",
  'Content-Type: "\r\n\r\nnonsense',
  'Content-Type: text/plain; charset="utf-8\r\n\r\nopen quotation mark',
  "Content-Type : text/plain (a; hp=b)\r\n\r\ncomment",
  // What a sender could take for ours.
  'Content-Type: text/plain; hp="cipher"\r\n\r\nforged',
  'Content-Type: text/plain; hp="cipher"; protected-headers="v1"\r\n\r\nforged',
  'Content-Type: text/plain;\r\n hp="cipher"\r\n\r\nforged',
  'Content-Type: text/plain;\r\n\thp="clear"; x-hp=a; X-x-HP*0*=b\r\n\r\nforged',
  "Content-Type: text/plain;HP-Legacy-Display=1;Protected-Headers=v1\r\n\r\na",
  "HP-Outer: Subject: forged\r\nhp-outer : From: x\r\n" + PLAIN,
  "Encimap-Inserted: 0+5\r\nencimap-inserted: 0+1\r\n" + PLAIN,
  "Encimap-Inserted: 0+5\0\r\n" + PLAIN,
  // Duplicates and odd fields.
  "Subject: second\r\nsubject : third\r\nSUBJECT:\r\n" + PLAIN,
  "Content-Type: text/html\r\n" + PLAIN,
  "content-type: text/plain; hp=clear\r\nContent-Type: a/b; hp=cipher\r\n\r\n",
  "Subject: a\rb\r\nSubject: a\0b\r\n" + PLAIN,
  "Content-Type: a/b\r; hp=c\r\n" + PLAIN,
  "Comments: a\r\nKeywords: b\r\nKeywords: c\r\nComments: d\r\n" + PLAIN,
  "Thread-Topic: secret\r\nX-Subject: b\r\nX-Original-Subject: secret\r\n" +
  PLAIN,
  "Received: a\r\nDKIM-Signature: b\r\nX-A: c\r\n" + PLAIN,
  "DKIM-Signature: v=1; b=a\r\nDKIM-Signature: v=1;\r\n\tz=Subject:secret; b=c\r\n" +
  "ARC-Message-Signature: i=1; b=z=\r\nX-A: c\r\n" + PLAIN,
  // Bodies that get lines.
  "Content-Transfer-Encoding: BASE64\r\n" + PLAIN.replace("Hello", "SGVsbG8="),
  "Content-Transfer-Encoding: quoted-printable\r\n" + PLAIN,
  "Content-Transfer-Encoding: quoted-printable\r\n" + HTML,
  "Content-Transfer-Encoding: base64\r\n" + HTML,
  "Content-Transfer-Encoding: base64\r\nContent-Transfer-Encoding: 7bit\r\n" +
  PLAIN,
  "Content-Transfer-Encoding: x-uuencode\r\n" + PLAIN,
  "Content-Disposition: attachment\r\n" + PLAIN,
  PLAIN.replace("utf-8", "utf-16"),
  PLAIN.replace("utf-8", "iso-8859-1"),
  MULTIPART("mixed", PLAIN, PLAIN, HTML),
  MULTIPART("alternative", PLAIN, HTML),
  MULTIPART("alternative", "\r\nno field", HTML.replace("<BODY", "<b")),
  MULTIPART("alternative", "Content-Type: text/plain;\r\n\r\na", "no line"),
  MULTIPART(
    "mixed",
    MULTIPART("alternative", PLAIN, HTML).replaceAll("=_0", "inner"),
    PLAIN,
  ),
  MULTIPART("mixed", PLAIN.replace("8", '8; hp-legacy-display="1"')),
  MULTIPART(
    "mixed",
    PLAIN.replace("8", '8;\r\n hp-legacy-display="1"').replace(
      "Hello",
      "Subject: secret\r\n\r\nHello",
    ),
  ),
  MULTIPART("mixed", PLAIN).replace("--=_0--", "--=_0-- "),
  MULTIPART("mixed", PLAIN).replace("--=_0--", ""),
  MULTIPART("mixed", PLAIN).replace('"=_0"', '"=_0; hp=x"'),
  MULTIPART("mixed", "message/rfc822", PLAIN),
  MULTIPART('signed; protocol="application/pkcs7-signature"', PLAIN, PLAIN),
  "Content-Type: application/pkcs7-mime; smime-type=signed-data\r\n\r\nAAAA",
  `Keywords: ${"x".repeat(70_000)}\r\n${PLAIN}`,
  "To: a@example.com\r\n".repeat(5000) + PLAIN,
];
const SUBJECTS = [
  "Subject: secret\r\n",
  "",
  "Subject:\r\n",
  "Subject: =?utf-8?B?R3LDvMOfZQ==?=\r\n =?iso-8859-1?q?_K=E4se?=\r\n",
  'Subject: Gr\xfc\xdfe\r\n\t folded <&">\r\n',
];

Deno.test({
  name:
    "divideMessage() loses nothing: Python makes the original again, whatever the policy",
  ignore: isMissing("python3"),
  fn: async () => {
    const cases = MESSAGES.flatMap((rest) =>
      SUBJECTS.flatMap((subject) =>
        HEADER_PROTECTIONS.map((mode) => ({
          mode,
          message: octets(`From: kim@example.org\r\n${subject}${rest}`),
        }))
      )
    );
    await checkRebuilt(cases);
  },
});

/** What random messages are put together of. */
const PIECES = [
  ...'\r\n|\r\n|\r\n |\r\n\t|\r|\0|; |;| |:|=|"|(|)|\\|x-|*|--b|--b--|\xe4'
    .split("|"),
  ...["Content-Type: ", "content-type:", "Subject: ", "Comments: ", "From: "],
  ...["HP-Outer: ", "Encimap-Inserted: 0+4", "hp", "hp-legacy-display", "1"],
  ...[
    "protected-headers",
    "cipher",
    "multipart/mixed",
    "multipart/alternative",
  ],
  ...["boundary=b", "text/plain", "text/html", "charset=utf-8", "\r\n\r\n"],
  ...["Content-Transfer-Encoding: base64", "Content-Disposition: attachment"],
  ...["quoted-printable", "<body>", "=?utf-8?q?a?=", "\r\n--b\r\n"],
];

Deno.test({
  name: "divideMessage() loses nothing of 3000 random messages",
  ignore: isMissing("python3"),
  fn: async () => {
    // The same ones in every run: a small linear congruential generator.
    let seed = 9788;
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
      return Math.floor(seed / 65_536) % below;
    };
    const cases = Array.from({ length: 3000 }, (_, index) => {
      const pieces = Array.from(
        { length: random(60) },
        () => PIECES[random(PIECES.length)]!,
      );
      const start = index % 2 === 0
        ? "Subject: a\r\nContent-Type: text/plain"
        : "Subject: a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n";
      // A message has wire form when it comes here.
      const text = (start + pieces.join("")).replace(/\r?\n/g, "\r\n");
      const mode = HEADER_PROTECTIONS[random(3)]!;
      return { message: octets(text), mode };
    });
    await checkRebuilt(cases);
  },
});

Deno.test("divideMessage() to hide shows the subject nowhere outside", () => {
  for (const rest of MESSAGES) {
    const message = octets(`From: a@example.org\r\nSubject: secret\r\n${rest}`);
    const { outer } = store(message, "hide");
    assert.ok(!outer.includes("secret"), rest);
    assert.doesNotMatch(outer, /^(?:comments|keywords)[ \t]*:/im);
    assert.equal(outer.split("Subject: [...]").length, 2);
  }
});

/** A mail, encrypted, and what OpenSSL makes of it. */
async function storedAndOpened(
  message: Octets,
  headerProtection: HeaderProtection,
): Promise<{ stored: Octets; inner: Octets; cat: Issued }> {
  const cat = await recipient();
  const { octets: stored } = await encryptMessage(message, [
    readRecipient(cat.der),
  ], {
    traceFields: ["Delivered-To: cat@example.com"],
    headerProtection,
    border: BORDER,
  });
  const inner = await openssl(
    { stored, key: cat.key, certificate: cat.certificate },
    [
      ...["cms", "-decrypt", "-binary", "-inform", "SMIME", "-in", "stored"],
      ...["-inkey", "key", "-recip", "certificate"],
    ],
  );
  return { stored, inner, cat };
}

/** A mail with everything that header protection touches. */
const LETTER = [
  "Received: from mail.example.org by mx.example.com; Sun, 22 Nov 2026 10:00:00 +0000",
  "MIME-Version: 1.0",
  'Content-Type: multipart/alternative; boundary="b";',
  "From: Kim <kim@example.org>",
  "To: Cat <cat@example.com>",
  "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe_aus?=",
  " =?utf-8?Q?_K=C3=B6ln?=",
  "Keywords: Rhein, Dom",
  "Date: Sun, 22 Nov 2026 11:00:00 +0100",
  "Message-ID: <1@example.org>",
  "In-Reply-To: <0@example.com>",
  "",
  "--b",
  "Content-Type: text/plain; charset=utf-8",
  "Content-Transfer-Encoding: base64",
  "",
  btoa("Hallo!\r\n"),
  "--b",
  "Content-Type: text/html; charset=utf-8",
  "Content-Transfer-Encoding: quoted-printable",
  "",
  '<html><body class=3D"a"><p>Hallo!',
  "--b--",
  "",
].join("\r\n");

for (const mode of HEADER_PROTECTIONS) {
  Deno.test({
    name:
      `encryptMessage() with ${mode}: the DKIM signature of the original verifies again, and not if an octet differs`,
    ignore: isMissing(
      "openssl",
      DEBIAN_PYTHON,
      "/usr/lib/python3/dist-packages/dkim/__init__.py",
    ),
    fn: async () => {
      await using directory = await temporaryDirectory();
      const cwd = directory.path;
      await run("openssl", ["genrsa", "-out", "dkim.pem", "2048"], { cwd });
      const spki = await run("openssl", [
        ...["rsa", "-in", "dkim.pem", "-pubout", "-outform", "DER"],
      ], { cwd });
      const signed = await run(DEBIAN_PYTHON, ["-c", SIGN], {
        cwd,
        stdin: octets(LETTER),
      });
      const { stored, inner } = await storedAndOpened(signed, mode);
      await Deno.writeFile(`${cwd}/stored`, stored);
      await Deno.writeFile(`${cwd}/inner`, inner);
      const args = [ORACLE, "stored", "inner"];
      const original = await run("python3", args, { cwd });
      const verdict = async (message: Octets): Promise<string> =>
        latin1(
          await run(DEBIAN_PYTHON, ["-c", VERIFY, spki.toBase64()], {
            cwd,
            stdin: message,
          }),
        ).trim();
      assert.equal(await verdict(original), "True");
      for (const part of ["Subject: ", "--b"]) {
        const text = latin1(original).replace(part, `${part}x`);
        assert.equal(await verdict(octets(text)), "False", part);
      }
    },
  });
}

const SIGN = `
import dkim, sys
message = sys.stdin.buffer.read()
fields = [b"from", b"to", b"subject", b"date", b"message-id",
          b"mime-version", b"content-type", b"in-reply-to"]
key = open("dkim.pem", "rb").read()
sys.stdout.buffer.write(dkim.sign(
    message, b"s", b"example.org", key, include_headers=fields,
    canonicalize=(b"simple", b"simple")) + message)
`;
const VERIFY = `
import dkim, sys
record = b"v=DKIM1; k=rsa; p=" + sys.argv[1].encode()
print(dkim.verify(sys.stdin.buffer.read(), dnsfunc=lambda *_, **__: record))
`;

Deno.test({
  name:
    "encryptMessage() with hide: Python's parser finds RFC 9788's fields, and the subject in both texts",
  ignore: isMissing("python3", "openssl"),
  fn: async () => {
    const { stored, inner } = await storedAndOpened(octets(LETTER), "hide");
    const [outside, inside] = await python<Parsed[]>(["-c", PARSE], [
      stored.toBase64(),
      inner.toBase64(),
    ]);
    assert.equal(outside!.subject, "[...]");
    assert.equal(outside!.keywords, null);
    assert.equal(outside!.thread, "<0@example.com>");
    assert.deepEqual(outside!.defects, []);
    assert.equal(inside!.subject, "Grüße aus Köln");
    assert.equal(inside!.keywords, "Rhein, Dom");
    assert.equal(inside!.hp, "cipher");
    assert.equal(inside!.v1, "v1");
    assert.deepEqual(inside!.outer, [
      "From: Kim <kim@example.org>",
      "To: Cat <cat@example.com>",
      "Subject: [...]",
      "Date: Sun, 22 Nov 2026 11:00:00 +0100",
      "Message-ID: <1@example.org>",
      "In-Reply-To: <0@example.com>",
    ]);
    assert.deepEqual(inside!.defects, []);
    assert.deepEqual(
      inside!.texts,
      [
        ["text/plain", "1", "Subject: Grüße aus Köln\r\n\r\nHallo!\r\n"],
        [
          "text/html",
          "1",
          '<html><body class="a"><div class="header-protection-legacy-display"><pre>Subject: Gr&#252;&#223;e aus K&#246;ln</pre></div><p>Hallo!',
        ],
      ],
    );
  },
});

/** What Python's parser has found. */
interface Parsed {
  readonly subject: string;
  readonly keywords: string | null;
  readonly thread: string;
  readonly hp: string | null;
  readonly v1: string | null;
  readonly outer: readonly string[];
  readonly defects: readonly string[];
  readonly texts: readonly (readonly string[])[];
}

const PARSE = `
import base64, json, sys
from email import message_from_bytes
from email.policy import SMTP

def parsed(octets):
    message = message_from_bytes(octets, policy=SMTP)
    return {
        "subject": message["subject"],
        "keywords": message["keywords"],
        "thread": message["in-reply-to"],
        "hp": message.get_param("hp"),
        "v1": message.get_param("protected-headers"),
        "outer": message.get_all("hp-outer", []),
        "defects": [str(d) for p in message.walk() for d in p.defects],
        "texts": [[p.get_content_type(), p.get_param("hp-legacy-display"),
                   p.get_payload(decode=True).decode()]
                  for p in message.walk() if p.get_content_maintype() == "text"],
    }

json.dump([parsed(base64.b64decode(o)) for o in json.load(sys.stdin)], sys.stdout)
`;

Deno.test({
  name: "encryptMessage() with hide: mutt shows the protected subject",
  ignore: isMissing("mutt", "openssl", "python3"),
  fn: async () => {
    // No text in which the subject could be seen anyway.
    const letter = octets(LETTER.replaceAll("utf-8\r\n", "utf-16\r\n"));
    const { stored, inner, cat } = await storedAndOpened(letter, "hide");
    assert.doesNotMatch(latin1(inner), /hp-legacy-display/);
    await using directory = await temporaryDirectory({
      key: cat.key,
      certificate: cat.certificate,
    });
    const cwd = directory.path;
    for (const folder of ["new", "cur", "tmp"]) {
      await Deno.mkdir(`${cwd}/box/${folder}`, { recursive: true });
    }
    await Deno.writeFile(`${cwd}/box/new/1.2.3`, stored);
    const script = new URL("oracles/mutt_pager.py", import.meta.url).pathname;
    const screen = await run("python3", [script], { cwd });
    const text = new TextDecoder().decode(screen);
    assert.ok(text.includes("[...]"));
    assert.ok(text.includes("Subject: Grüße aus Köln"), text);
  },
});
