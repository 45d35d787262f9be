import assert from "node:assert/strict";
import {
  type CryptoKey,
  exportJWK,
  exportPKCS8,
  exportSPKI,
  generateKeyPair,
  SignJWT,
} from "jose";
import type { AppError } from "../../src/errors.ts";
import {
  authenticate,
  mintToken,
  SCOPES,
  type TokenSettings,
} from "../../src/http/auth.ts";
import { parseTokenKeys } from "../../src/http/token_keys.ts";

const NOW = new Date("2026-01-01T00:00:00Z");
const SECONDS = NOW.getTime() / 1000;
const SECRET = "0123456789abcdef0123456789abcdef";
const ALICE = "11111111-1111-4111-8111-111111111111";
const HS256 = { secret: SECRET, audience: "encimap.svc" };
const GOOD = { role: "service", aud: "encimap.svc", exp: SECONDS + 600 };
const ALGORITHMS = ["RS256", "ES256", "EdDSA"] as const;

function sign(
  claims: Record<string, unknown>,
  key: CryptoKey | string = SECRET,
  header: { alg: string; kid?: string } = { alg: "HS256" },
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader(header).sign(
    typeof key === "string" ? new TextEncoder().encode(key) : key,
  );
}

/** `ok`, or the code of the failure. */
async function verdict(settings: TokenSettings, token: string) {
  try {
    await authenticate(settings, `Bearer ${token}`, NOW);
    return "ok";
  } catch (error) {
    return (error as AppError).code;
  }
}

for (const algorithm of ALGORITHMS) {
  Deno.test(`${algorithm} tokens pass with the key of a PEM file, and no others`, async () => {
    const ours = await generateKeyPair(algorithm, { extractable: true });
    const other = await generateKeyPair(algorithm);
    const pem = await exportSPKI(ours.publicKey);
    const find = await parseTokenKeys(algorithm, pem);
    const settings = {
      audience: "encimap.svc",
      keys: { algorithm, find },
    };
    const header = { alg: algorithm };
    const check = (token: string) => verdict(settings, token);
    assert.equal(await check(await sign(GOOD, ours.privateKey, header)), "ok");
    const wrong = {
      "another key": await sign(GOOD, other.privateKey, header),
      // The classic: the public key is public, and an HMAC needs no other.
      "HS256 under the text of the public key": await sign(GOOD, pem),
      "HS256 under the text without its newline": await sign(GOOD, pem.trim()),
      "HS256 under JWT_SECRET": await sign(GOOD),
      "no signature": `${btoa('{"alg":"none"}')}.${
        btoa(JSON.stringify(GOOD))
      }.`,
    };
    for (const [name, token] of Object.entries(wrong)) {
      assert.equal(await check(token), "unauthorized", name);
    }
  });

  Deno.test(`${algorithm} keys of a JWK Set are found by kid`, async () => {
    const pairs = [];
    for (const kid of ["a", "b"]) {
      const pair = await generateKeyPair(algorithm, { extractable: true });
      pairs.push({ ...pair, kid, jwk: await exportJWK(pair.publicKey) });
    }
    const keys = pairs.map(({ jwk, kid }) => ({ ...jwk, kid }));
    const find = await parseTokenKeys(algorithm, JSON.stringify({ keys }));
    const settings = { audience: "encimap.svc", keys: { algorithm, find } };
    for (const { privateKey, kid } of pairs) {
      const header = { alg: algorithm, kid };
      const token = await sign(GOOD, privateKey, header);
      assert.equal(await verdict(settings, token), "ok");
    }
    const [a] = pairs;
    const swapped = { alg: algorithm, kid: "b" };
    assert.equal(
      await verdict(settings, await sign(GOOD, a!.privateKey, swapped)),
      "unauthorized",
    );
  });

  Deno.test(`a file without a public key for ${algorithm} is refused`, async () => {
    const others = ALGORITHMS.filter((each) => each !== algorithm);
    const texts: string[] = ["", "{}", '{"keys":[]}', "[]", "nonsense"];
    for (const other of others) {
      const { publicKey } = await generateKeyPair(other, { extractable: true });
      texts.push(await exportSPKI(publicKey));
      texts.push(JSON.stringify({ keys: [await exportJWK(publicKey)] }));
    }
    const own = await generateKeyPair(algorithm, { extractable: true });
    texts.push(await exportPKCS8(own.privateKey));
    texts.push(JSON.stringify({ keys: [await exportJWK(own.privateKey)] }));
    texts.push('{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}');
    for (const text of texts) {
      await assert.rejects(
        parseTokenKeys(algorithm, text),
        /has no public key|is not public|neither PEM nor/,
        text.slice(0, 30),
      );
    }
  });
}

