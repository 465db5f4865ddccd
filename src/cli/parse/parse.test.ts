import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { parseCsv } from "./csv.ts";
import { parseEnv, readEnvFile } from "./env.ts";
import { ipamPools } from "./ipam.ts";
import { parseMount, parseTmpfs, parseVolumes } from "./mounts.ts";
import { joinNetworkFlags, parseDnsSearch, parseExtraHost, parseNetwork } from "./network.ts";
import { filterMap, parseCapabilities, parseFilter, parseRestart, parseSecurity } from "./policies.ts";
import { parsePorts, parsePublish } from "./ports.ts";
import { isCdiDevice, parseDevice, parseGpus, parseUlimit } from "./resources.ts";
import { parseBytes, parseCpus, parseDuration, parseSwap } from "./sizes.ts";
import { parseTimestamp } from "./timestamps.ts";

/* What Docker's client makes of the same texts is checked in create-oracle.test.ts, where that client is there. */

/** Checks a parser with texts, and the values that they stand for or the messages that refuse them. */
function check<T>(parse: (text: string) => T, cases: Readonly<Record<string, T | Error>>): void {
  for (const [text, expected] of Object.entries(cases))
    if (expected instanceof Error) assert.throws(() => parse(text), { message: expected.message }, text);
    else assert.deepEqual(parse(text), expected, text);
}

test("sizes", () => {
  check(parseBytes, {
    "512m": 536870912,
    "1g": 2 ** 30,
    "1.5G": 1.5 * 2 ** 30,
    "64 KiB": 65536,
    "10": 10,
    "3b": 3,
    "1tb": 2 ** 40,
    ".5k": 512,
    x: new Error("invalid size: 'x'"),
    "5x": new Error("invalid suffix: 'x'"),
    "-1": new Error("invalid size: '-1'"),
    "": new Error("invalid size: ''"),
  });
  assert.equal(parseSwap("-1"), -1);
  check(parseCpus, {
    "0.5": 5e8,
    "2": 2e9,
    "1/4": 25e7,
    "1e-3": 1e6,
    "1.000000001": 1000000001,
    x: new Error("failed to parse x as a rational number"),
    "1.0000000001": new Error("value is too precise"),
  });
  check(parseDuration, {
    "1h30m": 5400e9,
    "2.5s": 2.5e9,
    "300ms": 3e8,
    "-1s": -1e9,
    "0": 0,
    "5µs": 5000,
    "1": new Error('time: missing unit in duration "1"'),
    "1x": new Error('time: unknown unit "x" in duration "1x"'),
    "": new Error('time: invalid duration ""'),
    s: new Error('time: invalid duration "s"'),
  });
});

test("published ports", () => {
  const one = (port: string, HostIp: string, HostPort: string) => [{ port, HostIp, HostPort }];
  check(parsePublish, {
    "80": one("80/tcp", "", ""),
    "8080:80/UDP": one("80/udp", "", "8080"),
    "127.0.0.1::80": one("80/tcp", "127.0.0.1", ""),
    "[::1]:80:80": one("80/tcp", "::1", "80"),
    "8000-8002:80": one("80/tcp", "", "8000-8002"),
    "80-81:90-91": [...one("90/tcp", "", "80"), ...one("91/tcp", "", "81")],
    "published=1,target=2,protocol=sctp": one("2/sctp", "", "1"),
    "a:80": new Error("invalid hostPort: a"),
    "80:99999": new Error("invalid containerPort: 99999"),
    "8000-8002:80-81": new Error("invalid ranges specified for container and host Ports: 80-81 and 8000-8002"),
    "localhost:80:80": new Error("invalid IP address: localhost"),
    "80/x": new Error("invalid proto: x"),
    "": new Error("no port specified: <empty>"),
  });
  assert.deepEqual(parsePorts(["80", "8080:80"], ["90-91/udp"]), {
    bindings: {
      "80/tcp": [
        { HostIp: "", HostPort: "" },
        { HostIp: "", HostPort: "8080" },
      ],
    },
    exposed: { "80/tcp": {}, "90/udp": {}, "91/udp": {} },
  });
});

