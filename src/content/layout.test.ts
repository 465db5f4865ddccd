import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough, Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { test } from "node:test";
import { isKind, unavailable } from "../base/errors.ts";
import { Operation } from "../base/operation.ts";
import { isolate } from "../kernel/testing/isolate.ts";
import { temporaryFolder } from "../kernel/testing/temporary.ts";
import { type Digest, digestOf } from "../oci/digest.ts";
import { mediaTypes } from "../oci/image.ts";
import { openContentStore } from "./layout.ts";

isolate(import.meta.url);

const folder = temporaryFolder("content");
const op = new Operation("test");
let serial = 0;
const newRoot = (): string => join(folder, `root-${serial++}`);

/** What is in the store's folders, but for what belongs there. */
function leftovers(root: string): string[] {
  return readdirSync(join(root, "ingest"));
}

const inPieces = (bytes: Buffer, size: number): Readable =>
  Readable.from(
    (function* () {
      for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
    })(),
  );

test("the folder is an OCI image layout", async () => {
  const root = newRoot();
  const store = await openContentStore(root);
  assert.deepEqual(JSON.parse(readFileSync(join(root, "oci-layout"), "utf8")), { imageLayoutVersion: "1.0.0" });
  const index = () => JSON.parse(readFileSync(join(root, "index.json"), "utf8"));
  assert.deepEqual(index(), { schemaVersion: 2, mediaType: mediaTypes.ociIndex, manifests: [] });
  const { digest, size } = await store.put(op, Buffer.from("{}"));
  assert.equal(store.path(digest), join(root, "blobs", "sha256", digest.slice(7)));
  const descriptor = { mediaType: mediaTypes.ociManifest, digest, size };
  await store.writeIndex([descriptor]);
  await openContentStore(root);
  assert.deepEqual(index().manifests, [descriptor]);
  writeFileSync(join(root, "oci-layout"), '{"imageLayoutVersion": "2.0.0"}');
  await assert.rejects(openContentStore(root), (error) => isKind(error, "corrupt"));
});

test("a blob goes in and comes out", async () => {
  const store = await openContentStore(newRoot());
  for (const [bytes, size] of [
    [randomBytes(5_000_000), 65_536],
    [randomBytes(300_000), 999],
    [Buffer.alloc(0), 1],
  ] as const) {
    const digest = digestOf(bytes);
    const blob = await store.ingest(op, inPieces(bytes, size), { digest, size: bytes.length });
    assert.deepEqual(blob, { digest, size: bytes.length });
    assert.equal(await store.size(digest), bytes.length);
    assert.ok((await buffer(await store.open(digest))).equals(bytes));
    assert.ok((await buffer(await store.open(digest, { start: 7 }))).equals(bytes.subarray(7)));
    assert.ok((await store.read(digest, 8 << 20)).equals(bytes));
    await store.remove(digest);
    assert.equal(await store.size(digest), undefined);
    await store.remove(digest);
  }
});

test("what is asked for wrongly", async () => {
  const store = await openContentStore(newRoot());
  const missing = digestOf("missing");
  await assert.rejects(store.open(missing), (error) => isKind(error, "notFound"));
  await assert.rejects(store.read(missing), (error) => isKind(error, "notFound"));
  const { digest } = await store.put(op, Buffer.alloc(100));
  await assert.rejects(store.read(digest, 99), (error) => isKind(error, "invalid"));
  assert.equal((await store.read(digest, 100)).length, 100);
  assert.throws(
    () => store.path("sha256:../../x" as Digest),
    (error) => isKind(error, "invalid"),
  );
});