Deno.test("an RSA key of 1024 bits is refused", async () => {
  const { publicKey } = await crypto.subtle.generateKey(
    {
      name: "RSASSA-PKCS1-v1_5",
      hash: "SHA-256",
      modulusLength: 1024,
      publicExponent: new Uint8Array([1, 0, 1]),
    },
    true,
    ["sign", "verify"],
  ) as CryptoKeyPair;
  await assert.rejects(
    parseTokenKeys("RS256", await exportSPKI(publicKey)),
    /1024 bits/,
  );
});

const DAY = 86_400;
const lives: [string, Record<string, unknown>, string][] = [
  ["a day", { exp: SECONDS + DAY }, "ok"],
  ["a day and a second", { exp: SECONDS + DAY + 1 }, "unauthorized"],
  ["no end in sight", { exp: 1e300 }, "unauthorized"],
  ["a day since its issue", { exp: SECONDS + 9, iat: SECONDS + 9 - DAY }, "ok"],
  [
    "a day and a second since its issue",
    { exp: SECONDS + 9, iat: SECONDS + 8 - DAY },
    "unauthorized",
  ],
  [
    "a minute, from an issue in ten years",
    { exp: SECONDS + 3651 * DAY, iat: SECONDS + 3650 * DAY },
    "unauthorized",
  ],
  ["a time of issue that is text", { iat: "0" }, "unauthorized"],
];
for (const [name, claims, expected] of lives) {
  Deno.test(`a token that lives ${name}: ${expected}`, async () => {
    const token = await sign({ ...GOOD, ...claims });
    assert.equal(await verdict(HS256, token), expected);
  });
}

for (
  const [iss, expected] of [
    ["https://id.example", "ok"],
    ["https://other.example", "unauthorized"],
    [undefined, "unauthorized"],
  ] as const
) {
  Deno.test(`a token of issuer ${iss} where one is asked for: ${expected}`, async () => {
    const settings = { ...HS256, issuer: "https://id.example" };
    const token = await sign({ ...GOOD, ...(iss && { iss }) });
    assert.equal(await verdict(settings, token), expected);
  });
}

const USER_SCOPES = SCOPES.filter((scope) => scope !== "admin");
const scoped: [string, Record<string, unknown>, readonly string[]][] = [
  ["a service without the claim", {}, SCOPES],
  ["a service with an empty claim", { scope: "" }, []],
  ["a service with two", { scope: "admin vaultbox:read" }, [
    "vaultbox:read",
    "admin",
  ]],
  ["a service with a list", { scp: ["vaultbox:read"] }, ["vaultbox:read"]],
  ["unknown words", { scope: "root vaultbox:read VAULTBOX:WRITE" }, [
    "vaultbox:read",
  ]],
  ["a user without the claim", { role: undefined, "user_id": ALICE }, [
    ...USER_SCOPES,
  ]],
  ["a user that names admin", {
    role: undefined,
    "user_id": ALICE,
    scope: "admin vaultbox:read",
  }, ["vaultbox:read"]],
];
for (const [name, claims, expected] of scoped) {
  Deno.test(`scopes of ${name}: ${expected.join(" ") || "none"}`, async () => {
    const token = await sign({ ...GOOD, ...claims });
    const { scopes } = await authenticate(HS256, `Bearer ${token}`, NOW);
    assert.deepEqual([...scopes], expected);
  });
}

for (
  const claims of [
    { scope: ["admin"] },
    { scope: 1 },
    { scope: null },
    { scp: "admin" },
    { scp: {} },
    { sub: "" },
    { sub: "x".repeat(256) },
    { sub: "a\nb" },
    { sub: "ü" },
    { sub: 5 },
  ]
) {
  Deno.test(`a service token with ${JSON.stringify(claims).slice(0, 40)} is refused`, async () => {
    const token = await sign({ ...GOOD, ...claims });
    assert.equal(await verdict(HS256, token), "unauthorized");
  });
}

Deno.test("sub of a service token is the caller's subject", async () => {
  const token = await sign({ ...GOOD, sub: "billing" });
  const caller = await authenticate(HS256, `Bearer ${token}`, NOW);
  assert.equal(caller.subject, "billing");
});

Deno.test("mintToken() names issuer and scopes", async () => {
  const settings = { ...HS256, issuer: "https://id.example" };
  const token = await mintToken(
    settings,
    { userId: undefined, scopes: new Set(["vaultbox:read"]) },
    { now: NOW, seconds: 60 },
  );
  const { scopes } = await authenticate(settings, `Bearer ${token}`, NOW);
  assert.deepEqual([...scopes], ["vaultbox:read"]);
});