test("mounts, volumes and tmpfs", () => {
  check(parseMount, {
    "type=bind,src=/a,dst=/b,ro": { Type: "bind", Source: "/a", Target: "/b", ReadOnly: true },
    "dst=/b,src=v,volume-opt=a=b,volume-driver=d": {
      Type: "volume",
      Source: "v",
      Target: "/b",
      VolumeOptions: { DriverConfig: { Name: "d", Options: { a: "b" } } },
    },
    "type=tmpfs,dst=/b,tmpfs-size=1m,tmpfs-mode=1777": {
      Type: "tmpfs",
      Target: "/b",
      TmpfsOptions: { SizeBytes: 1048576, Mode: 0o1777 },
    },
    "type=bind,src=./x,dst=/b": { Type: "bind", Source: resolve("x"), Target: "/b" },
    "type=bind,src=/a,dst=/b,tmpfs-size=1": new Error("cannot mix 'tmpfs-*' options with mount type 'bind'"),
    "type=bind,src=/a": new Error("target is required"),
    "type=bind,x=1,dst=/b": new Error("unexpected key 'x' in 'x=1'"),
    dst: new Error("invalid field 'dst' must be a key=value pair"),
  });
  assert.deepEqual(parseVolumes(["/anon", "v:/b:ro", "./x:/c"]), {
    binds: ["v:/b:ro", `${resolve("x")}:/c`],
    anonymous: { "/anon": {} },
  });
  assert.throws(() => parseVolumes([":/b"]), { message: "invalid spec: :/b: empty section between colons" });
  assert.deepEqual(parseTmpfs(["/x", "/y:size=1m"]), { "/x": "", "/y": "size=1m" });
  check(parseCsv, { "a,b": ["a", "b"], '"a,""b""",c': ['a,"b"', "c"], "a,": ["a", ""], "": new Error("EOF") });
});

