import { isolate } from "../kernel/testing/isolate.ts";

isolate(import.meta.url);

import assert from "node:assert/strict";
import { existsSync, writeFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import type { Sandbox } from "./networks.ts";
import { addressOf, inside, type TestHost, testHost } from "./testing/host.ts";
import type { Peer } from "./testing/peer.ts";

/** How long a test waits for an answer that must not come, in milliseconds. */
const silence = 400;

/** With br_netfilter, packets between the ports of a bridge pass the firewall, too; without it, those that are routed. */
const sysctl = "/proc/sys/net/bridge/bridge-nf-call-iptables";
const modes = existsSync(sysctl) ? ["0", "1"] : ["absent"];

for (const mode of modes) {
  describe(`what reaches a container on the default bridge (br_netfilter ${mode})`, () => {
    let host: TestHost;
    let web: Sandbox;
    let other: Sandbox;
    let inWeb: Peer;
    let inOther: Peer;
    let onHost: Peer;
    let inInternet: Peer;
    let inLan: Peer;
    let lan: string;

    before(async () => {
      if (mode !== "absent") writeFileSync(sysctl, mode);
      host = await testHost();
      const internet = await host.neighbour("internet", "192.0.2.1/24", "192.0.2.2/24");
      lan = await host.neighbour("lan", "10.99.0.1/24", "10.99.0.2/24");
      web = await host.join("web", [
        { containerPort: 80, protocol: "tcp", hostPort: 8080 },
        { containerPort: 53, protocol: "udp", hostPort: 5353 },
        { containerPort: 81, protocol: "tcp", hostIp: "127.0.0.1", hostPort: 9000 },
        { containerPort: 82, protocol: "tcp", hostIp: "192.0.2.1", hostPort: 9001 },
      ]);
      other = await host.join("other");
      inWeb = host.peer(web.namespace);
      inOther = host.peer(other.namespace);
      onHost = host.peer(undefined);
      inInternet = host.peer(internet);
      inLan = host.peer(lan);
      await inWeb.serve("tcp", 80);
      await inWeb.serve("tcp", 81);
      await inWeb.serve("tcp", 82);
      await inWeb.serve("tcp", 99);
      await inWeb.serve("udp", 53);
      await inInternet.serve("tcp", 7000);
      await inInternet.serve("udp", 7000);
    });
    after(() => host.end());

    test("containers reach each other, and the host reaches them", async () => {
      assert.equal(await inOther.ask("tcp", addressOf(web), 99), `${addressOf(other)} hello`);
      assert.match(await onHost.ask("tcp", addressOf(web), 99), /^172\.17\.0\.1 hello$/);
      assert.match(
        await inside(other.namespace, "busybox", "ping", "-c", "1", "-W", "2", addressOf(web)),
        /1 packets rec/,
      );
    });

    test("a container reaches outside under the host's address", async () => {
      assert.equal(await inWeb.ask("tcp", "192.0.2.2", 7000), "192.0.2.1 hello");
      assert.equal(await inWeb.ask("udp", "192.0.2.2", 7000), "192.0.2.1 hello");
    });

    test("published ports answer from outside, which sees itself as the source", async () => {
      assert.equal(await inInternet.ask("tcp", "192.0.2.1", 8080), "192.0.2.2 hello");
      assert.equal(await inInternet.ask("udp", "192.0.2.1", 5353), "192.0.2.2 hello");
      assert.equal(await inLan.ask("tcp", "10.99.0.1", 8080), "10.99.0.2 hello");
    });

    test("published ports answer on the host's own addresses", async () => {
      for (const address of ["127.0.0.1", "::1", "192.0.2.1", "172.17.0.1"]) {
        assert.match(await onHost.ask("tcp", address, 8080), / hello$/, `tcp ${address}`);
        assert.match(await onHost.ask("udp", address, 5353), / hello$/, `udp ${address}`);
      }
    });

    test("published ports answer another container and the container itself", async () => {
      for (const peer of [inOther, inWeb]) {
        assert.match(await peer.ask("tcp", "192.0.2.1", 8080), / hello$/);
        assert.match(await peer.ask("udp", "192.0.2.1", 5353), / hello$/);
        assert.match(await peer.ask("tcp", "172.17.0.1", 8080), / hello$/);
      }
    });

    test("a port that is published on one address answers there only", async () => {
      assert.match(await onHost.ask("tcp", "127.0.0.1", 9000), / hello$/);
      assert.match(await inInternet.ask("tcp", "192.0.2.1", 9001), / hello$/);
      assert.equal(await inInternet.ask("tcp", "192.0.2.1", 9000), "ECONNREFUSED");
      assert.equal(await inLan.ask("tcp", "10.99.0.1", 9001), "ECONNREFUSED");
    });

    test("a neighbour who routes to the containers' subnet reaches nothing", async () => {
      await inside(lan, "ip", "route", "add", "172.17.0.0/16", "via", "10.99.0.1");
      const answers = await Promise.all([
        ...[80, 81, 82, 99].map((port) => inLan.ask("tcp", addressOf(web), port, "hello", silence)),
        inLan.ask("udp", addressOf(web), 53, "hello", silence),
      ]);
      assert.deepEqual(new Set(answers), new Set(["timeout"]));
    });

    test("a container that claims a loopback address is not heard", async () => {
      const inLiar = host.peer(other.namespace);
      assert.match(await inLiar.ask("udp", "172.17.0.1", 5353), / hello$/);
      await inside(other.namespace, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/conf/eth0/route_localnet");
      await inside(other.namespace, "ip", "route", "add", "192.0.2.1", "via", "172.17.0.1", "src", "127.0.0.1");
      await onHost.serve("udp", 6001);
      assert.equal(await inLiar.ask("udp", "172.17.0.1", 6001), `${addressOf(other)} hello`);
      assert.equal(await inLiar.ask("udp", "192.0.2.1", 6001, "hello", silence), "timeout");
      assert.deepEqual(await onHost.heard(), [addressOf(other)]);
    });

    test("neither a neighbour nor a container reaches a loopback address of the host", async () => {
      await onHost.serve("tcp", 6000);
      assert.match(await onHost.ask("tcp", "127.0.0.1", 6000), / hello$/);
      for (const [namespace, link, via, peer] of [
        [lan, "wire", "10.99.0.1", inLan],
        [other.namespace!, "eth0", "172.17.0.1", inOther],
      ] as const) {
        await inside(namespace, "sh", "-c", `echo 1 > /proc/sys/net/ipv4/conf/${link}/route_localnet`);
        await inside(namespace, "ip", "addr", "flush", "dev", "lo");
        await inside(namespace, "ip", "route", "flush", "table", "local", "127.0.0.0/8").catch(() => "");
        await inside(namespace, "ip", "route", "add", "127.0.0.1", "via", via);
        const path = await inside(namespace, "ip", "route", "get", "127.0.0.1");
        assert.match(path, new RegExp(`via ${via}`), "the attack leaves by the wire");
        const asked = [6000, 9000, 8080].map((port) => peer.ask("tcp", "127.0.0.1", port, "hello", silence));
        assert.deepEqual(await Promise.all(asked), ["timeout", "timeout", "timeout"], link);
      }
    });
  });
}
