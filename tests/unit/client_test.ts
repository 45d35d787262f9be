import assert from "node:assert/strict";
import committed from "../../clients/typescript/encimap.ts" with {
  type: "text",
};
import { client } from "../../clients/typescript/generate.ts";
import { Encimap, EncimapError } from "../../clients/typescript/encimap.ts";

Deno.test("clients/typescript/encimap.ts is what `deno task client` writes", () => {
  assert.equal(committed, client());
});

/** A client whose requests are answered from a list. */
function scripted(
  answers: readonly (() => Response)[],
): { encimap: Encimap; requests: Request[] } {
  const requests: Request[] = [];
  const encimap = new Encimap({
    baseUrl: "http://api.example/s2s/v1/",
    token: () => Promise.resolve(`token-${requests.length}`),
    fetch: (input, init) => {
      requests.push(new Request(input, init));
      const answer = answers[requests.length - 1];
      return answer === undefined
        ? Promise.reject(new Error("One request too many"))
        : Promise.resolve(answer());
    },
  });
  return { encimap, requests };
}

function refused(status: number, code: string): () => Response {
  return () =>
    Response.json({ success: false, error: { code, message: "No" } }, {
      status,
      headers: { "x-request-id": "r", "retry-after": "0" },
    });
}

const BOX = { id: "1", domain: "a.example" };
const found = (): Response => Response.json({ success: true, data: BOX });

Deno.test("a GET is tried again after 503 and 429, each time with a fresh token", async () => {
  const { encimap, requests } = scripted([
    refused(503, "unavailable"),
    refused(429, "rate_limited"),
    found,
  ]);
  assert.deepEqual(await encimap.getVaultbox("1"), BOX);
  assert.deepEqual(
    requests.map((each) => each.headers.get("authorization")),
    ["Bearer token-0", "Bearer token-1", "Bearer token-2"],
  );
});

Deno.test("retries end, and the error has all that the answer said", async () => {
  const { encimap, requests } = scripted(
    Array(3).fill(refused(503, "unavailable")),
  );
  await assert.rejects(encimap.getVaultbox("1"), (error) => {
    assert(error instanceof EncimapError);
    const { status, code, message, details, requestId, retryAfter } = error;
    assert.deepEqual(
      { status, code, message, details, requestId, retryAfter },
      {
        status: 503,
        code: "unavailable",
        message: "No",
        details: {},
        requestId: "r",
        retryAfter: 0,
      },
    );
    return true;
  });
  assert.equal(requests.length, 3);
});

Deno.test("a POST is tried again only with an Idempotency-Key", async () => {
  const body = { domain: "a.example", alias: "cat" };
  const once = scripted([refused(503, "unavailable")]);
  await assert.rejects(once.encimap.createVaultbox(body), EncimapError);
  const twice = scripted([refused(503, "unavailable"), found]);
  const options = { idempotencyKey: "k", userId: "u" };
  await twice.encimap.createVaultbox(body, options);
  for (const request of twice.requests) {
    assert.equal(request.url, "http://api.example/s2s/v1/vaultboxes?user_id=u");
    assert.equal(request.headers.get("idempotency-key"), "k");
    assert.deepEqual(await request.json(), body);
  }
});

Deno.test("a DELETE, and what is not temporary, is not tried again", async () => {
  const gone = scripted([refused(503, "unavailable")]);
  await assert.rejects(gone.encimap.deleteVaultbox("1"), EncimapError);
  const missing = scripted([refused(404, "not_found")]);
  await assert.rejects(missing.encimap.getVaultbox("1"), { code: "not_found" });
});

Deno.test("nobody waits for a Retry-After of more than 30 seconds", async () => {
  const { encimap } = scripted([
    () => new Response(null, { status: 429, headers: { "retry-after": "31" } }),
  ]);
  const error = { status: 429, code: "unknown", retryAfter: 31 };
  await assert.rejects(encimap.getVaultbox("1"), error);
});

Deno.test("an answer that is not the API's is an EncimapError with its status", async () => {
  const { encimap } = scripted([
    () => new Response("<html>", { status: 502 }),
  ]);
  const error = { status: 502, code: "unknown", message: "HTTP 502" };
  await assert.rejects(encimap.getVaultbox("1"), error);
});

Deno.test("a signal ends the wait between attempts", async () => {
  const { encimap } = scripted([
    () => new Response(null, { status: 429, headers: { "retry-after": "30" } }),
  ]);
  const abort = new AbortController();
  const asked = encimap.getVaultbox("1", { signal: abort.signal });
  abort.abort(new Error("Stop"));
  await assert.rejects(asked, { message: "Stop" });
});

Deno.test("an attempt without an answer ends after timeoutMs", async () => {
  const encimap = new Encimap({
    token: "t",
    timeoutMs: 1,
    fetch: (_, init) =>
      new Promise((_, reject) => {
        init!.signal!.addEventListener(
          "abort",
          () => reject(init!.signal!.reason),
        );
      }),
  });
  await assert.rejects(encimap.getVaultbox("1"), { name: "TimeoutError" });
});

Deno.test("an iterator asks page by page, in the order that was asked for", async () => {
  const { encimap, requests } = scripted([
    () =>
      Response.json({ success: true, data: [BOX, BOX], "next_cursor": "c" }),
    () => Response.json({ success: true, data: [BOX] }),
  ]);
  const boxes = [];
  for await (
    const box of encimap.listAllVaultboxes({ sort: "-address", limit: 2 })
  ) boxes.push(box);
  assert.equal(boxes.length, 3);
  assert.deepEqual(requests.map((each) => new URL(each.url).search), [
    "?sort=-address&limit=2",
    "?sort=-address&limit=2&cursor=c",
  ]);
});

for (const name of ["", ".", ".."]) {
  Deno.test(`a part of a path is not ${JSON.stringify(name)}, which would ask for something else`, async () => {
    const { encimap } = scripted([]);
    await assert.rejects(encimap.deleteVaultbox(name), RangeError);
  });
}

Deno.test("a part of a path cannot leave its place", async () => {
  const { encimap, requests } = scripted([found]);
  await encimap.getVaultbox("../a?b#c");
  const path = "/s2s/v1/vaultboxes/..%2Fa%3Fb%23c";
  assert.equal(new URL(requests[0]!.url).pathname, path);
});
