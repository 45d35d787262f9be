/**
 * The mail of an export while clients move it.
 *
 * @module
 */

import assert from "node:assert/strict";
import { copyMail } from "../../src/vaultbox/mail_copy.ts";
import { testConfig } from "../helpers/app.ts";
import { run, temporaryDirectory } from "../helpers/openssl.ts";

/** Copies a vaultbox; when the first message is under way, something is done. */
async function copied(act: (maildir: string) => Promise<void>) {
  await using directory = await temporaryDirectory();
  const id = crypto.randomUUID();
  const maildir = `${directory.path}/${id}/Maildir`;
  for (const folder of ["cur", "new", ".Archive/cur"]) {
    await Deno.mkdir(`${maildir}/${folder}`, { recursive: true });
  }
  for (const name of ["1.M1", "2.M2", "3.M3"]) {
    await Deno.writeTextFile(`${maildir}/cur/${name}:2,`, `text of ${name}`);
  }
  const archived = `${maildir}/.Archive/cur/4.M4:2,`;
  await Deno.writeTextFile(archived, "text of 4.M4");
  const config = testConfig({ MAILDIR_BASE_PATH: directory.path });
  const leftOut: string[] = [];
  const archive = await Deno.create(`${directory.path}/export.tar`);
  const box = { id, address: "cat@pets.example" };
  let isDone = false;
  const parts = copyMail({ config }, [box], {
    copied: () => {},
    leftOut: (path, why) => leftOut.push(`${path.split("/").at(-1)} ${why}`),
  });
  for await (const octets of parts) {
    await archive.write(octets);
    if (isDone || !new TextDecoder().decode(octets).includes("text of")) {
      continue;
    }
    isDone = true;
    await act(maildir);
  }
  archive.close();
  const list = await run("tar", ["-tf", "export.tar"], { cwd: directory.path });
  const names = new TextDecoder().decode(list).split("\n")
    .filter((name) => /\d\.M\d/.test(name))
    .map((name) => name.replace(/^.*example\/Maildir\//, ""));
  return { names: names.sort(), leftOut };
}

/** The messages that are not copied when the first one is. */
async function others(maildir: string): Promise<string[]> {
  const names = (await Array.fromAsync(Deno.readDir(`${maildir}/cur`)))
    .map(({ name }) => name);
  return names.slice(1);
}

Deno.test("a message that is renamed or moved while its folder is copied is in the export", async () => {
  const { names, leftOut } = await copied(async (maildir) => {
    const [flagged, moved] = await others(maildir);
    await Deno.rename(
      `${maildir}/cur/${flagged}`,
      `${maildir}/cur/${flagged}S`,
    );
    // Into one that is copied already.
    await Deno.rename(`${maildir}/cur/${moved}`, `${maildir}/new/${moved}`);
    // From one that nobody has listed yet.
    await Deno.rename(
      `${maildir}/.Archive/cur/4.M4:2,`,
      `${maildir}/cur/4.M4:2,`,
    );
  });
  assert.deepEqual(
    names.map((name) => name.replace(/^.*\//, "").slice(0, 4)).sort(),
    [
      "1.M1",
      "2.M2",
      "3.M3",
      "4.M4",
    ],
  );
  assert.deepEqual(leftOut, []);
});

Deno.test("a message that is removed while its folder is copied is named", async () => {
  let removed = "";
  const { names, leftOut } = await copied(async (maildir) => {
    [removed] = await others(maildir) as [string];
    await Deno.remove(`${maildir}/cur/${removed}`);
  });
  assert.equal(names.length, 3);
  assert.deepEqual(leftOut, [`${removed} was moved or removed meanwhile`]);
});
