import assert from "node:assert/strict";
import { test } from "node:test";
import { parseChallenges } from "./challenge.ts";
import { endpointsOf } from "./endpoints.ts";
import { parseRetryAfter } from "./retry.ts";

test("challenges are read as RFC 9110 writes them", () => {
  for (const [header, expected] of [
    ["Basic realm=x", [["basic", { realm: "x" }]]],
    [
      'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"',
      [
        [
          "bearer",
          { realm: "https://auth.example/token", service: "registry.example", scope: "repository:a/b:pull,push" },
        ],
      ],
    ],
    [
      'Basic realm="a \\"b\\", c" , Bearer Realm = "r", Negotiate',
      [
        ["basic", { realm: 'a "b", c' }],
        ["bearer", { realm: "r" }],
        ["negotiate", {}],
      ],
    ],
    ["", []],
    ['Bearer realm="unterminated', [["bearer", {}]]],
  ] as const) {
    assert.deepEqual(
      parseChallenges(header).map(({ scheme, parameters }) => [scheme, parameters]),
      expected,
      header,
    );
  }
});

test("Retry-After is seconds or a date", () => {
  const now = Date.parse("2024-01-01T00:00:00Z");
  assert.equal(parseRetryAfter("120", now), 120_000);
  assert.equal(parseRetryAfter("Mon, 01 Jan 2024 00:00:05 GMT", now), 5_000);
  assert.equal(parseRetryAfter("Sun, 31 Dec 2023 00:00:00 GMT", now), 0);
  assert.equal(parseRetryAfter("soon", now), undefined);
  assert.equal(parseRetryAfter(undefined, now), undefined);
});

test("a registry is asked over https, and over http only where it is insecure", async () => {
  const options = { insecureRegistries: ["plain.invalid:5000", "10.1.0.0/16"], mirrors: ["https://mirror.invalid"] };
  for (const [domain, expected] of [
    ["docker.io", ["https://mirror.invalid/", "https://registry-1.docker.io/"]],
    ["secure.invalid", ["https://secure.invalid/"]],
    ["plain.invalid", ["https://plain.invalid/"]],
    ["plain.invalid:5000", ["https://plain.invalid:5000/", "http://plain.invalid:5000/"]],
    ["10.1.2.3:80", ["https://10.1.2.3:80/", "http://10.1.2.3/"]],
    ["10.2.2.3", ["https://10.2.2.3/"]],
    ["127.9.9.9:5000", ["https://127.9.9.9:5000/", "http://127.9.9.9:5000/"]],
    ["localhost:5000", ["https://localhost:5000/", "http://localhost:5000/"]],
    ["[::1]:5000", ["https://[::1]:5000/", "http://[::1]:5000/"]],
  ] as const) {
    const endpoints = await endpointsOf(domain, options);
    assert.deepEqual(
      endpoints.map(({ base }) => base.href),
      expected,
    );
  }
});
