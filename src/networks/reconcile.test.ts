import { isolate } from "../kernel/testing/isolate.ts";

isolate(import.meta.url);

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { addressOf, inside, type TestHost, testHost } from "./testing/host.ts";

const published = (hostPort: number) => [{ containerPort: 80, protocol: "tcp", hostPort } as const];

describe("an engine that starts again", () => {
  let host: TestHost;
  before(async () => {
    host = await testHost();
  });
  after(() => host.end());
  const links = async () => (await host.kernel.links()).map(({ name }) => name);
  const elements = async () => (await host.kernel.nftRead("keelson", "ports_any"))?.length;

  test("keeps the live, removes the rest, and leaves alone what is not its own", async () => {
    const ids = host.networks.list().map(({ id }) => id);
    await host.networks.create(host.op, { name: "mine" });
    const live = await host.join("live", published(8080), { endpoints: [{ network: "mine" }] });
    const dead = await host.join("dead", published(8081));
    const half = await host.join("half");
    const onHost = host.peer(undefined);
    await host.peer(live.namespace).serve("tcp", 80);
    await host.kernel.network([
      { op: "addBridge", name: "docker0" },
      { op: "addBridge", name: "kl00000000000" },
    ]);
    const crashed = host.networks;

    // The ports' sockets end with the process; here they end by hand.
    await crashed.close();
    await inside(undefined, "nft", "add element inet keelson ports_any { tcp . 9999 : 172.17.0.77 . 80 }");
    assert.match(await onHost.ask("tcp", "127.0.0.1", 8080), /hello/, "DNAT goes on without an engine");

    const networks = await host.open();
    await networks.reconcile(host.op, [live]);
    assert.deepEqual(
      ids.every((id) => networks.list().some((network) => network.id === id)),
      true,
    );
    assert.match(await onHost.ask("tcp", "127.0.0.1", 8080), /hello/);
    assert.match(await onHost.ask("tcp", "::1", 8080), /hello/, "the engine's sockets are back");
    assert.equal(await elements(), 1);
    assert.deepEqual(
      [dead, half, live].map(({ namespace }) => existsSync(namespace!)),
      [false, false, true],
    );
    const left = await links();
    for (const { endpoints } of [dead, half]) assert.ok(!left.includes(endpoints[0]!.hostIfname!));
    for (const name of [live.endpoints[0]!.hostIfname!, "docker0", "kl00000000000"])
      assert.ok(left.includes(name), name);

    await assert.rejects(host.join("thief", published(8080)), /held by container live/);
    const next = await host.join("next", [], { endpoints: [{ network: "mine" }] });
    assert.equal(next.endpoints[0]?.ipv4, "172.18.0.3/16", "the live one's address is taken");
    await networks.leave(host.op, next);
    await networks.leave(host.op, live);
    await networks.remove(host.op, "mine");
    assert.equal(await elements(), 0);
  });

  test("mends links, bridges and the table", async () => {
    const live = await host.join("live", published(8080));
    await host.peer(live.namespace).serve("tcp", 80);
    await inside(undefined, "ip", "link", "delete", "keelson0");
    await inside(undefined, "nft", "delete table inet keelson");
    await host.networks.reconcile(host.op, [live]);
    const onHost = host.peer(undefined);
    assert.match(await onHost.ask("tcp", "127.0.0.1", 8080), /hello/);
    await host.networks.leave(host.op, live);
    await host.networks.leave(host.op, live);
  });

  test("changes the table as a whole, twice the same", async () => {
    const list = () => inside(undefined, "nft", "-s", "list", "table", "inet", "keelson");
    const one = await list();
    await host.networks.reconcile(host.op, []);
    assert.equal(await list(), one);
  });
});

describe("two engines on one host", () => {
  test("have a bridge, a subnet and a table each, and tell who has a port", async () => {
    const [one, two] = [await testHost({ bridge: "kltest2" }), await testHost({ bridge: "kltest3" })];
    try {
      const web = await one.join("web", published(8080));
      await one.peer(web.namespace).serve("tcp", 80);
      const other = await two.join("other", published(8081));
      assert.notEqual(web.endpoints[0]?.gateway4, other.endpoints[0]?.gateway4);
      const inOther = two.peer(other.namespace);
      assert.match(await inOther.ask("tcp", web.endpoints[0]!.gateway4!, 8080), /hello/);
      assert.equal(await inOther.ask("tcp", addressOf(web), 80, "hello", 300), "timeout");
      const busy = new RegExp(
        `port is already allocated: address already in use \\(held by process ${process.pid} node\\)`,
      );
      await assert.rejects(two.join("late", published(8080)), busy);
      await two.networks.reconcile(two.op, []);
      assert.match(await one.peer(undefined).ask("tcp", "127.0.0.1", 8080), /hello/);
    } finally {
      await one.end();
      await two.end();
    }
  });
});

describe("the default bridge", () => {
  test("keeps clear of the host's routes, keeps its subnet, and obeys bip", async () => {
    await inside(undefined, "ip", "route", "add", "172.17.0.0/16", "dev", "lo");
    const host = await testHost({ bridge: "kltest1" });
    const subnet = () => host.networks.get("bridge").ipam.config[0]?.subnet;
    try {
      assert.equal(subnet(), "172.18.0.0/16");
      assert.match(await inside(undefined, "nft", "list", "tables"), /table inet keelson-kltest1\n/);
      await inside(undefined, "ip", "route", "del", "172.17.0.0/16", "dev", "lo");
      await host.open({ bridge: "kltest1" });
      assert.equal(subnet(), "172.18.0.0/16");
      await host.open({ bridge: "kltest1", bip: "10.7.0.1/24" });
      await host.networks.reconcile(host.op, []);
      assert.equal(subnet(), "10.7.0.0/24");
      const shown = await inside(undefined, "ip", "-4", "addr", "show", "kltest1");
      assert.match(shown, /10\.7\.0\.1\/24/);
      assert.doesNotMatch(shown, /172\.18/);
    } finally {
      await host.end();
    }
  });
});
