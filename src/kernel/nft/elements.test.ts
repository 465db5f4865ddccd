import assert from "node:assert/strict";
import { after, beforeEach, test } from "node:test";
import { isKind } from "../../base/errors.ts";
import type { ElementChange, NftField } from "../kernel.ts";
import { openKernel } from "../open.ts";
import { isolate } from "../testing/isolate.ts";
import { json, output, temporaryFolder } from "../testing/temporary.ts";

isolate(import.meta.url);
temporaryFolder("nft");

const kernel = await openKernel();
after(() => kernel.close());

beforeEach(async () => {
  await kernel.nftScript(`
    table inet test
    delete table inet test
    table inet test {
      map ports { type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }
      map ports6 { type ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service; }
      map marks { type ifname : mark; }
      set bridges { type ifname; }
      set pairs { type ifname . ifname; }
      set open { type inet_service; }
      set protocols { type inet_proto; }
    }`);
});

const port = (value: number): NftField => ({ type: "port", value });
const ifname = (value: string): NftField => ({ type: "ifname", value });

/** Publishes a port of the address `10.1.x.y` with the number `n`. */
function publish(n: number, to = 80): ElementChange {
  return {
    action: "add",
    set: "ports",
    key: [{ type: "ipv4", value: `10.1.${n >> 8}.${n & 255}` }, { type: "proto", value: 6 }, port(8080)],
    value: [{ type: "ipv4", value: "172.17.0.2" }, port(to)],
  };
}

const withdraw = (n: number): ElementChange => {
  const { value: _, ...rest } = publish(n);
  return { ...rest, action: "remove" };
};

/** The elements as `nft` prints them. */
function printed(set: string): unknown[] {
  const listing = json(undefined, "nft", "-j", "list", "table", "inet", "test");
  const found = listing.nftables.find((one: Record<string, { name?: string }>) => (one.map ?? one.set)?.name === set);
  return (found.map ?? found.set).elem ?? [];
}

test("each kind of field reads back as it was written", async () => {
  await kernel.nftElements("test", [
    publish(258),
    {
      action: "add",
      set: "ports6",
      key: [{ type: "ipv6", value: "fd00::1" }, { type: "proto", value: 17 }, port(65535)],
      value: [{ type: "ipv6", value: "fd00:2::9" }, port(53)],
    },
    { action: "add", set: "marks", key: [ifname("keelson0")], value: [{ type: "mark", value: 0x80000001 }] },
    { action: "add", set: "bridges", key: [ifname("fifteen-bytes-x")] },
    { action: "add", set: "pairs", key: [ifname("a"), ifname("b")] },
    { action: "add", set: "open", key: [port(443)] },
    { action: "add", set: "protocols", key: [{ type: "proto", value: 132 }] },
  ]);
  assert.deepEqual(printed("ports"), [[{ concat: ["10.1.1.2", "tcp", 8080] }, { concat: ["172.17.0.2", 80] }]]);
  assert.deepEqual(printed("ports6"), [[{ concat: ["fd00::1", "udp", 65535] }, { concat: ["fd00:2::9", 53] }]]);
  assert.deepEqual(printed("marks"), [["keelson0", 0x80000001]]);
  assert.deepEqual(printed("bridges"), ["fifteen-bytes-x"]);
  assert.deepEqual(printed("pairs"), [{ concat: ["a", "b"] }]);
  assert.deepEqual(printed("open"), [443]);
  assert.deepEqual(printed("protocols"), ["sctp"]);

  assert.deepEqual(await kernel.nftRead("test", "ports"), [
    { key: Buffer.from("0a01010206000000" + "1f900000", "hex"), value: Buffer.from("ac11000200500000", "hex") },
  ]);
  assert.deepEqual(await kernel.nftRead("test", "open"), [{ key: Buffer.from("01bb0000", "hex") }]);
  assert.deepEqual(await kernel.nftRead("test", "pairs"), [
    { key: Buffer.from("a".padEnd(16, "\0") + "b".padEnd(16, "\0")) },
  ]);
});

test("a map that a rule uses takes elements while it is in use", async () => {
  await kernel.nftScript(`
    add chain inet test in { type nat hook prerouting priority dstnat; }
    add rule inet test in dnat ip to ip daddr . meta l4proto . th dport map @ports`);
  await kernel.nftElements("test", [publish(1), publish(2)]);
  assert.equal(printed("ports").length, 2);
});

