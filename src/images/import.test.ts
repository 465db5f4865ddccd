import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, readlink, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { test } from "node:test";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { digestOf } from "../oci/digest.ts";
import { baseReference, ensureBase } from "./base.ts";
import { run, tar } from "./testing/fixtures.ts";
import { type House, openHouse } from "./testing/house.ts";

const layer = tar([
  ["bin/sh", Buffer.alloc(300_000, "shell")],
  ["etc/name", "x"],
]);

const take = async (house: House, bytes: Buffer, options = {}) =>
  house.images.import(house.op(), Readable.from([bytes]), options);

test("import makes an image of a tar, with its changes", async () => {
  await using house = await openHouse();
  const bytes = await layer;
  const image = await take(house, bytes, {
    reference: "mine",
    changes: ['CMD ["sh"]', "ENV A=b"],
    message: "from a test",
    platform: { os: "linux", architecture: "arm64", variant: "v8" },
  });
  assert.deepEqual(image.tags, ["mine:latest"]);
  assert.deepEqual(image.config.config, { Cmd: ["sh"], Env: ["A=b"] });
  assert.deepEqual(image.config.rootfs.diff_ids, [digestOf(bytes)]);
  assert.equal(image.config.architecture, "arm64");
  assert.equal(image.size, 300_001);
  assert.deepEqual(
    house.images.history("mine").map(({ id, comment, tags, size }) => ({ id, comment, tags, size })),
    [{ id: image.id, comment: "from a test", tags: ["mine:latest"], size: 300_001 }],
  );
  assert.equal(digestOf(await house.content.read(image.id)), image.id);
  assert.deepEqual(house.actions(), ["tag mine:latest", `import ${image.id}`]);
});

test("import takes every compression, and the layer is the same", async () => {
  await using house = await openHouse();
  const bytes = await layer;
  for (const packed of [
    gzipSync(bytes),
    zstdCompressSync(bytes),
    execFileSync("xz", ["-c", "-0"], { input: bytes }),
    execFileSync("bzip2", ["-c"], { input: bytes }),
  ]) {
    const image = await take(house, packed);
    assert.deepEqual(image.config.rootfs.diff_ids, [digestOf(bytes)]);
    assert.equal(image.config.history?.[0]?.comment, "Imported from -");
    assert.deepEqual(image.tags, []);
  }
  assert.equal(house.snapshots.layers().length, 1);
});

test("an import that fails says why and leaves nothing", async () => {
  await using house = await openHouse();
  const bytes = await layer;
  const cases: ReadonlyArray<readonly [Buffer, object, RegExp]> = [
    [bytes, { reference: "Foo" }, /repository name \(library\/Foo\) must be lowercase/],
    [bytes, { reference: `foo@${digestOf("x")}` }, /cannot import digest reference/],
    [bytes, { reference: "foo", changes: ["FOO x"] }, /FOO is not a valid change command/],
    [Buffer.alloc(5000, "no tar"), {}, /./],
    [bytes.subarray(0, 100_000), {}, /unexpected EOF|truncated|cut/i],
    [gzipSync(bytes).subarray(0, 600), {}, /unexpected EOF/],
    [zstdCompressSync(bytes).subarray(0, 40), {}, /unexpected EOF|invalid/],
    [execFileSync("xz", ["-c"], { input: bytes }).subarray(0, 100), {}, /xz: the data is corrupt/],
  ];
  for (const [archive, options, message] of cases) {
    await assert.rejects(take(house, archive, options), (error: unknown) => {
      assert.match((error as Error).message, message);
      assert.match((error as { kind: string }).kind, /^(invalid|corrupt)$/);
      return true;
    });
    assert.deepEqual(house.images.list(), []);
    assert.deepEqual(await house.blobs(), [], String(message));
    assert.deepEqual(house.snapshots.layers(), []);
  }
});

test("a stream that breaks off is an error, not a short image", async () => {
  await using house = await openHouse();
  const body = new PassThrough();
  body.write((await layer).subarray(0, 50_000), () => body.destroy(new Error("connection lost")));
  await assert.rejects(house.images.import(house.op(), body, {}), /connection lost/);
  assert.deepEqual(await house.blobs(), []);
});

test("a full disk is a clear error, and the images go on once there is space", async () => {
  const root = await mkdtemp(join(tmpdir(), "keelson-full-"));
  await run("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", root]);
  try {
    const house = await openHouse({}, join(root, "house"));
    const random = await tar([["random", randomBytes(10_000_000)]]);
    for (const archive of [random, gzipSync(random, { level: 0 })]) {
      await assert.rejects(take(house, archive), { kind: "exhausted" });
      await assert.rejects(house.images.load(house.op(), Readable.from([archive])), { kind: "exhausted" });
      assert.deepEqual(await house.blobs(), []);
    }
    assert.equal((await take(house, await layer, { reference: "small" })).tags[0], "small:latest");
    await house[Symbol.asyncDispose]();
  } finally {
    await run("umount", ["-l", root]);
    await rm(root, { recursive: true });
  }
});

test("the base image is the same each time, and made once", async () => {
  await using house = await openHouse();
  const image = await ensureBase(house.op(), house.images);
  assert.deepEqual(image.tags, [baseReference]);
  assert.deepEqual(image.config.config?.Cmd, ["sh"]);
  const top = await house.images.unpack(house.op(), image);
  const root = house.snapshots.layer(top!)!.path;
  assert.equal(await readlink(join(root, "bin/sh")), "busybox");
  assert.match(await readFile(join(root, "etc/passwd"), "utf8"), /^root:x:0:0:root:\/root:\/bin\/sh$/m);
  const events = house.events.length;
  assert.equal((await ensureBase(house.op(), house.images)).id, image.id);
  assert.equal(house.events.length, events);
  await house.images.remove(house.op(), baseReference, {});
  assert.equal((await ensureBase(house.op(), house.images)).id, image.id);
});
