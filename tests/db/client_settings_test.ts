import assert from "node:assert/strict";
import { createVaultbox } from "../../src/vaultbox/create.ts";
import { ALICE, SERVICE, type TestWorld, testWorld } from "../helpers/app.ts";
import { publicSide, xmlTexts } from "../helpers/public.ts";

const AUTODISCOVER = "https://autodiscover.pets.example/autodiscover";

async function world(): Promise<TestWorld> {
  const made = await testWorld();
  await createVaultbox(made.app, SERVICE, {
    userId: ALICE,
    domain: "pets.example",
    alias: "cat",
    name: "Cat",
    certificatePem: undefined,
    mayClaimDomain: true,
  });
  return made;
}

function request(address: string): RequestInit {
  return {
    method: "POST",
    headers: { "content-type": "text/xml" },
    body:
      `<?xml version="1.0"?><Autodiscover xmlns="http://schemas.microsoft.com/exchange/autodiscover/outlook/requestschema/2006"><Request><EMailAddress>${address}</EMailAddress><AcceptableResponseSchema>x</AcceptableResponseSchema></Request></Autodiscover>`,
  };
}

Deno.test("Thunderbird is told the servers, and that the address is the user name", async () => {
  await using made = await world();
  const ask = publicSide(made);
  for (
    const url of [
      "http://autoconfig.pets.example/mail/config-v1.1.xml?emailaddress=cat%40pets.example",
      "http://autoconfig.pets.example/mail/config-v1.1.xml",
      "https://pets.example/.well-known/autoconfig/mail/config-v1.1.xml",
      "https://mail.example.test/mail/config-v1.1.xml?emailaddress=Cat@PETS.example",
    ]
  ) {
    const answer = await ask(url);
    assert.equal(answer.status, 200, url);
    assert.match(answer.headers.get("content-type")!, /^text\/xml/);
    assert.deepEqual(await xmlTexts(await answer.text()), {
      clientConfig: [""],
      emailProvider: [""],
      domain: ["pets.example"],
      displayName: ["pets.example"],
      displayShortName: ["pets.example"],
      incomingServer: [""],
      outgoingServer: [""],
      hostname: ["mail.example.test", "mail.example.test"],
      port: ["993", "587"],
      socketType: ["SSL", "STARTTLS"],
      authentication: ["password-cleartext", "password-cleartext"],
      username: ["%EMAILADDRESS%", "%EMAILADDRESS%"],
    }, url);
  }
});

Deno.test("Outlook is told the servers, with the address that it asked for", async () => {
  await using made = await world();
  const ask = publicSide(made);
  for (
    const [url, init] of [
      [`${AUTODISCOVER}/autodiscover.xml`, request("cat@pets.example")],
      [
        "https://mail.example.test/Autodiscover/Autodiscover.xml",
        request(" cat@pets.example "),
      ],
      [`${AUTODISCOVER}/autodiscover.xml?Email=cat@pets.example`, {}],
    ] as const
  ) {
    const answer = await ask(url, init);
    assert.equal(answer.status, 200, url);
    const found = await xmlTexts(await answer.text());
    assert.deepEqual(found["Type"], ["IMAP", "SMTP"]);
    assert.deepEqual(found["Port"], ["993", "587"]);
    assert.deepEqual(found["Encryption"], ["SSL", "TLS"]);
    assert.deepEqual(found["LoginName"], [
      "cat@pets.example",
      "cat@pets.example",
    ]);
  }
});

Deno.test("an address that exists gets the answer of one that does not", async () => {
  await using made = await world();
  const ask = publicSide(made);
  const of = async (name: string) => {
    const text = async (url: string, init?: RequestInit) => {
      const answer = await ask(url, init);
      return [answer.status, (await answer.text()).replaceAll(`${name}@`, "")];
    };
    return [
      await text(
        `http://autoconfig.pets.example/mail/config-v1.1.xml?emailaddress=${name}@pets.example`,
      ),
      await text(
        `${AUTODISCOVER}/autodiscover.xml`,
        request(`${name}@pets.example`),
      ),
    ];
  };
  assert.deepEqual(await of("nobody"), await of("cat"));
});

Deno.test("a domain that is not hosted, and what is no request, is not found", async () => {
  await using made = await world();
  const ask = publicSide(made);
  const bomb = `<!DOCTYPE a [<!ENTITY b "cat@pets.example">]>` +
    `<a><EMailAddress>&b;</EMailAddress></a>`;
  const statuses = [];
  for (
    const [url, init] of [
      ["http://autoconfig.other.example/mail/config-v1.1.xml"],
      ["http://x/mail/config-v1.1.xml?emailaddress=cat@other.example"],
      ["http://x/mail/config-v1.1.xml?emailaddress=%3Cx%3E"],
      ["http://x/mail/config-v1.1.xml?emailaddress="],
      [`${AUTODISCOVER}/autodiscover.xml`],
      [`${AUTODISCOVER}/autodiscover.xml`, request("cat@other.example")],
      [`${AUTODISCOVER}/autodiscover.xml`, { method: "POST", body: bomb }],
      ["https://mail.example.test/"],
      ["https://mail.example.test/s2s/v1/health"],
      ["https://mail.example.test/s2s/v1/vaultboxes"],
    ] as [string, RequestInit?][]
  ) {
    const answer = await ask(url, init);
    assert.equal(await answer.text(), "Not found\n", url);
    statuses.push(answer.status);
  }
  assert.deepEqual([...new Set(statuses)], [404]);
});

Deno.test("a public request is limited in size, path and method", async () => {
  await using made = await world();
  const ask = publicSide(made);
  const url = `${AUTODISCOVER}/autodiscover.xml`;
  const large = request(`cat@pets.example`).body + " ".repeat(4096);
  assert.equal((await ask(url, { method: "POST", body: large })).status, 413);
  assert.equal((await ask(`${url}?${"x".repeat(2048)}`)).status, 404);
  assert.equal((await ask(`${url}?a=%ff`)).status, 400);
  assert.equal((await ask(url, { method: "DELETE" })).status, 405);
  const head = await ask(
    "http://autoconfig.pets.example/mail/config-v1.1.xml",
    {
      method: "HEAD",
    },
  );
  assert.deepEqual([head.status, await head.text()], [200, ""]);
  assert.match(
    head.headers.get("content-security-policy")!,
    /default-src 'none'/,
  );
  assert.equal(head.headers.get("cache-control"), "no-store");
});
