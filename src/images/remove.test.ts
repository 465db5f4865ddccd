import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { test } from "node:test";
import type { Digest } from "../oci/digest.ts";
import { dockerArchive, type Entry, fixture } from "./testing/fixtures.ts";
import { type House, openHouse } from "./testing/house.ts";

const container = "ab".repeat(32);
const short = container.slice(0, 12);

async function load(house: House, layers: ReadonlyArray<readonly Entry[]>, tags: string[]): Promise<Digest> {
  const image = await fixture(layers);
  await house.images.load(house.op(), Readable.from([await dockerArchive([{ image, tags }])]));
  return image.id;
}

const remove = (house: House, name: string, force = false) => house.images.remove(house.op(), name, { force });

test("the last name takes the image with it, with the layers that nothing else has", async () => {
  await using house = await openHouse();
  const shared: Entry[] = [["shared", "x"]];
  const one = await load(house, [shared, [["one", "1"]]], ["one:1", "one:2"]);
  const two = await load(house, [shared, [["two", "2"]]], ["two:1"]);
  const chains = new Map(house.snapshots.layers().map((layer) => [layer.parent !== undefined, layer.chainId]));
  const topOf = (id: Digest) => house.images.unpack(house.op(), house.images.resolve(id));
  const [topOne, topTwo] = [await topOf(one), await topOf(two)];

  assert.deepEqual(await remove(house, "one:1"), [{ untagged: "one:1" }]);
  assert.deepEqual(await remove(house, "one:2"), [{ untagged: "one:2" }, { deleted: one }, { deleted: topOne }]);
  assert.equal(house.snapshots.layers().length, 2, "the shared layer stays");
  assert.throws(() => house.images.resolve("one:1"), { kind: "notFound", message: "No such image: one:1" });

  assert.deepEqual(await remove(house, two.slice(7, 19)), [
    { untagged: "two:1" },
    { deleted: two },
    { deleted: topTwo },
    { deleted: chains.get(false) },
  ]);
  assert.deepEqual(await house.blobs(), []);
  assert.deepEqual(house.snapshots.layers(), []);
  assert.deepEqual(house.actions().slice(2), [
    `untag ${one}`,
    `untag ${one}`,
    `delete ${one}`,
    `untag ${two}`,
    `delete ${two}`,
  ]);
});

test("an ID with several names must be forced", async () => {
  await using house = await openHouse();
  const id = await load(house, [[["a", "1"]]], ["a:1", "b:1"]);
  await assert.rejects(remove(house, id), {
    kind: "conflict",
    message: `conflict: unable to delete ${id.slice(7, 19)} (must be forced) - image is referenced in multiple repositories`,
  });
  const removed = await remove(house, id, true);
  assert.deepEqual(removed.slice(0, 3), [{ untagged: "a:1" }, { untagged: "b:1" }, { deleted: id }]);
});

test("what a stopped container uses must be forced, and its layers stay while it stands on them", async () => {
  await using house = await openHouse();
  const id = await load(house, [[["a", "1"]]], ["a:1"]);
  const top = await house.images.unpack(house.op(), house.images.resolve("a:1"));
  await house.snapshots.prepare(house.op(), container, top);
  house.users.set(id, [{ id: container, running: false }]);

  await assert.rejects(remove(house, "a:1"), {
    kind: "conflict",
    message: `conflict: unable to remove repository reference "a:1" (must force) - container ${short} is using its referenced image ${id.slice(7, 19)}`,
  });
  await assert.rejects(remove(house, id), {
    message: `conflict: unable to delete ${id.slice(7, 19)} (must be forced) - image is being used by stopped container ${short}`,
  });
  assert.deepEqual(await remove(house, id, true), [{ untagged: "a:1" }, { deleted: id }]);
  assert.deepEqual(await house.blobs(), []);
  assert.equal(house.snapshots.layers().length, 1);

  await house.snapshots.remove(container);
  await house.images.reconcile(house.op());
  assert.equal(house.snapshots.layers().length, 0);
});

test("what a running container uses cannot be forced; its name can", async () => {
  await using house = await openHouse();
  const id = await load(house, [[["a", "1"]]], ["a:1"]);
  house.users.set(id, [{ id: container, running: true }]);
  await assert.rejects(remove(house, id, true), {
    message: `conflict: unable to delete ${id.slice(7, 19)} (cannot be forced) - image is being used by running container ${short}`,
  });
  assert.deepEqual(await remove(house, "a:1", true), [{ untagged: "a:1" }]);
  assert.deepEqual(house.images.resolve(id).tags, []);
  await assert.rejects(remove(house, id, true), { kind: "conflict" });
});