test("environment", (t) => {
  const environ = { SET: "value" };
  check((text) => parseEnv(text, environ), {
    "A=b=c": "A=b=c",
    SET: "SET=value",
    UNSET: "UNSET",
    "A=": "A=",
    "=x": new Error("invalid environment variable: =x"),
  });
  const folder = mkdtempSync(join(tmpdir(), "keelson-parse-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "env"), "\uFEFFA=1\r\n# no\n\n  B= 2 \nSET\nUNSET\n");
  assert.deepEqual(readEnvFile(join(folder, "env"), environ), ["A=1", "B= 2 ", "SET=value"]);
  assert.throws(() => readEnvFile(join(folder, "none")), {
    message: `open ${join(folder, "none")}: no such file or directory`,
  });
});

test("networks", () => {
  const none = { aliases: [], links: [], linkLocalIps: [], driverOpts: {} };
  check(parseNetwork, {
    foo: { ...none, target: "foo" },
    "container:x": { ...none, target: "container:x" },
    "name=foo,alias=a,alias=b,ip=1.2.3.4,gw-priority=2": {
      ...none,
      target: "foo",
      aliases: ["a", "b"],
      ip: "1.2.3.4",
      gwPriority: 2,
    },
    "foo=bar": new Error("invalid field key foo"),
    "alias=a": new Error("network name/id is not specified"),
  });
  const flags = { aliases: ["x"], links: [], linkLocalIps: [], ip: "", ip6: "", mac: "" };
  assert.deepEqual(joinNetworkFlags([parseNetwork("foo")], flags), [{ ...none, target: "foo", aliases: ["x"] }]);
  assert.throws(() => joinNetworkFlags([parseNetwork("host")], flags), {
    message: "network-scoped aliases are only supported for user-defined networks",
  });
  check(parseExtraHost, {
    "a:1.2.3.4": "a:1.2.3.4",
    "a=[::1]": "a:::1",
    "a:host-gateway": "a:host-gateway",
    a: new Error('bad format for add-host: "a"'),
    "a:x": new Error('invalid IP address in add-host: "x"'),
  });
  check(parseDnsSearch, { "a.b": "a.b", ".": ".", "a..b": new Error("a..b is not a valid domain") });
  assert.deepEqual(
    ipamPools({
      subnets: ["10.0.0.0/8", "fd00::/64"],
      ranges: ["10.1.0.0/16"],
      gateways: ["fd00::1"],
      auxiliary: { a: "10.0.0.7" },
    }),
    [
      { Subnet: "10.0.0.0/8", IPRange: "10.1.0.0/16", AuxiliaryAddresses: { a: "10.0.0.7" } },
      { Subnet: "fd00::/64", Gateway: "fd00::1" },
    ],
  );
});

test("limits and devices", () => {
  check(parseUlimit, {
    "nofile=1:2": { Name: "nofile", Soft: 1, Hard: 2 },
    "nofile=5": { Name: "nofile", Soft: 5, Hard: 5 },
    "core=-1": { Name: "core", Soft: -1, Hard: -1 },
    "x=1": new Error("invalid ulimit type: x"),
    "nofile=2:1": new Error("ulimit soft limit must be less than or equal to hard limit: 2 > 1"),
  });
  const device = (PathOnHost: string, PathInContainer: string, CgroupPermissions: string) => ({
    PathOnHost,
    PathInContainer,
    CgroupPermissions,
  });
  check(parseDevice, {
    "/dev/a": device("/dev/a", "/dev/a", "rwm"),
    "/dev/a:/dev/b:r": device("/dev/a", "/dev/b", "r"),
    "/dev/a:rw": device("/dev/a", "/dev/a", "rw"),
    "/dev/a:/b:q": new Error("bad mode specified: q"),
    a: new Error("a is not an absolute path"),
  });
  assert.equal(isCdiDevice("vendor.com/class=name"), true);
  assert.equal(isCdiDevice("/dev/a"), false);
  assert.deepEqual(parseGpus("all"), { Driver: "", Count: -1, Capabilities: [["gpu"]], Options: {} });
  assert.deepEqual(parseGpus('"device=1,2",driver=x'), {
    Driver: "x",
    Count: 0,
    DeviceIDs: ["1", "2"],
    Capabilities: [["gpu"]],
    Options: {},
  });
});

test("policies, filters and times", () => {
  check(parseRestart, {
    always: { Name: "always", MaximumRetryCount: 0 },
    "on-failure:3": { Name: "on-failure", MaximumRetryCount: 3 },
    "on-failure:x": new Error("invalid restart policy format: maximum retry count must be an integer"),
  });
  check(parseFilter, {
    "Status = running": { name: "status", value: "running" },
    "label=a=b": { name: "label", value: "a=b" },
    x: new Error("bad format of filter (expected name=value)"),
  });
  assert.deepEqual(filterMap([parseFilter("a=1"), parseFilter("a=2"), parseFilter("b=3")]), {
    a: ["1", "2"],
    b: ["3"],
  });
  assert.deepEqual(parseSecurity(["seccomp=unconfined", "systempaths=unconfined"]), {
    options: ["seccomp=unconfined"],
    maskedPaths: [],
    readonlyPaths: [],
  });
  assert.deepEqual(parseCapabilities(["net_admin", "ALL"], []), { CapAdd: ["ALL", "CAP_NET_ADMIN"] });
  check((text) => parseTimestamp(text, 1_000_000_000), {
    "10m": "999400",
    "1700000000.5": "1700000000.5",
    "2024-03-01T10:20:30.5Z": "1709288430.500000000",
    "2024-03-01T10:20:30+01:00": "1709284830.000000000",
    "": "",
    "next week": new Error('failed to parse value as time or duration: "next week"'),
  });
});
