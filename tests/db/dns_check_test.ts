import assert from "node:assert/strict";
import { catWorld } from "../helpers/cat_world.ts";
import { dnsServer, NO_DNSMASQ } from "../helpers/dns.ts";
import { publicSide } from "../helpers/public.ts";
import { testWorld } from "../helpers/app.ts";

const HOST = "mail.example.test";
const NEEDS = NO_DNSMASQ ? " (needs dnsmasq)" : "";

interface Line {
  name: string;
  type: string;
  value: string;
  state: string;
  found: string[];
}

Deno.test({
  name: `each record of a domain is found ok, missing or wrong in DNS${NEEDS}`,
  ignore: NO_DNSMASQ,
}, async (t) => {
  await using cat = await catWorld("server", {
    ENCIMAP_HOSTNAME: HOST,
    ENCIMAP_PUBLIC_PORT: "4302",
    ENCIMAP_MTA_STS: "testing",
  });
  await cat.world.app.sql`update vaultboxes set publish_certificate = true`;
  const { out } = await cat.encimap("dns pets.example --json");
  const records: Line[] = out.split("\n").map((line) => JSON.parse(line));
  const named = (begin: string, type: string): Line =>
    records.find((each) => each.name.startsWith(begin) && each.type === type)!;
  const check = async (port: number) => {
    const line = `dns pets.example --check --server 127.0.0.1:${port}`;
    const { status, out } = await cat.encimap(`${line} --json`);
    const checked: Line[] = out.split("\n").map((each) => JSON.parse(each));
    const text = (await cat.encimap(line)).out;
    return { status, checked, text };
  };

  await t.step("what an ordinary zone has is ok", async () => {
    await using server = await dnsServer(
      records.filter(({ type }) => type === "TXT").map(({ name, value }) => [
        name.slice(0, -1),
        value.replaceAll(/" "/g, ",").replaceAll('"', ""),
      ]),
      zone(records),
    );
    const { status, checked, text } = await check(server.port);
    const wrong = checked.filter(({ state }) => state !== "ok");
    assert.deepEqual(wrong, []);
    assert.equal(checked.length, records.length);
    assert.equal(status, 0);
    assert.match(text, /^ok {6}pets\.example\. MX$/m);
  });

  await t.step("an owner's own choices are ok", async () => {
    const dkim = named("encimap1", "TXT").value.replaceAll('"', "");
    const key = dkim.slice(dkim.indexOf("p="));
    await using server = await dnsServer([
      ["pets.example", "v=spf1 ip4:192.0.2.1 mx include:x.example ~all"],
      ["pets.example", "google-site-verification=x"],
      ["_dmarc.pets.example", "v=DMARC1; p=none"],
      ["encimap1._domainkey.pets.example", key.match(/.{1,250}/g)!.join(",")],
      ["_smtp._tls.pets.example", "v=TLSRPTv1;rua=mailto:x@x.example"],
    ], [
      `--mx-host=pets.example,other.example,5`,
      `--mx-host=pets.example,${HOST},77`,
      `--srv-host=_imaps._tcp.pets.example,${HOST},993,7,7`,
      `--address=/autoconfig.pets.example/192.0.2.9`,
      `--address=/${HOST}/192.0.2.9`,
    ]);
    const { checked } = await check(server.port);
    const ok = checked.filter(({ state }) => state === "ok")
      .map(({ name, type }) => `${name} ${type}`);
    assert.deepEqual(ok, [
      "pets.example. MX",
      "pets.example. TXT",
      "_dmarc.pets.example. TXT",
      "encimap1._domainkey.pets.example. TXT",
      "_smtp._tls.pets.example. TXT",
      "_imaps._tcp.pets.example. SRV",
      "autoconfig.pets.example. CNAME",
    ]);
  });

  await t.step("what is wrong is told with what is there", async () => {
    const smimea = named("", "SMIMEA");
    await using server = await dnsServer([
      ["pets.example", "v=spf1 a -all"],
      ["_dmarc.pets.example", "v=DMARC1; p=none"],
      ["_dmarc.pets.example", "v=DMARC1; p=reject"],
      ["encimap1._domainkey.pets.example", "v=DKIM1; p=AAAA"],
      ["_mta-sts.pets.example", "v=STSv1; id=old"],
    ], [
      "--mx-host=pets.example,old.example,10",
      "--srv-host=_imaps._tcp.pets.example,old.example,993",
      "--cname=autoconfig.pets.example,old.example",
      "--address=/old.example/192.0.2.7",
      `--dns-rr=${smimea.name.slice(0, -1)},53,030000${"30".repeat(20)}`,
    ]);
    const { status, checked, text } = await check(server.port);
    assert.equal(status, 2);
    const states = Object.fromEntries(
      checked.map(({ name, type, state }) => [`${name} ${type}`, state]),
    );
    for (
      const wrong of [
        "pets.example. MX",
        "pets.example. TXT",
        "_dmarc.pets.example. TXT",
        "encimap1._domainkey.pets.example. TXT",
        "_mta-sts.pets.example. TXT",
        "_imaps._tcp.pets.example. SRV",
        "autoconfig.pets.example. CNAME",
        `${smimea.name} SMIMEA`,
      ]
    ) assert.equal(states[wrong], "wrong", wrong);
    assert.equal(states["_submission._tcp.pets.example. SRV"], "missing");
    assert.equal(states["_smtp._tls.pets.example. TXT"], "missing");
    assert.match(text, /^wrong {3}pets\.example\. MX\n {2}expected 10 mail/m);
    assert.match(text, /^ {2}found {4}10 old\.example\.$/m);
  });

  await t.step("without an answer nothing is said to be missing", async () => {
    const { status, checked } = await check(1);
    assert.deepEqual([...new Set(checked.map(({ state }) => state))], [
      "unknown",
    ]);
    assert.equal(status, 1);
  });

  await t.step("a server must be an address", async () => {
    const line = "dns pets.example --check --server dns.example";
    assert.equal((await cat.encimap(line)).status, 64);
    assert.equal(
      (await cat.encimap("dns pets.example --server 127.0.0.1")).status,
      64,
    );
  });
});