test("a stream that is not what was announced stays out", async () => {
  const root = newRoot();
  const store = await openContentStore(root);
  const bytes = randomBytes(3_000_000);
  const digest = digestOf(bytes);
  const refused: Array<[Readable, object, RegExp]> = [
    [inPieces(bytes, 65_536), { digest: digestOf("other") }, /does not match its digest/],
    [inPieces(bytes, 65_536), { digest, size: bytes.length + 1 }, /unexpected EOF/],
    [inPieces(bytes, 65_536), { digest, size: bytes.length - 1 }, /longer than/],
  ];
  for (const [source, expected, message] of refused) {
    await assert.rejects(store.ingest(op, source, expected), (error) => {
      assert.ok(isKind(error, "corrupt"), String(error));
      assert.match(error.message, message);
      return true;
    });
  }
  // One that never ends is cut off.
  let sent = 0;
  const endless = Readable.from(
    (function* () {
      for (;;) {
        sent += 65_536;
        yield Buffer.alloc(65_536);
      }
    })(),
  );
  await assert.rejects(store.ingest(op, endless, { size: 1 << 20 }), (error) => isKind(error, "corrupt"));
  assert.ok(sent < 4 << 20);
  assert.ok(endless.destroyed);
  assert.deepEqual(await store.list(), []);
  assert.deepEqual(leftovers(root), []);
});

test("a stream that fails or is given up stays out", async () => {
  const root = newRoot();
  const store = await openContentStore(root);
  const failing = Readable.from(
    (function* () {
      for (let i = 0; i < 30; i++) yield randomBytes(65_536);
      throw unavailable("the registry closed the connection");
    })(),
  );
  await assert.rejects(store.ingest(op, failing), (error) => isKind(error, "unavailable"));
  const abort = new AbortController();
  const stalled = new PassThrough();
  stalled.write(randomBytes(1000));
  setImmediate(() => abort.abort());
  await assert.rejects(store.ingest(new Operation("pull", abort.signal), stalled), (error) =>
    isKind(error, "cancelled"),
  );
  assert.ok(stalled.destroyed);
  await assert.rejects(store.put(new Operation("late", abort.signal), Buffer.alloc(1)), (error) =>
    isKind(error, "cancelled"),
  );
  assert.deepEqual(await store.list(), []);
  assert.deepEqual(leftovers(root), []);
});

test("the same blob from several sides, and once more", async () => {
  const root = newRoot();
  const store = await openContentStore(root);
  const bytes = randomBytes(2_000_000);
  const digest = digestOf(bytes);
  const sides = [1, 2, 3, 4].map((n) => store.ingest(op, inPieces(bytes, n * 10_000), n % 2 ? { digest } : {}));
  for (const blob of await Promise.all(sides)) assert.deepEqual(blob, { digest, size: bytes.length });
  const source = inPieces(bytes, 65_536);
  assert.deepEqual(await store.ingest(op, source, { digest }), { digest, size: bytes.length });
  assert.ok(source.readableEnded);
  await assert.rejects(store.ingest(op, inPieces(bytes.subarray(1), 65_536), { digest }), (e) => isKind(e, "corrupt"));
  assert.deepEqual(await store.list(), [digest]);
  assert.deepEqual(leftovers(root), []);
});

test("what a killed writer left is swept", async () => {
  const root = newRoot();
  const store = await openContentStore(root);
  const { digest } = await store.put(op, Buffer.from("kept"));
  writeFileSync(join(root, "ingest", "half"), "half");
  const again = await openContentStore(root);
  assert.deepEqual(leftovers(root), []);
  assert.deepEqual(await again.list(), [digest]);
});

test("a full disk is a clear error and leaves nothing", async (t) => {
  const root = newRoot();
  mkdirSync(root);
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", root]);
  t.after(() => execFileSync("umount", ["-l", root]));
  const store = await openContentStore(root);
  const source = inPieces(randomBytes(16 << 20), 65_536);
  await assert.rejects(store.ingest(op, source), (error) => isKind(error, "exhausted"));
  assert.deepEqual(leftovers(root), []);
  assert.deepEqual(await store.list(), []);
  assert.equal((await store.put(op, randomBytes(6 << 20))).size, 6 << 20);
});
