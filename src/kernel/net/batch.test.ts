import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { isKind } from "../../base/errors.ts";
import type { NetworkOperation } from "../kernel.ts";
import { openKernel } from "../open.ts";
import { isolate } from "../testing/isolate.ts";
import { json, output, temporaryFolder } from "../testing/temporary.ts";

isolate(import.meta.url);

const folder = temporaryFolder("network");
const kernel = await openKernel();
after(() => kernel.close());

let made = 0;
/** A namespace of the test's own; it ends with the mount namespace of this file. */
async function namespace(): Promise<string> {
  const path = join(folder, `ns${made++}`);
  await kernel.createNetworkNamespace(path);
  return path;
}

const names = (at?: string): string[] => json(at, "ip", "-j", "link").map((link: { ifname: string }) => link.ifname);

/** What a batch can change of the links whose names match, as `ip` sees them. */
function described(at: string | undefined, pattern: RegExp): unknown[] {
  return json(at, "ip", "-j", "-d", "addr")
    .filter((link: { ifname: string }) => pattern.test(link.ifname))
    .map(({ ifname, flags, mtu, address, master, addr_info, linkinfo }: Record<string, unknown>) => {
      const { info_slave_kind } = linkinfo as Record<string, unknown>;
      return { ifname, flags, mtu, address, master, addr_info, info_slave_kind };
    });
}

async function fails(operations: readonly NetworkOperation[], message: RegExp, errno: string): Promise<void> {
  await assert.rejects(kernel.network(operations), (error) => {
    assert.ok(isKind(error, "system"), String(error));
    assert.match(error.message, message);
    assert.equal(error.fields.errno, errno);
    return true;
  });
}

