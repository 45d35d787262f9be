import assert from "node:assert/strict";

const ROOT = new URL("../../", import.meta.url).pathname;

/** Asks appliance/install/queue.sh which mail of a queue is for some domains. */
async function waiting(
  queue: readonly unknown[],
  domains: readonly string[],
): Promise<string[]> {
  const work = await Deno.makeTempDir();
  try {
    const lines = queue.map((mail) =>
      `${JSON.stringify(mail)}\n`.replaceAll(
        /":/g,
        '": ',
      )
    );
    await Deno.writeTextFile(`${work}/queue`, lines.join(""));
    const { stdout } = await new Deno.Command("sh", {
      args: [
        "-c",
        `. "$1"; WORK=$2; postqueue() { cat "$WORK/queue"; }; waiting "$3"`,
        ...["sh", `${ROOT}appliance/install/queue.sh`, work],
        domains.join("\n"),
      ],
    }).output();
    return new TextDecoder().decode(stdout).split("\n").filter((id) => id);
  } finally {
    await Deno.remove(work, { recursive: true });
  }
}

function mail(id: string, sender: string, address: string): unknown {
  return { "queue_id": id, sender, recipients: [{ address }] };
}

Deno.test("mail in the queue is known as a vaultbox's however its domain is written", async () => {
  const queue = [
    mail("4a", "bob@away.example", "cat@pets.example"),
    mail("4b", "bob@away.example", "cat@Pets.EXAMPLE"),
    mail("4c", "cat@pets.example", "bob@away.example"),
    mail("4d", "", "cat@pets.example.net"),
  ];
  assert.deepEqual(await waiting(queue, ["pets.example", "toys.example"]), [
    "4a",
    "4b",
  ]);
});