test("adding again is no error, and neither is removing twice", async () => {
  await kernel.nftElements("test", [publish(1)]);
  await kernel.nftElements("test", [publish(1), publish(2)]);
  assert.equal(printed("ports").length, 2);
  await kernel.nftElements("test", [withdraw(1), withdraw(9), publish(3), withdraw(1)]);
  await kernel.nftElements("test", [withdraw(1)]);
  await kernel.nftElements("test", []);
  assert.equal(printed("ports").length, 2);
});

test("changes are made in order", async () => {
  await kernel.nftElements("test", [publish(1, 80)]);
  await kernel.nftElements("test", [withdraw(1), publish(1, 81)]);
  assert.deepEqual(printed("ports"), [[{ concat: ["10.1.0.1", "tcp", 8080] }, { concat: ["172.17.0.2", 81] }]]);
  await kernel.nftElements("test", [publish(2), withdraw(2)]);
  assert.equal(printed("ports").length, 1);
});

test("another value for a key that is there is an error, and nothing of the batch is applied", async () => {
  await kernel.nftElements("test", [publish(1, 80), publish(5)]);
  await assert.rejects(kernel.nftElements("test", [publish(2), withdraw(5), withdraw(7), publish(1, 81)]), (error) => {
    assert.ok(isKind(error, "system"));
    assert.match(error.message, /^add elements of inet test ports: .*the key is there with another value$/);
    return true;
  });
  assert.deepEqual((await kernel.nftRead("test", "ports"))?.length, 2);
});

test("a set or table that is missing", async () => {
  const gone = { action: "add", set: "none", key: [port(1)] } as const;
  await assert.rejects(kernel.nftElements("test", [gone]), /^KeelsonError: add elements of inet test none: .*ENOENT/);
  await assert.rejects(kernel.nftElements("none", [gone]), /ENOENT/);
  await kernel.nftElements("none", [{ ...gone, action: "remove" }]);
  assert.equal(await kernel.nftRead("test", "none"), undefined);
  assert.equal(await kernel.nftRead("none", "ports"), undefined);
  assert.deepEqual(await kernel.nftRead("test", "ports"), []);
});

test("fields that do not fit are refused", async () => {
  const long = { action: "add", set: "bridges", key: [ifname("sixteen-bytes-xx")] } as const;
  await assert.rejects(kernel.nftElements("test", [long]), /EINVAL/);
  const wrong = { action: "add", set: "open", key: [{ type: "ipv4", value: "1.2.3.4" }] } as const;
  await assert.rejects(kernel.nftElements("test", [wrong]), /EINVAL/);
  const family = { action: "add", set: "ports", key: [{ type: "ipv4", value: "::1" }] } as const;
  await assert.rejects(kernel.nftElements("test", [family]), /EINVAL/);
});

test("five thousand elements in one batch, there and away", async () => {
  const numbers = Array.from({ length: 5000 }, (_, i) => i);
  await kernel.nftElements(
    "test",
    numbers.map((n) => publish(n)),
  );
  assert.equal(printed("ports").length, 5000);
  const read = await kernel.nftRead("test", "ports");
  assert.equal(new Set(read?.map(({ key }) => key.toString("hex"))).size, 5000);
  // Every second one is gone already: those are answered one by one.
  await kernel.nftElements("test", numbers.filter((n) => n % 2 === 0).map(withdraw));
  await kernel.nftElements("test", numbers.map(withdraw));
  assert.deepEqual(printed("ports"), []);
});

test("a script is applied as a whole or not at all, and its error has the line", async () => {
  await assert.rejects(
    kernel.nftScript("add set inet test extra { type mark; }\nadd element inet test nowhere { 1 }"),
    (error) => {
      assert.ok(isKind(error, "system"));
      assert.match(
        error.message,
        /^nftables: line 2:\d+-\d+: Error: No such file or directory\nadd element .* nowhere /,
      );
      assert.equal(error.fields.errno, "ENOENT");
      return true;
    },
  );
  await assert.rejects(kernel.nftScript("add nonsense"), /syntax error/);
  assert.ok(!output("nft", "list", "table", "inet", "test").includes("extra"));
});