test("a container's sandbox, in one batch", async () => {
  const inside = await namespace();
  await kernel.network([
    { op: "addBridge", name: "br-box", mtu: 1400, mac: "02:00:00:00:00:01" },
    { op: "addAddress", link: "br-box", address: "172.30.0.1/16" },
    { op: "setLink", name: "br-box", up: true },
    {
      op: "addVeth",
      name: "vethbox",
      mtu: 1400,
      mac: "02:00:00:00:00:02",
      master: "br-box",
      up: true,
      peer: { name: "eth0", namespace: inside, mac: "02:42:ac:1e:00:02", up: true },
    },
    { op: "addAddress", namespace: inside, link: "eth0", address: "172.30.0.2/16" },
    { op: "addAddress", namespace: inside, link: "eth0", address: "fd00:1::2/64", noDad: true },
    { op: "addRoute", namespace: inside, to: "default", via: "172.30.0.1" },
    { op: "addRoute", namespace: inside, to: "default", via: "fd00:1::1" },
    { op: "addRoute", namespace: inside, to: "10.9.0.0/16", link: "eth0", source: "172.30.0.2", metric: 77 },
    { op: "addNeighbour", namespace: inside, link: "eth0", address: "172.30.0.9", mac: "02:00:00:00:00:09" },
    { op: "sysctl", namespace: inside, path: "net/ipv4/ip_unprivileged_port_start", value: "0" },
    { op: "sysctl", namespace: inside, path: "net/ipv4/there_is_none", value: "1", optional: true },
  ]);

  const [bridge] = json(undefined, "ip", "-j", "-d", "link", "show", "br-box");
  assert.equal(bridge.linkinfo.info_kind, "bridge");
  assert.equal(bridge.mtu, 1400);
  assert.equal(bridge.address, "02:00:00:00:00:01");
  const [host] = json(undefined, "ip", "-j", "link", "show", "vethbox");
  assert.equal(host.master, "br-box");
  assert.ok(host.flags.includes("UP"));
  assert.equal(host.address, "02:00:00:00:00:02");

  const [peer] = json(inside, "ip", "-j", "addr", "show", "eth0");
  assert.equal(peer.address, "02:42:ac:1e:00:02");
  assert.equal(peer.mtu, 1400);
  assert.ok(peer.flags.includes("UP"));
  const v4 = peer.addr_info.find((one: { local: string }) => one.local === "172.30.0.2");
  assert.deepEqual([v4.prefixlen, v4.broadcast, v4.scope], [16, "172.30.255.255", "global"]);
  const v6 = peer.addr_info.find((one: { local: string }) => one.local === "fd00:1::2");
  assert.deepEqual([v6.nodad, v6.tentative], [true, undefined]);

  const routes = json(inside, "ip", "-j", "route");
  assert.equal(routes.find((one: { dst: string }) => one.dst === "default").gateway, "172.30.0.1");
  const own = routes.find((one: { dst: string }) => one.dst === "10.9.0.0/16");
  assert.deepEqual([own.dev, own.scope, own.prefsrc, own.metric], ["eth0", "link", "172.30.0.2", 77]);
  const [v6default] = json(inside, "ip", "-j", "-6", "route", "show", "default");
  assert.equal(v6default.gateway, "fd00:1::1");
  const [neighbour] = json(inside, "ip", "-j", "neigh", "show", "172.30.0.9");
  assert.deepEqual([neighbour.lladdr, neighbour.state], ["02:00:00:00:00:09", ["PERMANENT"]]);
  const start = output("nsenter", `--net=${inside}`, "cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start");
  assert.equal(start.trim(), "0");
  assert.equal(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8").trim(), "1024");

  const read = await kernel.links(inside);
  const eth0 = read.find((link) => link.name === "eth0");
  assert.deepEqual(eth0 && { ...eth0, index: 0 }, {
    index: 0,
    name: "eth0",
    kind: "veth",
    mac: "02:42:ac:1e:00:02",
    mtu: 1400,
    up: true,
  });
  const port = (await kernel.links()).find((link) => link.name === "vethbox");
  assert.equal(port?.master, bridge.ifindex);
  const addresses = (await kernel.addresses(inside)).filter((one) => one.link === eth0?.index);
  assert.ok(addresses.some((one) => one.address === "172.30.0.2/16" && one.scope === "global"));
  assert.ok(addresses.some((one) => one.address === "fd00:1::2/64" && one.scope === "global"));
  const table = await kernel.routes(inside);
  assert.ok(table.some((one) => one.to === "0.0.0.0/0" && one.via === "172.30.0.1" && one.table === 254));
  assert.ok(table.some((one) => one.to === "::/0" && one.via === "fd00:1::1"));
  assert.ok(table.some((one) => one.to === "10.9.0.0/16" && one.source === "172.30.0.2" && one.metric === 77));
});

test("a failing operation takes back all that was done before it", async () => {
  const inside = await namespace();
  await kernel.network([{ op: "addBridge", name: "br-keep", mac: "02:00:00:00:00:05" }]);
  await kernel.network([{ op: "addVeth", name: "vkeep", peer: { name: "eth9", namespace: inside } }]);
  const state = () => [described(undefined, /keep$|gone$|^vother$/), described(inside, /^eth|gone$/)];
  const before = state();
  await fails(
    [
      { op: "addBridge", name: "br-gone" },
      {
        op: "setLink",
        name: "vkeep",
        rename: "vother",
        mtu: 1300,
        mac: "02:00:00:00:00:77",
        master: "br-keep",
        hairpin: true,
      },
      {
        op: "addVeth",
        name: "vgone",
        master: "br-gone",
        up: true,
        peer: { name: "eth0", namespace: inside, up: true },
      },
      { op: "addMacvlan", name: "mgone", parent: "br-gone", mode: "bridge", into: inside },
      { op: "addAddress", namespace: inside, link: "eth9", address: "10.4.0.1/24" },
      { op: "setLink", namespace: inside, name: "eth9", up: true },
      { op: "addRoute", namespace: inside, to: "10.5.0.0/24", via: "10.4.0.2" },
      { op: "addNeighbour", namespace: inside, link: "eth9", address: "10.4.0.7", mac: "02:00:00:00:00:07" },
      { op: "sysctl", namespace: inside, path: "net/ipv4/ip_default_ttl", value: "33" },
      { op: "addRoute", namespace: inside, to: "10.6.0.0/24", via: "10.99.0.1" },
    ],
    /^add route 10\.6\.0\.0\/24 via 10\.99\.0\.1: Network is unreachable \(ENETUNREACH\): Nexthop has invalid gateway$/,
    "ENETUNREACH",
  );
  assert.deepEqual(state(), before);
  assert.deepEqual(json(inside, "ip", "-j", "route"), []);
  assert.deepEqual(json(inside, "ip", "-j", "neigh", "show", "nud", "permanent"), []);
  assert.equal(output("nsenter", `--net=${inside}`, "cat", "/proc/sys/net/ipv4/ip_default_ttl").trim(), "64");
});

test("a name that is taken is EEXIST, and stays with existing: keep", async () => {
  const bridge = { op: "addBridge", name: "br-twice", mac: "02:00:00:00:00:03" } as const;
  const address = { op: "addAddress", link: "br-twice", address: "10.20.0.1/24" } as const;
  await kernel.network([bridge, address]);
  await fails([bridge], /^add bridge br-twice: File exists \(EEXIST\)$/, "EEXIST");
  await fails([address], /^add address 10\.20\.0\.1\/24 to br-twice: File exists \(EEXIST\)/, "EEXIST");
  await fails(
    [
      { ...bridge, existing: "keep" },
      { ...address, existing: "keep" },
      { op: "setLink", name: "no-such-link", up: true },
    ],
    /^look up link no-such-link: No such device \(ENODEV\)/,
    "ENODEV",
  );
  const [left] = json(undefined, "ip", "-j", "addr", "show", "br-twice");
  assert.equal(left.addr_info[0].local, "10.20.0.1");
});

test("removing what is not there is no error", async () => {
  await kernel.network([{ op: "addBridge", name: "br-rm" }]);
  await kernel.network([
    { op: "removeRoute", to: "10.99.0.0/24", link: "br-rm" },
    { op: "removeAddress", link: "br-rm", address: "10.98.0.1/24" },
    { op: "removeAddress", link: "nothing", address: "10.98.0.1/24" },
    { op: "removeLink", name: "nothing" },
    { op: "removeLink", namespace: join(folder, "no-such-namespace"), name: "eth0" },
    { op: "removeLink", name: "br-rm" },
    { op: "removeLink", name: "br-rm" },
  ]);
  assert.ok(!names().includes("br-rm"));
});

test("addresses and routes are removed", async () => {
  await kernel.network([
    { op: "addBridge", name: "br-away" },
    { op: "setLink", name: "br-away", up: true },
    { op: "addAddress", link: "br-away", address: "10.30.0.1/24" },
    { op: "addRoute", to: "10.31.0.0/24", via: "10.30.0.9" },
    { op: "removeRoute", to: "10.31.0.0/24", via: "10.30.0.9" },
  ]);
  assert.ok(!(await kernel.routes()).some((route) => route.to === "10.31.0.0/24"));
  await kernel.network([{ op: "removeAddress", link: "br-away", address: "10.30.0.1/24" }]);
  assert.ok(!(await kernel.addresses()).some((one) => one.address === "10.30.0.1/24"));
});

test("ports of a bridge: hairpin, isolation, leaving it", async () => {
  const inside = await namespace();
  await kernel.network([
    { op: "addBridge", name: "br-port" },
    { op: "addVeth", name: "vport", peer: { name: "eth0", namespace: inside } },
    { op: "setLink", name: "vport", master: "br-port", hairpin: true, isolated: true, up: true },
  ]);
  const port = () => json(undefined, "ip", "-j", "-d", "link", "show", "vport")[0];
  const { hairpin, isolated } = port().linkinfo.info_slave_data;
  assert.deepEqual([hairpin, isolated], [true, true]);
  await kernel.network([{ op: "setLink", name: "vport", master: null, up: false }]);
  assert.equal(port().master, undefined);
  assert.ok(!port().flags.includes("UP"));
});

test("a macvlan is made inside its namespace", async () => {
  const [inside, other] = [await namespace(), await namespace()];
  await kernel.network([
    { op: "addVeth", name: "vparent", up: true, peer: { name: "eth0", namespace: other, up: true } },
    {
      op: "addMacvlan",
      name: "eth1",
      parent: "vparent",
      mode: "private",
      mac: "02:00:00:00:00:aa",
      mtu: 1300,
      into: inside,
    },
    { op: "setLink", namespace: inside, name: "eth1", rename: "eth0" },
  ]);
  const [link] = json(inside, "ip", "-j", "-d", "link", "show", "eth0");
  assert.equal(link.linkinfo.info_kind, "macvlan");
  assert.equal(link.linkinfo.info_data.mode, "private");
  assert.deepEqual([link.address, link.mtu], ["02:00:00:00:00:aa", 1300]);
  assert.ok(!names().includes("eth1"));
});

test("names that the kernel would cut or fill in are refused", async () => {
  for (const name of ["", "a-name-that-is-too-long", "a/b", "eth%d", "a b"]) {
    await fails([{ op: "addBridge", name }], /Invalid argument \(EINVAL\)/, "EINVAL");
  }
});

test("a namespace that is none is a clear error", async () => {
  const missing = join(folder, "missing");
  await fails(
    [{ op: "addAddress", namespace: missing, link: "eth0", address: "10.0.0.1/8" }],
    /^open network namespace .*missing: No such file or directory \(ENOENT\)$/,
    "ENOENT",
  );
  await fails([{ op: "addAddress", namespace: "/dev/null", link: "lo", address: "10.0.0.1/8" }], /EINVAL/, "EINVAL");
  // The worker is at home again.
  assert.deepEqual(names().slice(0, 1), ["lo"]);
  assert.ok((await kernel.links()).some((link) => link.name === "br-keep"));
});

test("a sysctl that does not exist is an error unless optional", async () => {
  await fails(
    [{ op: "sysctl", path: "net/ipv4/there_is_none", value: "1" }],
    /^set sysctl net\/ipv4\/there_is_none/,
    "ENOENT",
  );
});

test("a hundred sandboxes at once", async () => {
  await kernel.network([
    { op: "addBridge", name: "br-many" },
    { op: "addAddress", link: "br-many", address: "10.50.0.1/16" },
    { op: "setLink", name: "br-many", up: true },
  ]);
  const paths = Array.from({ length: 100 }, (_, i) => join(folder, `many${i}`));
  await Promise.all(
    paths.map(async (path, i) => {
      await kernel.createNetworkNamespace(path);
      await kernel.network([
        {
          op: "addVeth",
          name: `many${i}`,
          master: "br-many",
          up: true,
          peer: { name: "eth0", namespace: path, up: true },
        },
        { op: "addAddress", namespace: path, link: "eth0", address: `10.50.1.${i + 1}/16` },
        { op: "addRoute", namespace: path, to: "default", via: "10.50.0.1" },
      ]);
    }),
  );
  const ports = (await kernel.links()).filter((link) => /^many\d+$/.test(link.name));
  assert.equal(ports.length, 100);
  for (const [i, path] of paths.entries()) {
    assert.ok((await kernel.addresses(path)).some((one) => one.address === `10.50.1.${i + 1}/16`));
  }
  // The host's ends go with the namespaces.
  await Promise.all(paths.map((path) => kernel.removeNetworkNamespace(path)));
  const deadline = Date.now() + 20_000;
  while ((await kernel.links()).some((link) => /^many\d+$/.test(link.name))) {
    assert.ok(Date.now() < deadline, "links outlived their namespaces");
  }
});