Deno.test("the policy of MTA-STS is the one that DNS names, and is there where it is set", async () => {
  await using world = await testWorld({
    ENCIMAP_PUBLIC_PORT: "4302",
    ENCIMAP_MTA_STS: "enforce",
  });
  const path = "/.well-known/mta-sts.txt";
  const get = publicSide(world);
  const answer = await get(`https://mta-sts.pets.example${path}`);
  assert.equal(answer.headers.get("content-type"), "text/plain");
  assert.deepEqual((await answer.text()).split("\r\n"), [
    "version: STSv1",
    "mode: enforce",
    `mx: ${HOST}`,
    "max_age: 604800",
    "",
  ]);
  assert.equal((await get(`https://${HOST}${path}`)).status, 404);
  await using off = await testWorld({ ENCIMAP_PUBLIC_PORT: "4302" });
  const none = await publicSide(off)(`https://mta-sts.pets.example${path}`);
  assert.equal(none.status, 404);
});

/** Options of dnsmasq for what is no text. */
function zone(records: readonly Line[]): string[] {
  return records.flatMap(({ name, type, value }) => {
    const at = name.slice(0, -1);
    const words = value.split(" ");
    switch (type) {
      case "MX":
        return [`--mx-host=${at},${HOST},10`];
      case "SRV":
        return [`--srv-host=${at},${HOST},${words[2]}`];
      case "CNAME":
        return [`--cname=${at},${HOST}`];
      case "SMIMEA":
        return [`--dns-rr=${at},53,030000${words[3]}`];
    }
    return [];
  }).concat(`--address=/${HOST}/192.0.2.9`);
}

Deno.test({
  name: `an address of loopback is none that DNS has${NEEDS}`,
  ignore: NO_DNSMASQ,
}, async () => {
  await using server = await dnsServer([], [
    "--host-record=here.test,127.0.1.1,::1",
    "--host-record=there.test,192.0.2.1,2001:db8::1",
  ]);
  const { dns } = server;
  assert.deepEqual(await dns.lookup("here.test", "A"), []);
  assert.deepEqual(await dns.lookup("here.test", "AAAA"), []);
  assert.deepEqual(await dns.lookup("there.test", "A"), ["192.0.2.1"]);
  assert.deepEqual(await dns.lookup("there.test", "AAAA"), ["2001:db8::1"]);
});
