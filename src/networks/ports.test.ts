import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseExposedPorts, parsePortBindings } from "./ports.ts";

describe("port bindings", () => {
  const cases: ReadonlyArray<
    readonly [title: string, args: Parameters<typeof parsePortBindings>, expected: unknown[]]
  > = [
    ["nothing", [undefined, undefined], []],
    ["null means absent", [{ "80/tcp": null }, null], []],
    [
      "a fixed port",
      [{ "80/tcp": [{ HostPort: "8080" }] }, {}],
      [{ containerPort: 80, protocol: "tcp", hostPort: 8080 }],
    ],
    ["tcp is meant where no protocol is", [{ "80": [{}] }, {}], [{ containerPort: 80, protocol: "tcp" }]],
    [
      "protocols in capitals",
      [{ "53/UDP": [{ HostPort: "53" }] }, {}],
      [{ containerPort: 53, protocol: "udp", hostPort: 53 }],
    ],
    [
      "a host address and a range",
      [{ "80/sctp": [{ HostIp: "127.0.0.1", HostPort: "8000-8005" }] }, {}],
      [{ containerPort: 80, protocol: "sctp", hostIp: "127.0.0.1", hostPort: { first: 8000, last: 8005 } }],
    ],
    [
      "an IPv6 host address in brackets",
      [{ "80/tcp": [{ HostIp: "[::1]" }] }, {}],
      [{ containerPort: 80, protocol: "tcp", hostIp: "::1" }],
    ],
    ["port 0 is any", [{ "80/tcp": [{ HostPort: "0" }] }, {}], [{ containerPort: 80, protocol: "tcp", hostPort: 0 }]],
    ["exposed ports are not published by themselves", [{}, { "80/tcp": {} }], []],
    [
      "exposed ports are published on any where all are asked for, but for those that are bound",
      [{ "80/tcp": [{ HostPort: "8080" }] }, { "80/tcp": {}, "90-91/udp": {} }, true],
      [
        { containerPort: 80, protocol: "tcp", hostPort: 8080 },
        { containerPort: 90, protocol: "udp" },
        { containerPort: 91, protocol: "udp" },
      ],
    ],
    [
      "two bindings of one port, in the order of ports",
      [{ "90/tcp": [{ HostPort: "1" }, { HostPort: "2" }], "80/tcp": [{ HostPort: "3" }] }, {}],
      [
        { containerPort: 80, protocol: "tcp", hostPort: 3 },
        { containerPort: 90, protocol: "tcp", hostPort: 1 },
        { containerPort: 90, protocol: "tcp", hostPort: 2 },
      ],
    ],
  ];
  for (const [title, args, expected] of cases)
    test(title, () => assert.deepEqual(parsePortBindings(...args), expected));

  const bad: ReadonlyArray<readonly [map: Record<string, { HostIp?: string; HostPort?: string }[]>, message: string]> =
    [
      [{ x: [{}] }, 'invalid port specification: "x"'],
      [{ "": [{}] }, 'invalid port specification: ""'],
      [{ "/tcp": [{}] }, 'invalid port specification: ""'],
      [{ "0/tcp": [{}] }, 'invalid port specification: "0"'],
      [{ "70000/tcp": [{}] }, 'invalid port specification: "70000"'],
      [{ "80-82/tcp": [{}] }, 'invalid port specification: "80-82"'],
      [{ "80/tcp/x": [{}] }, 'invalid port specification: "80/tcp/x"'],
      [{ "80/foo": [{}] }, "invalid proto: foo"],
      [{ "80/tcp": [{ HostPort: "x" }] }, 'invalid port specification: "x"'],
      [{ "80/tcp": [{ HostPort: "-1" }] }, 'invalid port specification: "-1"'],
      [{ "80/tcp": [{ HostPort: " 1" }] }, 'invalid port specification: " 1"'],
      [{ "80/tcp": [{ HostPort: "90000" }] }, 'invalid port specification: "90000"'],
      [{ "80/tcp": [{ HostPort: "8000-7000" }] }, 'invalid port specification: "8000-7000"'],
      [{ "80/tcp": [{ HostPort: "8000-" }] }, 'invalid port specification: "8000-"'],
      [{ "80/tcp": [{ HostIp: "1.2.3" }] }, "invalid IP address: 1.2.3"],
    ];
  for (const [map, message] of bad) {
    test(`refuses ${JSON.stringify(map)}`, () => {
      assert.throws(() => parsePortBindings(map, {}), { kind: "invalid", message });
    });
  }

  test("a range of exposed ports is written out, a bad one refused", () => {
    assert.deepEqual(parseExposedPorts({ "8000-8002/tcp": {} }), [
      { port: 8000, protocol: "tcp" },
      { port: 8001, protocol: "tcp" },
      { port: 8002, protocol: "tcp" },
    ]);
    assert.throws(() => parseExposedPorts({ "82-80/tcp": {} }), { kind: "invalid" });
  });
});
