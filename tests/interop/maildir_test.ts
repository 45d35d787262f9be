import assert from "node:assert/strict";
import { showMessage, stageMessage } from "../../src/storage/maildir.ts";
import { maildirName } from "../../src/storage/maildir_names.ts";

const BOX = "0123abcd-0123-4123-8123-0123456789ab";

Deno.test("showMessage() by many at once shows the message once and fails for none", async () => {
  const base = await Deno.makeTempDir();
  try {
    for (let round = 0; round < 50; round++) {
      const file = maildirName({
        messageId: crypto.randomUUID(),
        time: new Date(),
        hostname: "mail.example.test",
        sizeBytes: 1,
      });
      using _ = await stageMessage(base, BOX, file, [new Uint8Array(1)], {
        update() {},
      });
      // The folder that another attempt is just making.
      await Deno.remove(`${base}/${BOX}/Maildir`, { recursive: true });
      const shown = await Promise.all(
        Array.from({ length: 8 }, () => showMessage(base, BOX, file)),
      );
      assert.equal(shown.filter((one) => one).length, 1);
      await Deno.stat(`${base}/${BOX}/Maildir/new/${file}`);
    }
  } finally {
    await Deno.remove(base, { recursive: true });
  }
});
