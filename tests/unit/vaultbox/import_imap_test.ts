import assert from "node:assert/strict";
import { folderOf } from "../../../src/vaultbox/import_imap.ts";

const CASES:
  readonly (readonly [string, string | undefined, string, string])[] = [
    ["INBOX", ".", "", "INBOX"],
    ["inbox", "/", "", "INBOX"],
    ["INBOX.Work.2019", ".", "", ".Work.2019"],
    ["Work/2019", "/", "", ".Work.2019"],
    ["v1.2/x", "/", "", ".v1_2.x"],
    ["Sent Items", "/", "\\Sent", ".Sent"],
    ["[Gmail]/Papierkorb", "/", "\\HasNoChildren \\Trash", ".Trash"],
    ["../../../etc", ".", "", "._._._._._._._etc"],
    ["/etc/passwd", undefined, "", "._etc_passwd"],
    ["a\u0000b\n", "/", "", ".a_b_"],
    ["&AOk-", "/", "", ".&AOk-"],
  ];

for (const [name, separator, attributes, folder] of CASES) {
  Deno.test(`folderOf() makes ${folder} of ${JSON.stringify(name)}`, () => {
    const found = folderOf({
      name,
      separator,
      attributes: attributes.split(" "),
    });
    assert.doesNotMatch(found, /\/|\.\./);
    assert.equal(found, folder);
  });
}
