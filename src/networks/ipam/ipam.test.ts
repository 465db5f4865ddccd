import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { dockerPools, firstFreeSubnet, firstHost, subnetsInUse } from "./address-pools.ts";
import { AddressSpace } from "./address-space.ts";
import { completeIpam, type SubnetsInUse } from "./ipam-config.ts";
import { formatSubnet, parseCidr } from "./ipv4.ts";
import { macFor, parseMac } from "./mac.ts";

describe("the addresses of a network", () => {
  const pool = { subnet: "10.0.0.0/24", gateway: "10.0.0.1" };

  test("rise from the first after the gateway, and the lowest free one comes next", () => {
    const space = new AddressSpace(pool, "n");
    assert.deepEqual([space.take(), space.take(), space.take()], ["10.0.0.2/24", "10.0.0.3/24", "10.0.0.4/24"]);
    space.release("10.0.0.3/24");
    assert.deepEqual([space.take(), space.take()], ["10.0.0.3/24", "10.0.0.5/24"]);
  });

  test("come from the range where one is given, and pass over auxiliary ones", () => {
    const aux = { router: "10.0.0.129" };
    const space = new AddressSpace({ ...pool, ipRange: "10.0.0.128/30", auxAddresses: aux }, "n");
    assert.deepEqual([space.take(), space.take(), space.take()], ["10.0.0.128/24", "10.0.0.130/24", "10.0.0.131/24"]);
    assert.throws(() => space.take(), { kind: "exhausted" });
    assert.equal(space.take("10.0.0.7"), "10.0.0.7/24");
  });

  test("one that is asked for is given once, and only out of the subnet", () => {
    const space = new AddressSpace(pool, "n");
    assert.equal(space.take("10.0.0.2"), "10.0.0.2/24");
    assert.equal(space.take(), "10.0.0.3/24");
    for (const taken of ["10.0.0.2", "10.0.0.1", "10.0.0.0", "10.0.0.255"]) {
      assert.throws(() => space.take(taken), { message: "Address already in use" });
    }
    assert.throws(() => space.take("10.0.1.2"), { kind: "invalid", message: /no configured subnet .* 10\.0\.1\.2/ });
  });

  test("run out with Docker's words, and are there again once released", () => {
    const space = new AddressSpace({ subnet: "10.50.0.0/30", gateway: "10.50.0.1" }, "small (1234)");
    assert.equal(space.take(), "10.50.0.2/30");
    const message = "no available IPv4 addresses on this network's address pools: small (1234)";
    assert.throws(() => space.take(), { kind: "exhausted", message });
    space.release("10.50.0.2/30");
    assert.equal(space.take(), "10.50.0.2/30");
  });

  test("are never given twice, whatever is taken and released", () => {
    let seed = 42;
    const random = (below: number) => {
      seed = (seed * 1103515245 + 12345) % 2147483648;
      return Math.floor((seed / 2147483648) * below);
    };
    const space = new AddressSpace({ subnet: "10.0.0.0/25", gateway: "10.0.0.1" }, "n");
    const held: string[] = [];
    for (let turn = 0; turn < 3000; turn++) {
      if (held.length < 125 && (held.length === 0 || random(5) < 3)) {
        const address = space.take();
        assert.ok(!held.includes(address), `${address} was given twice`);
        const lowest = Array.from({ length: 125 }, (_, i) => `10.0.0.${i + 2}/25`).find((one) => !held.includes(one));
        assert.equal(address, lowest);
        held.push(address);
      } else space.release(held.splice(random(held.length), 1)[0]!);
    }
  });
});

