import { isolate } from "../kernel/testing/isolate.ts";

isolate(import.meta.url);

import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { Operation } from "../base/operation.ts";
import type { Sandbox } from "./networks.ts";
import { addressOf, inside, sandboxRequest, type TestHost, testHost } from "./testing/host.ts";

describe("a container's sandbox", () => {
  let host: TestHost;
  before(async () => {
    host = await testHost();
    const paths = { hosts: join(host.folder, "hosts"), resolvConf: join(host.folder, "resolv.conf") };
    writeFileSync(paths.hosts, "127.0.0.1 localhost\n192.0.2.9 printer\n");
    writeFileSync(paths.resolvConf, "nameserver 127.0.0.1\nnameserver 10.0.0.53\n");
    await host.open({ hostFiles: paths });
  });
  after(() => host.end());
  const leave = (sandbox: Sandbox) => host.networks.leave(host.op, sandbox);
  const rules = () => inside(undefined, "nft", "-s", "-t", "list", "table", "inet", "keelson");

  test("on the bridge has eth0, an address, a default route and no IPv6 on it", async () => {
    const sandbox = await host.join("web", [], { domainname: "example.com", extraHosts: ["gw:host-gateway"] });
    const { namespace } = sandbox;
    const [endpoint] = sandbox.endpoints;
    const links = await host.kernel.links(namespace);
    assert.deepEqual(
      links.map(({ name, mac, mtu, up }) => ({ name, mac, mtu, up })),
      [
        { name: "lo", mac: "00:00:00:00:00:00", mtu: 65536, up: true },
        { name: "eth0", mac: endpoint?.mac, mtu: 1500, up: true },
      ],
    );
    const addresses = (await host.kernel.addresses(namespace)).filter(({ scope }) => scope !== "host");
    assert.deepEqual(
      addresses.map(({ address }) => address),
      ["172.17.0.2/16"],
    );
    const routes = await host.kernel.routes(namespace);
    assert.equal(routes.find(({ to }) => to === "0.0.0.0/0")?.via, "172.17.0.1");
    assert.match(sandbox.hostsFile, /ip6-allrouters\n172\.17\.0\.1\tgw\n172\.17\.0\.2\tweb\.example\.com web\n$/);
    assert.match(sandbox.resolvConf, /^nameserver 10\.0\.0\.53$/m);
    assert.equal(JSON.stringify(JSON.parse(JSON.stringify(sandbox))), JSON.stringify(sandbox), "it is plain data");
    await leave(sandbox);
    assert.ok(!existsSync(namespace!));
    await leave(sandbox);
  });

  test("of mode host has no namespace, the host's files, and publishes nothing", async () => {
    const ports = [{ containerPort: 80, protocol: "tcp", hostPort: 8080 } as const];
    const sandbox = await host.join("h", ports, { mode: { kind: "host" }, endpoints: [], extraHosts: ["a:1.2.3.4"] });
    assert.deepEqual([sandbox.kind, sandbox.namespace, sandbox.ports], ["host", undefined, []]);
    assert.deepEqual(
      sandbox.endpoints.map(({ networkName, ipv4 }) => [networkName, ipv4]),
      [["host", undefined]],
    );
    assert.equal(sandbox.hostsFile, "127.0.0.1 localhost\n192.0.2.9 printer\n1.2.3.4\ta\n");
    assert.equal(sandbox.resolvConf, "nameserver 127.0.0.1\nnameserver 10.0.0.53\n");
    assert.equal(host.networks.endpoints(host.networks.get("host").id)[0]?.containerName, "h");
    await assert.rejects(host.networks.connect(host.op, sandbox, { network: "bridge" }), { kind: "invalid" });
    await leave(sandbox);
    assert.deepEqual(host.networks.endpoints(host.networks.get("host").id), []);
  });

  test("of mode none has lo and nothing else", async () => {
    const sandbox = await host.join("n", [], { mode: { kind: "none" }, endpoints: [] });
    assert.deepEqual(
      (await host.kernel.links(sandbox.namespace)).map(({ name }) => name),
      ["lo"],
    );
    assert.deepEqual(
      sandbox.endpoints.map(({ networkName }) => networkName),
      ["none"],
    );
    await assert.rejects(host.networks.connect(host.op, sandbox, { network: "bridge" }), {
      message: "container cannot be connected to multiple networks with one of the networks in private (none) mode",
    });
    await leave(sandbox);
  });

  test("of another container is shared with its files, and its end leaves it alone", async () => {
    const first = await host.join("first");
    const mode = { kind: "container", sandbox: first } as const;
    const second = await host.join("second", [], { mode, endpoints: [] });
    assert.deepEqual([second.kind, second.namespace], ["container", first.namespace]);
    assert.deepEqual([second.hostsFile, second.resolvConf], [first.hostsFile, first.resolvConf]);
    await leave(second);
    assert.ok(existsSync(first.namespace!));
    await leave(first);
    await assert.rejects(host.join("third", [], { mode, endpoints: [] }), /namespace of container .* is gone/);
  });

  test("that cannot be made leaves nothing behind", async () => {
    await host.join("holder", [{ containerPort: 80, protocol: "tcp", hostPort: 8080 }]);
    const before = await rules();
    const wanted = [
      { containerPort: 81, protocol: "tcp", hostPort: 8081 },
      { containerPort: 80, protocol: "tcp", hostPort: 8080 },
    ] as const;
    await assert.rejects(host.join("late", wanted), {
      kind: "system",
      message:
        /^failed to set up container networking: driver failed programming external connectivity on endpoint late \([0-9a-f]{64}\): Bind for 0\.0\.0\.0:8080 failed: port is already allocated \(held by container holder\)$/,
    });
    const aborted = new AbortController();
    const halfway = host.networks.join(new Operation("test", aborted.signal), sandboxRequest("gone"));
    aborted.abort();
    await assert.rejects(halfway, { kind: "cancelled" });
    await assert.rejects(host.join("nowhere", [], { endpoints: [{ network: "nope" }] }), {
      kind: "notFound",
      message: "failed to set up container networking: network nope not found",
    });
    assert.equal(await rules(), before);
    const { id } = host.networks.get("bridge");
    assert.deepEqual(
      host.networks.endpoints(id).map(({ containerName }) => containerName),
      ["holder"],
    );
    assert.equal((await readdir(join(host.runRoot, "netns"))).length, 1);
    const free = await host.join("free", [{ containerPort: 80, protocol: "tcp", hostPort: 8081 }]);
    await leave(free);
  });

  test("gives its address back only when its link is gone", async () => {
    const first = await host.join("first");
    const user = host.peer(first.namespace);
    await user.serve("tcp", 80);
    await leave(first);
    const second = await host.join("second");
    assert.notEqual(addressOf(second), addressOf(first), "a process still has the first one's namespace");
    await user.stop();
    await leave(second);
  });

  test("of a container that starts again, or that asks for it, has the address of the one that left", async () => {
    const request = sandboxRequest("again");
    const first = await host.networks.join(host.op, request);
    await leave(first);
    const second = await host.networks.join(host.op, request);
    assert.equal(addressOf(second), addressOf(first));
    await leave(second);
    const pool = { subnet: "10.9.0.0/30", gateway: "10.9.0.1" };
    await host.networks.create(host.op, { name: "small", ipam: { driver: "default", config: [pool] } });
    for (const ipv4 of [undefined, "10.9.0.2", undefined]) {
      const sandbox = await host.join("one", [], { endpoints: [{ network: "small", ...(ipv4 ? { ipv4 } : {}) }] });
      assert.equal(addressOf(sandbox), "10.9.0.2");
      await assert.rejects(host.join("two", [], { endpoints: [{ network: "small" }] }), { kind: "exhausted" });
      const answers = host.peer(sandbox.namespace);
      await answers.serve("tcp", 80);
      assert.match(await host.peer(undefined).ask("tcp", "10.9.0.2", 80), /hello/);
      await answers.stop();
      await leave(sandbox);
    }
    await host.networks.remove(host.op, "small");
  });

  test("with a thousand ports adds elements, not rules, with one change of the firewall", async () => {
    const before = await rules();
    let changes = 0;
    const counted = {
      ...host.kernel,
      nftElements: (...args: Parameters<typeof host.kernel.nftElements>) => {
        changes++;
        return host.kernel.nftElements(...args);
      },
    };
    await host.networks.close();
    await host.open({ kernel: counted });
    await host.networks.reconcile(host.op, []);
    const ports = Array.from({ length: 1000 }, (_, index) => ({
      containerPort: 1000 + index,
      protocol: "tcp" as const,
      hostPort: 10000 + index,
    }));
    const sandbox = await host.join("many", ports);
    assert.equal(sandbox.ports.length, 2000);
    assert.equal(changes, 1);
    assert.equal((await host.kernel.nftRead("keelson", "ports_any"))?.length, 1000);
    assert.equal(await rules(), before, "elements aside, the table is what it was");
    await host.peer(sandbox.namespace).serve("tcp", 1999);
    assert.match(await host.peer(undefined).ask("tcp", "127.0.0.1", 10999), /hello/);
    await host.networks.leave(host.op, sandbox);
    assert.equal((await host.kernel.nftRead("keelson", "ports_any"))?.length, 0);
  });
});
