/**
 * What `encimap doctor` says of a machine that is broken on purpose: it finds each
 * breakage, names it and nothing else, and its way to mend it mends it.
 */

import { cleanCopy, createVm, findFreshvm } from "../helpers/vm.ts";
import { BREAKAGES, breakAndMend } from "./breakages.ts";
import { step } from "./steps.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

Deno.test({
  name: `doctor on a machine that is broken on purpose${
    findFreshvm() === undefined ? " (needs freshvm)" : ""
  }`,
  ignore: findFreshvm() === undefined,
}, async (t) => {
  await using vm = await createVm("encimap-doctor", {
    hostname: "mail.example.test",
  });
  const clone = await cleanCopy();
  await vm.push(clone, "/root/encimap");
  await Deno.remove(clone, { recursive: true });
  const dist = await Deno.stat(`${ROOT}dist`).catch(() => undefined);
  if (dist !== undefined) await vm.push(`${ROOT}dist`, "/root/encimap/dist");
  await vm.sh(
    "cd /root/encimap && ./install.sh --hostname mail.example.test --yes",
  );
  await vm.sh(
    "encimap vaultbox create cat@cats.example.test --user bf75acea-e7fd-437f-b91d-f3f56cdd57ad",
  );

  // Nobody's DNS knows the machine; this stands for an A record.
  await vm.sh("sed -i 's/^127.0.1.1/10.0.2.15/' /etc/hosts");

  for (const each of BREAKAGES) {
    await step(t, each.what, () => breakAndMend(vm, each));
  }
});