test("one of several names goes although a container uses the image", async () => {
  await using house = await openHouse();
  const id = await load(house, [[["a", "1"]]], ["a:1", "b:1"]);
  house.users.set(id, [{ id: container, running: true }]);
  assert.deepEqual(await remove(house, "b:1"), [{ untagged: "b:1" }]);
});

test("what is not here is an error in Docker's words", async () => {
  await using house = await openHouse();
  for (const [name, message] of [
    ["nope", "No such image: nope:latest"],
    ["nope:b", "No such image: nope:b"],
    ["deadbeef", "No such image: deadbeef:latest"],
    ["a".repeat(64), `No such image: sha256:${"a".repeat(64)}`],
  ] as const) {
    await assert.rejects(remove(house, name), { kind: "notFound", message });
    assert.throws(() => house.images.resolve(name), { message });
  }
  await assert.rejects(remove(house, "NOPE"), {
    kind: "invalid",
    message: "invalid reference format: repository name (library/NOPE) must be lowercase",
  });
});

test("a name is found before an ID that begins so, and a doubtful beginning finds nothing", async () => {
  await using house = await openHouse();
  const one = await load(house, [[["a", "1"]]], ["a:1"]);
  const two = await load(house, [[["b", "2"]]], ["b:1"]);
  await house.images.tag(house.op(), "b:1", one.slice(7, 15));
  assert.equal(house.images.resolve(one.slice(7, 15)).id, two);
  assert.equal(house.images.resolve(one.slice(0, 30)).id, one);
  assert.equal(house.images.resolve(one.slice(7)).id, one);
});

test("a tag moves, and what is no tag is refused", async () => {
  await using house = await openHouse();
  const one = await load(house, [[["a", "1"]]], ["a:1"]);
  const two = await load(house, [[["b", "2"]]], ["b:1"]);
  await house.images.tag(house.op(), "a:1", "app");
  await house.images.tag(house.op(), "b:1", "app");
  assert.equal(house.images.resolve("app:latest").id, two);
  assert.deepEqual(house.images.resolve(one).tags, ["a:1"]);
  assert.equal(house.actions().at(-1), "tag app:latest");
  const digest = `a@${one}`;
  await assert.rejects(house.images.tag(house.op(), "a:1", digest), {
    message: "refusing to create a tag with a digest reference",
  });
  await assert.rejects(house.images.tag(house.op(), "a:1", "sha256:x"), {
    message: "refusing to create an ambiguous tag using digest algorithm as name",
  });
  await assert.rejects(house.images.tag(house.op(), "nope", "x"), { message: "No such image: nope:latest" });
});

test("what one operation holds is not swept by another", async () => {
  await using house = await openHouse();
  const image = await fixture([[["a", Buffer.alloc(400_000, "a")]], [["b", "2"]]]);
  const archive = await dockerArchive([{ image, tags: ["a:1"] }]);
  const load = () => house.images.load(house.op(), Readable.from([archive]));
  await load();
  for (let round = 0; round < 10; round++) {
    const [loaded] = await Promise.all([load(), remove(house, "a:1", true).catch(() => [])]);
    const kept = loaded.loaded[0]!.image;
    if (house.images.list().length === 0) {
      await load();
      continue;
    }
    const manifest = JSON.parse((await house.content.read(kept.manifest.digest)).toString());
    for (const { digest } of [manifest.config, ...manifest.layers])
      assert.ok((await house.content.size(digest)) !== undefined, `${digest} is here`);
    assert.equal(house.snapshots.layers().length, 2);
  }
});

test("reconcile drops what a crash left and what can no longer run", async () => {
  await using first = await openHouse();
  const good = await load(first, [[["a", "1"]]], ["good:1"]);
  const bad = await load(first, [[["b", Buffer.alloc(400_000, "b")]]], ["bad:1"]);
  await first.content.put(first.op(), Buffer.from("a blob that nothing names"));
  await first.content.remove(first.images.resolve(bad).manifest.digest);
  const house = await first.reopen();
  await house.images.reconcile(house.op());
  assert.deepEqual(
    house.images.list().map(({ id }) => id),
    [good],
  );
  assert.throws(() => house.images.resolve("bad:1"), { kind: "notFound" });
  assert.equal((await house.blobs()).length, 3);
  assert.equal(house.snapshots.layers().length, 1);
  assert.match(house.warnings.join(), /image dropped/);
});
