import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseBridgeOptions } from "./drivers/bridge-options.ts";
import { gatewayEndpoint } from "./endpoint-plan.ts";
import { networkScript, portChanges, tableFor, tableScript } from "./firewall.ts";
import { dropStaleAddresses, mendLinks } from "./kernel-state.ts";
import type { Endpoint, NetworkRules } from "./networks.ts";

const link = (index: number, name: string, master?: number) => ({
  index,
  name,
  mac: "02:00:00:00:00:01",
  mtu: 1500,
  up: true,
  ...(master === undefined ? {} : { master }),
});
const endpoint = (networkName: string, more: Partial<Endpoint> = {}): Endpoint => ({
  id: networkName,
  networkId: networkName,
  networkName,
  request: { network: networkName },
  dnsNames: [],
  ...more,
});

describe("mending links", () => {
  const host = {
    links: [
      link(1, "keelson0"),
      link(2, "docker0"),
      link(3, "kl00000000001", 1),
      link(4, "kl00000000002", 1),
      link(5, "kl00000000003"),
      link(6, "veth0000000", 1),
      link(7, "kl00000000004", 2),
      link(8, "klaus", 1),
    ],
    addresses: [],
  };

  test("removes ports of our bridges with our names that belong to nobody, and no others", () => {
    const live = [{ ...endpoint("bridge", { hostIfname: "kl00000000001" }), bridge: "keelson0" }];
    assert.deepEqual(mendLinks(host, new Set(["keelson0"]), live), [{ op: "removeLink", name: "kl00000000002" }]);
  });

  test("puts a live link back on its bridge", () => {
    const live = ["kl00000000001", "kl00000000002", "kl00000000003"].map((hostIfname) => ({
      ...endpoint("bridge", { hostIfname }),
      bridge: "keelson0",
    }));
    assert.deepEqual(mendLinks(host, new Set(["keelson0"]), live), [
      { op: "setLink", name: "kl00000000003", master: "keelson0", up: true },
    ]);
  });
});

describe("a bridge's addresses", () => {
  const plans = [
    {
      operations: [
        { op: "addBridge", name: "keelson0" },
        { op: "addAddress", link: "keelson0", address: "10.0.0.1/24" },
      ] as const,
    },
  ];
  const host = {
    links: [link(1, "keelson0"), link(2, "eth0")],
    addresses: (["10.0.0.1/24", "172.17.0.1/16", "fe80::1/64"] as const).flatMap((address) => [
      { link: 1, address, scope: "global" as const },
      { link: 2, address, scope: "global" as const },
    ]),
  };

  test("of before go, unless a live container has one for its gateway; IPv6 and other links stay", () => {
    const stale = { op: "removeAddress", link: "keelson0", address: "172.17.0.1/16" };
    assert.deepEqual(dropStaleAddresses(plans, host, []), [stale]);
    assert.deepEqual(dropStaleAddresses(plans, host, [endpoint("bridge", { gateway4: "172.17.0.1" })]), []);
  });
});

describe("the firewall's text and changes", () => {
  const rules: NetworkRules = {
    bridge: "keelson0",
    subnets: ["172.17.0.0/16"],
    icc: true,
    internal: false,
    masquerade: true,
  };
  const port = (hostIp: string) => ({
    mapping: { containerPort: 80, protocol: "udp" as const, hostIp, hostPort: 8080 },
    address: "172.17.0.2",
  });

  test("a wildcard and a named address go to maps of their own, IPv6 to none", () => {
    const ports = ["0.0.0.0", "127.0.0.1", "::", "::1"].map(port);
    const key = [
      { type: "proto", value: 17 },
      { type: "port", value: 8080 },
    ];
    const value = [
      { type: "ipv4", value: "172.17.0.2" },
      { type: "port", value: 80 },
    ];
    assert.deepEqual(portChanges("add", ports), [
      { action: "add", set: "ports_any", key, value },
      { action: "add", set: "ports_addr", key: [{ type: "ipv4", value: "127.0.0.1" }, ...key], value },
    ]);
    const script = tableScript("keelson", [rules], ports);
    assert.match(script, /ports_any \{.* elements = \{ udp \. 8080 : 172\.17\.0\.2 \. 80 \}; \}/);
    assert.match(script, /ports_addr \{.* elements = \{ 127\.0\.0\.1 \. udp \. 8080 : 172\.17\.0\.2 \. 80 \}; \}/);
  });

  test("the table is replaced in one transaction, and has no rule of a network's own", () => {
    const script = tableScript("keelson", [rules], []);
    assert.match(script, /^table inet keelson\ndelete table inet keelson\ntable inet keelson \{\n/);
    const chains = script.slice(script.indexOf("chain raw_prerouting"));
    assert.doesNotMatch(chains, /keelson0|172\.17/);
  });

  test("a network's elements tell what it may do", () => {
    const text = (more: Partial<NetworkRules>) => networkScript("keelson", "add", { ...rules, ...more });
    assert.match(text({}), /nat_subnets \{ 172\.17\.0\.0\/16 \}/);
    assert.match(text({}), /icc \{ "keelson0" \. "keelson0" \}/);
    assert.doesNotMatch(text({ icc: false }), / icc /);
    assert.doesNotMatch(text({ masquerade: false }), /nat_subnets/);
    assert.doesNotMatch(text({ internal: true }), /nat_subnets/);
    assert.match(text({ internal: true }), /internal \{ "keelson0" \}/);
    assert.match(networkScript("keelson", "delete", rules), /^delete element inet keelson bridges/);
  });

  test("each engine has a table of its own", () => {
    assert.deepEqual(["keelson0", "kl1"].map(tableFor), ["keelson", "keelson-kl1"]);
  });
});

describe("the endpoint with the default route", () => {
  test("has the highest priority, then the first name; an internal network has none", () => {
    const a = endpoint("a", { gateway4: "10.0.0.1" });
    const b = endpoint("b", { gateway4: "10.1.0.1" });
    const c = endpoint("c", { gateway4: "10.2.0.1", request: { network: "c", gatewayPriority: 1 } });
    assert.equal(gatewayEndpoint([b, a])?.id, "a");
    assert.equal(gatewayEndpoint([b, c, a])?.id, "c");
    assert.equal(gatewayEndpoint([endpoint("inner")]), undefined);
  });
});

describe("a bridge network's options", () => {
  const id = "abcdef0123456789".repeat(4);

  test("have Docker's defaults", () => {
    assert.deepEqual(parseBridgeOptions(id, { unknown: "x" }), {
      bridge: "br-abcdef012345",
      isDefault: false,
      icc: true,
      masquerade: true,
      hostBinding: undefined,
      mtu: undefined,
      ifacePrefix: "eth",
    });
  });

  const bad: ReadonlyArray<readonly [name: string, value: string]> = [
    ["com.docker.network.bridge.name", "../../kernel"],
    ["com.docker.network.bridge.name", 'x" }'],
    ["com.docker.network.bridge.name", "a-name-that-is-too-long"],
    ["com.docker.network.bridge.name", "kl*"],
    ["com.docker.network.container_iface_prefix", "../eth"],
    ["com.docker.network.bridge.host_binding_ipv4", "nowhere"],
    ["com.docker.network.driver.mtu", "-1"],
  ];
  for (const [name, value] of bad) {
    test(`refuse ${name}=${value}`, () => {
      assert.throws(() => parseBridgeOptions(id, { [name]: value }), { kind: "invalid" });
    });
  }
});
