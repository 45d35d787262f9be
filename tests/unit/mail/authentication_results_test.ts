import assert from "node:assert/strict";
import {
  authenticationVerdict,
  parseAuthenticationResults,
} from "../../../src/mail/authentication_results.ts";

// RFC 8601 appendix B, and what senders write to be taken for somebody else.
for (
  const [text, expected] of [
    ["example.org 1; none", ["example.org", ""]],
    ["Example.COM; spf=pass smtp.mailfrom=example.net", [
      "example.com",
      "spf=pass",
    ]],
    [
      'example.com; dkim=pass reason="good; spf=fail" header.i=@a.example; dkim=fail (bad; x=pass)',
      ["example.com", "dkim=pass,dkim=fail"],
    ],
    ["(a (b) \\) c) mx.example 1 (v1);\tDMARC/1 = Fail", [
      "mx.example",
      "dmarc=fail",
    ]],
    ['"mx.example"; spf=pass', ["mx.example", "spf=pass"]],
    ['"mx\\.example"; spf=pass', ["mx.example", "spf=pass"]],
    ["mx.example; x-own=pass; spf=great; spf; =pass; auth=pass", [
      "mx.example",
      "",
    ]],
    ["mx.example; spf=passé", ["mx.example", ""]],
    // Microsoft's, without an authserv-id.
    [
      "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=a.example; dkim=none",
      undefined,
    ],
    ["(open; spf=pass", undefined],
    ['"open; spf=pass', undefined],
    ["", undefined],
    ["; spf=pass", undefined],
    ["a b; spf=pass", undefined],
    [`a; ${"x".repeat(30_000)}`, undefined],
  ] as const
) {
  Deno.test(`parseAuthenticationResults() of ${JSON.stringify(text).slice(0, 80)}`, () => {
    const parsed = parseAuthenticationResults(text);
    const results = parsed?.results.map((each) => each.join("=")).join(",");
    assert.deepEqual(
      parsed && [parsed.authservId, results],
      expected,
    );
  });
}

Deno.test("authenticationVerdict() takes the first field for each method, and the signature that passes", () => {
  const fields = [
    "mx.example; spf=fail",
    "mx.example; dkim=fail; dkim=pass; dmarc=none",
    "mx.example; spf=pass; dmarc=pass",
  ].map((text) => parseAuthenticationResults(text)!);
  assert.equal(
    authenticationVerdict(fields),
    "spf:fail,dkim:pass,dmarc:none",
  );
  assert.equal(authenticationVerdict([]), "none");
});