describe("the choice of a subnet", () => {
  test("is the first of the pools that overlaps nothing; the default route is no obstacle", () => {
    const inUse = subnetsInUse(["0.0.0.0/0", "172.17.0.0/16", "172.18.5.1/24", "fe80::1/64", "10.0.0.0/8"]);
    assert.equal(formatSubnet(firstFreeSubnet(dockerPools, inUse)), "172.19.0.0/16");
    assert.equal(formatSubnet(firstFreeSubnet(dockerPools, subnetsInUse(["172.16.0.0/12"]))), "192.168.0.0/20");
  });

  test("fails in Docker's words where all are taken, and for a pool that is none", () => {
    assert.throws(() => firstFreeSubnet(dockerPools, subnetsInUse(["172.16.0.0/12", "192.168.0.0/16"])), {
      message: "all predefined address pools have been fully subnetted",
    });
    assert.throws(() => firstFreeSubnet([{ base: "10.0.0.0/24", size: 16 }], []), { kind: "invalid" });
  });

  test("the gateway is the subnet's first host", () => {
    assert.equal(firstHost(parseCidr("10.1.0.0/16")!.subnet), "10.1.0.1");
    assert.equal(firstHost(parseCidr("10.1.0.4/31")!.subnet), "10.1.0.4");
  });
});

describe("what a user asks of a network's addresses", () => {
  const none: SubnetsInUse = { networks: [], host: [] };
  const ask = (config: object, inUse = none) =>
    completeIpam({ driver: "default", config: [config] }, dockerPools, inUse);

  test("is filled up", () => {
    assert.deepEqual(completeIpam(undefined, dockerPools, none).config, [
      { subnet: "172.17.0.0/16", gateway: "172.17.0.1" },
    ]);
    assert.deepEqual(ask({ subnet: "10.1.0.0/16", ipRange: "10.1.5.0/24" }).config[0]?.gateway, "10.1.5.0");
    assert.deepEqual(ask({ subnet: "10.1.0.0/16", gateway: "10.1.9.9" }).config[0]?.gateway, "10.1.9.9");
  });

  const bad: ReadonlyArray<readonly [config: object, line: string]> = [
    [{ subnet: "10.2.0.0/33" }, "invalid subnet 10.2.0.0/33: invalid CIDR block notation"],
    [{ gateway: "10.8.0.1" }, "invalid subnet : invalid CIDR block notation"],
    [{ subnet: "10.2.0.5/24" }, "invalid subnet 10.2.0.5/24: it should be 10.2.0.0/24"],
    [
      { subnet: "10.8.0.0/24", ipRange: "10.9.0.0/24" },
      "invalid ip-range 10.9.0.0/24: parent subnet 10.8.0.0/24 doesn't contain ip-range",
    ],
    [
      { subnet: "10.8.0.0/24", gateway: "10.9.0.1" },
      "invalid gateway 10.9.0.1: parent subnet 10.8.0.0/24 doesn't contain this address",
    ],
    [{ subnet: "10.8.0.0/24", gateway: "foo" }, "invalid gateway foo: invalid address"],
  ];
  for (const [config, line] of bad) {
    test(`is refused: ${line}`, () => {
      assert.throws(() => ask(config), { kind: "invalid", message: `invalid network config:\n${line}` });
    });
  }

  test("may not overlap another network", () => {
    const networks = subnetsInUse(["172.17.0.0/16"]);
    assert.throws(() => ask({ subnet: "172.17.3.0/24" }, { networks, host: [] }), {
      kind: "forbidden",
      message: "invalid pool request: Pool overlaps with other one on this address space",
    });
  });
});

describe("MAC addresses", () => {
  test("are the same for the same address of a network, locally administered, and unicast", () => {
    assert.equal(macFor("a", "10.0.0.2/24"), macFor("a", "10.0.0.2/24"));
    assert.notEqual(macFor("a", "10.0.0.2/24"), macFor("b", "10.0.0.2/24"));
    assert.match(macFor("a", "10.0.0.2/24"), /^02(:[0-9a-f]{2}){5}$/);
  });

  test("of a user are taken in either spelling, but no multicast ones", () => {
    assert.equal(parseMac("02-42-AC-11-00-02"), "02:42:ac:11:00:02");
    for (const text of ["xx", "01:00:5e:00:00:01", "02:42:ac:11:00", ""]) assert.equal(parseMac(text), undefined);
  });
});
