/**
 * Messages of a size, as a mail program would make them.
 *
 * @module
 */

const encoder = new TextEncoder();

/**
 * Makes a message with CRLF line ends: text if it is small, else a text and a
 * file.
 *
 * @param octets Its size; a little more or less comes out.
 * @returns The message.
 */
export function messageOf(octets: number): Uint8Array<ArrayBuffer> {
  const head = [
    "Received: from client.example (client.example [192.0.2.1])",
    "\tby mail.example.test (Postfix) with ESMTPS id 4XyZ12abcz9vB",
    "\tfor <cat@example.com>; Mon, 23 Nov 2026 12:00:00 +0000 (UTC)",
    "From: Bob Example <bob@sender.example>",
    "To: Cat Example <cat@example.com>",
    "Subject: Minutes of the meeting",
    "Date: Mon, 23 Nov 2026 12:00:00 +0000",
    "Message-ID: <bench.1@sender.example>",
    "MIME-Version: 1.0",
  ];
  const isSmall = octets < 20_000;
  const before = isSmall
    ? ["Content-Type: text/plain; charset=utf-8", "", ""]
    : [
      'Content-Type: multipart/mixed; boundary="parts"',
      "",
      "--parts",
      "Content-Type: text/plain; charset=utf-8",
      "",
      "Please see the file.",
      "--parts",
      'Content-Type: application/octet-stream; name="file.bin"',
      "Content-Transfer-Encoding: base64",
      "",
      "",
    ];
  const after = isSmall ? "" : "--parts--\r\n";
  const first = [...head, ...before].join("\r\n");
  const lines: string[] = [];
  const random = new Uint8Array(57);
  for (let left = octets - first.length - after.length; left > 78; left -= 78) {
    lines.push(crypto.getRandomValues(random).toBase64());
  }
  return encoder.encode(`${first}${lines.join("\r\n")}\r\n${after}`);
}
