import { isolate } from "../kernel/testing/isolate.ts";

isolate(import.meta.url);

import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { after, afterEach, before, describe, test } from "node:test";
import type { Sandbox } from "./networks.ts";
import { addressOf, inside, sandboxRequest, type TestHost, testHost } from "./testing/host.ts";

const silence = 300;
/** Off, it is the bridge alone that keeps its ports apart. */
const bridgeFilter = "/proc/sys/net/bridge/bridge-nf-call-iptables";

describe("networks of a user's own", () => {
  let host: TestHost;
  const joined: Sandbox[] = [];
  before(async () => {
    host = await testHost();
  });
  after(() => host.end());
  afterEach(async () => {
    for (const sandbox of joined.splice(0)) await host.networks.leave(host.op, sandbox);
    for (const { name, driver, id } of host.networks.list()) {
      if (driver === "bridge" && name !== "bridge") await host.networks.remove(host.op, id);
    }
  });
  const create = (name: string, more: object = {}) => host.networks.create(host.op, { name, ...more });
  const on = async (name: string, ...networks: string[]): Promise<Sandbox> => {
    const endpoints = networks.map((network) => ({ network }));
    const sandbox = await host.join(name, [], { endpoints });
    joined.push(sandbox);
    return sandbox;
  };

  test("get the next free pool, a bridge, and keep their records", async () => {
    const network = await create("n1", { labels: { a: "b" } });
    assert.deepEqual(network.ipam.config, [{ subnet: "172.18.0.0/16", gateway: "172.18.0.1" }]);
    assert.match(await inside(undefined, "ip", "addr", "show", `br-${network.id.slice(0, 12)}`), /172\.18\.0\.1\/16/);
    assert.equal(host.networks.get(network.id.slice(0, 5)).name, "n1");
    const sandbox = await on("a", "n1");
    assert.equal(sandbox.endpoints[0]?.ipv4, "172.18.0.2/16");
    assert.deepEqual(sandbox.endpoints[0]?.dnsNames, ["a", sandbox.id.slice(0, 12)]);
  });

  test("are refused in Docker's words", async () => {
    await create("n1");
    for (const [request, kind, message] of [
      [{ name: "" }, "invalid", "invalid name: name is empty"],
      [{ name: "bridge" }, "forbidden", "operation is not permitted on predefined bridge network "],
      [{ name: "n1" }, "conflict", "network with name n1 already exists"],
      [{ name: "x", driver: "foo" }, "notFound", 'plugin "foo" not found'],
      [{ name: "x", driver: "host" }, "forbidden", 'only one instance of "host" network is allowed'],
      [{ name: "x", driver: "macvlan" }, "notImplemented", /macvlan/],
      [{ name: "x", enableIPv6: true }, "notImplemented", /IPv6/],
      [{ name: "x", enableIPv4: false }, "invalid", "IPv4 or IPv6 must be enabled"],
      [{ name: "x", ipam: { driver: "foo", config: [] } }, "notFound", 'plugin "foo" not found'],
      [{ name: "x", ipam: { driver: "default", config: [{ subnet: "172.17.0.0/24" }] } }, "forbidden", /overlaps/],
      [
        { name: "x", options: { "com.docker.network.bridge.enable_icc": "foo" } },
        "invalid",
        /ParseBool: parsing "foo"/,
      ],
      [{ name: "x", options: { "com.docker.network.bridge.name": "keelson0" } }, "conflict", /same bridge name/],
    ] as const) {
      await assert.rejects(host.networks.create(host.op, request), { kind, message });
    }
    await assert.rejects(host.networks.remove(host.op, "bridge"), {
      kind: "forbidden",
      message: "bridge is a pre-defined network and cannot be removed",
    });
    await assert.rejects(host.networks.remove(host.op, "nope"), {
      kind: "notFound",
      message: "network nope not found",
    });
  });

  test("give the address and the MAC that are asked for", async () => {
    await create("n3", { ipam: { driver: "default", config: [{ subnet: "10.1.0.0/16", ipRange: "10.1.5.0/24" }] } });
    const endpoints = [{ network: "n3", ipv4: "10.1.0.9", mac: "02:AA:00:00:00:01" }];
    const sandbox = await host.join("x", [], { endpoints });
    joined.push(sandbox);
    const shown = await inside(sandbox.namespace, "ip", "addr", "show", "eth0");
    assert.match(shown, /10\.1\.0\.9\/16/);
    assert.match(shown, /02:aa:00:00:00:01/);
    await assert.rejects(host.join("y", [], { endpoints }), {
      message: "failed to set up container networking: Address already in use",
    });
    assert.throws(() => host.networks.check(sandboxRequest("y", { endpoints: [{ network: "n3", ipv4: "1.2.3.4" }] })), {
      kind: "invalid",
      message:
        "invalid config for network n3: invalid endpoint settings:\nno configured subnet or ip-range contain the IP address 1.2.3.4",
    });
    assert.throws(
      () => host.networks.check(sandboxRequest("y", { endpoints: [{ network: "bridge", ipv4: "1.2.3.4" }] })),
      {
        message: /user specified IP address is supported on user defined networks only/,
      },
    );
  });

  test("are apart from each other, but for published ports", async () => {
    await create("n1");
    await create("n2");
    const server = await host.join("server", [{ containerPort: 80, protocol: "tcp", hostPort: 8080 }], {
      endpoints: [{ network: "n1" }],
    });
    joined.push(server);
    const [near, far] = [await on("near", "n1"), await on("far", "n2")];
    await host.peer(server.namespace).serve("tcp", 80);
    const [inNear, inFar] = [host.peer(near.namespace), host.peer(far.namespace)];
    assert.match(await inNear.ask("tcp", addressOf(server), 80), /hello/);
    assert.equal(await inFar.ask("tcp", addressOf(server), 80, "hello", silence), "timeout");
    assert.match(await inFar.ask("tcp", "172.17.0.1", 8080), /hello/);
  });

  test("without icc keep their containers apart, but for published ports", async () => {
    if (existsSync(bridgeFilter)) writeFileSync(bridgeFilter, "0");
    await create("n1", { options: { "com.docker.network.bridge.enable_icc": "false" } });
    const [a, b] = [await on("a", "n1"), await on("b", "n1")];
    await host.peer(a.namespace).serve("tcp", 80);
    assert.match(await host.peer(undefined).ask("tcp", addressOf(a), 80), /hello/);
    assert.equal(await host.peer(b.namespace).ask("tcp", addressOf(a), 80, "hello", silence), "timeout");
  });

  test("that are internal have no way out and none in", async () => {
    const internet = await host.neighbour("internet", "192.0.2.1/24", "192.0.2.2/24");
    await host.peer(internet).serve("tcp", 7000);
    await create("inner", { internal: true });
    const [a, b] = [await on("a", "inner"), await on("b", "inner")];
    await host.peer(a.namespace).serve("tcp", 80);
    const inB = host.peer(b.namespace);
    assert.match(await inB.ask("tcp", addressOf(a), 80), /hello/);
    assert.equal(a.endpoints[0]?.gateway4, undefined);
    assert.equal(await inB.ask("tcp", "192.0.2.2", 7000), "ENETUNREACH");
    const gateway = host.networks.get("inner").ipam.config[0]!.gateway!;
    await inside(b.namespace, "ip", "route", "add", "default", "via", gateway);
    await inside(internet, "ip", "route", "add", "172.16.0.0/12", "via", "192.0.2.1");
    assert.equal(await inB.ask("tcp", "192.0.2.2", 7000, "hello", silence), "timeout");
  });

  test("are joined and left by a running container; routes, hosts file and ports follow", async () => {
    await create("n1");
    await create("zz");
    const ports = [{ containerPort: 80, protocol: "tcp", hostPort: 8080 } as const];
    const first = await host.join("c", ports, { endpoints: [{ network: "zz" }] });
    joined.push(first);
    await host.peer(first.namespace).serve("tcp", 80);
    const onHost = host.peer(undefined);
    const gateway = async () => /default via (\S+)/.exec(await inside(first.namespace, "ip", "route"))?.[1];
    assert.equal(await gateway(), "172.19.0.1");
    const both = await host.networks.connect(host.op, first, { network: "n1" });
    assert.equal(both.endpoints[1]?.ifname, "eth1");
    assert.match(both.hostsFile, /172\.19\.0\.2\tc\n172\.18\.0\.2\tc\n$/);
    assert.equal(await gateway(), "172.18.0.1", "the first network by name has the default route");
    assert.match(
      await inside(undefined, "nft", "list", "map", "inet", "keelson", "ports_any"),
      /: 172\.18\.0\.2 \. 80/,
    );
    assert.match(await onHost.ask("tcp", "127.0.0.1", 8080), /hello/);
    assert.match(await onHost.ask("tcp", "::1", 8080), /hello/);
    await assert.rejects(host.networks.connect(host.op, both, { network: "n1" }), {
      kind: "forbidden",
      message: "endpoint with name c already exists in network n1",
    });
    await assert.rejects(host.networks.remove(host.op, "n1"), {
      kind: "forbidden",
      message: /^error while removing network: network n1 has active endpoints \(name:"c" id:"[0-9a-f]{12}"\)$/,
    });
    const back = await host.networks.disconnect(host.op, both, "n1");
    assert.equal(await gateway(), "172.19.0.1");
    assert.equal(back.hostsFile, first.hostsFile);
    assert.match(await onHost.ask("tcp", "127.0.0.1", 8080), /hello/);
    await assert.rejects(host.networks.disconnect(host.op, back, "n1"), { message: /is not connected to network n1/ });
    const actions = host.events.replay().filter(({ actor }) => actor.attributes["name"] === "n1");
    assert.deepEqual(
      actions.slice(-3).map(({ action }) => action),
      ["create", "connect", "disconnect"],
    );
    assert.deepEqual(actions.at(-1)?.actor.attributes, { container: first.id, name: "n1", type: "bridge" });
  });
});
