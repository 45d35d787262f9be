import assert from "node:assert/strict";
import { networkOf } from "../../../src/dashboard/client_network.ts";

Deno.test("an IPv6 address counts as its first 64 bits, however it is written", () => {
  for (
    const [address, network] of [
      ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
      ["2001:db8:1:2::6", "2001:db8:1:2"],
      ["2001:0DB8:0001:2::", "2001:db8:1:2"],
      ["2001:db8::6", "2001:db8:0:0"],
      ["2001:db8::5:6:7:8:9", "2001:db8:0:5"],
      ["::1", "0:0:0:0"],
      ["::", "0:0:0:0"],
      ["fe80::1", "fe80:0:0:0"],
      ["::ffff:192.0.2.1", "192.0.2.1"],
      ["192.0.2.1", "192.0.2.1"],
      ["direct", "direct"],
    ] as const
  ) assert.equal(networkOf(address), network, address);
});
