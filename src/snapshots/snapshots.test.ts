import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { isKind } from "../base/errors.ts";
import { Operation } from "../base/operation.ts";
import { digestOf } from "../oci/digest.ts";
import type { LayerRecord } from "./records.ts";
import { tar } from "./testing/tar-writer.ts";
import { type Workbench, workbench } from "./testing/workbench.ts";

const bench = await workbench({ after });
const small = tar({ name: "d/" }, { name: "d/x", content: "12345" }, { name: "y", type: "1", linkName: "d/x" });
const large = tar(...Array.from({ length: 24 }, (_, i) => ({ name: `f${i}`, content: Buffer.alloc(1 << 20, i) })));

const notFound = (error: unknown): boolean => isKind(error, "notFound");
const conflict = (error: unknown): boolean => isKind(error, "conflict");

test("a layer is unpacked, found again, counted and removed", async () => {
  const layer = await bench.unpack(small, { chainId: digestOf("chain a") });
  assert.equal(layer.size, 5);
  assert.equal(layer.path, join(bench.root, digestOf("chain a").slice(7), "fs"));
  assert.deepEqual(readdirSync(layer.path).sort(), ["d", "y"]);
  assert.deepEqual(bench.snapshots.layer(layer.chainId), layer);
  await bench.reopen();
  assert.deepEqual(bench.snapshots.layers(), [layer]);
  await bench.snapshots.removeLayer(layer.chainId);
  assert.equal(bench.snapshots.layer(layer.chainId), undefined);
  assert.ok(!existsSync(layer.path));
  await bench.snapshots.removeLayer(layer.chainId);
});

test("a layer is only removed once nothing stands on it", async () => {
  const one = await bench.unpack(small);
  const two = await bench.unpack(small, { parent: one.chainId });
  await bench.snapshots.prepare(bench.op, "on-two", two.chainId);
  await assert.rejects(bench.snapshots.removeLayer(one.chainId), conflict);
  await assert.rejects(bench.snapshots.removeLayer(two.chainId), conflict);
  await bench.snapshots.remove("on-two");
  await bench.snapshots.removeLayer(two.chainId);
  await bench.snapshots.removeLayer(one.chainId);
  assert.deepEqual(bench.leftovers(), []);
});

test("what is not there and what is there already", async () => {
  const missing = digestOf("missing");
  await assert.rejects(bench.unpack(small, { parent: missing }), notFound);
  await assert.rejects(bench.snapshots.prepare(bench.op, "on-missing", missing), notFound);
  assert.throws(() => bench.snapshots.mountOf("none", "/mnt"), notFound);
  assert.throws(() => bench.snapshots.viewOf(missing, "/mnt"), notFound);
  await assert.rejects(bench.snapshots.usage("none"), notFound);
  await bench.snapshots.remove("none");
  const [first, second] = await Promise.allSettled([
    bench.snapshots.prepare(bench.op, "twice", undefined),
    bench.snapshots.prepare(bench.op, "twice", undefined),
  ]);
  assert.equal(first.status, "fulfilled");
  assert.ok(second.status === "rejected" && conflict(second.reason));
  await assert.rejects(bench.snapshots.prepare(bench.op, "../escape", undefined), (e) => isKind(e, "invalid"));
  await bench.snapshots.remove("twice");
});

test("concurrent calls for one chain ID share the work", async () => {
  const chainId = digestOf("shared");
  const path = join(bench.folder, "shared.tar");
  writeFileSync(path, large);
  const source = { chainId, diffId: digestOf(large), path };
  const gone = { ...source, path: join(bench.folder, "not-there.tar") };
  const layers = await Promise.all([source, gone, gone].map((layer) => bench.snapshots.unpack(bench.op, layer)));
  assert.deepEqual(new Set(layers.map((layer) => layer.path)).size, 1);
  assert.equal(layers[0]?.size, 24 << 20);
  await bench.snapshots.removeLayer(chainId);
});

test("the layers of an image are unpacked side by side, each on the one below", async () => {
  const chain = [0, 1, 2, 3, 4, 5].map((i) => digestOf(`side ${i}`));
  const archives = chain.map((_, i) =>
    tar({ name: `l${i}/x`, content: "x" }, ...(i === 0 ? [{ name: "r/", uid: 9 }] : [{ name: `r/${i}` }])),
  );
  const layers = await Promise.all(
    chain.map((chainId, i) => bench.unpack(archives[i]!, { chainId, ...(i > 0 && { parent: chain[i - 1]! }) })),
  );
  for (const layer of layers) assert.equal(statSync(join(layer.path, "r")).uid, 9);
  const mount = await bench.snapshots.prepare(bench.op, "tall", chain[5]);
  assert.equal(mount.parent, chain[5]);
  const { lower } = bench.snapshots.mountOf("tall", "/mnt") as { lower?: readonly string[] };
  assert.deepEqual(lower, layers.map(({ path }) => path).reverse());
});

test("a layer fails with the one below", async () => {
  const [bad, above] = [digestOf("bad"), digestOf("above")];
  const failing = bench.unpack(small, { chainId: bad, diffId: digestOf("other") });
  const following = bench.unpack(tar({ name: "d/e/f" }), { chainId: above, parent: bad });
  const results = await Promise.allSettled([failing, following]);
  for (const result of results) assert.ok(result.status === "rejected" && isKind(result.reason, "corrupt"));
  assert.deepEqual(bench.leftovers(), []);
});

test("an aborted unpacking leaves nothing", async () => {
  const abort = new AbortController();
  const path = join(bench.folder, "aborted.tar");
  writeFileSync(path, large);
  const source = { chainId: digestOf("aborted"), diffId: digestOf(large), path };
  const work = bench.snapshots.unpack(new Operation("load", abort.signal), source, () => abort.abort());
  await assert.rejects(work, (error) => isKind(error, "cancelled"));
  assert.deepEqual(bench.leftovers(), []);
  assert.equal(bench.snapshots.layer(source.chainId), undefined);
  // One of two that goes away takes nothing from the other.
  const other = new AbortController();
  const both = [
    bench.snapshots.unpack(new Operation("one", other.signal), source, () => other.abort()),
    bench.snapshots.unpack(new Operation("two"), source),
  ];
  await assert.rejects(both[0]!, (error) => isKind(error, "cancelled"));
  assert.equal((await both[1])?.size, 24 << 20);
});

test("what is removed goes in the background, and nothing beside it", async () => {
  const victim = bench.scratch();
  writeFileSync(join(victim, "file"), "");
  const { upper, work } = await bench.snapshots.prepare(bench.op, "full", undefined);
  mkdirSync(join(upper, ...Array<string>(300).fill("deep")), { recursive: true });
  symlinkSync(victim, join(upper, "link"));
  symlinkSync("/", join(upper, "root"));
  mkdirSync(join(work, "work"));
  chmodSync(join(work, "work"), 0);
  writeFileSync(join(upper, "file"), "x");
  await bench.snapshots.remove("full");
  assert.equal(bench.snapshots.snapshot("full"), undefined);
  assert.ok(!existsSync(upper));
  await bench.reopen();
  assert.deepEqual(readdirSync(join(bench.root, ".trash")), []);
  assert.deepEqual(readdirSync(victim), ["file"]);
});

test("folders and records that have lost each other go when it opens", async () => {
  const { chainId, path } = await bench.unpack(small);
  mkdirSync(join(bench.root, "f".repeat(64), "fs"), { recursive: true });
  mkdirSync(join(bench.root, ".tmp", "half"), { recursive: true });
  await bench.store.table("snapshots", { version: 1 }).put("no-folder", {});
  await bench.reopen();
  assert.deepEqual(bench.leftovers(), []);
  assert.equal(bench.snapshots.snapshot("no-folder"), undefined);
  assert.equal(bench.snapshots.layer(chainId)?.path, path);
});

test("a layer that a crash of the machine may have damaged is dropped", async () => {
  const { chainId, path } = await bench.unpack(small);
  const table = () => bench.store.table<LayerRecord>("layers", { version: 1 });
  assert.notEqual(table().get(chainId)?.unsynced, undefined);
  await bench.reopen();
  // Closing has written it to the disk.
  assert.equal(table().get(chainId)?.unsynced, undefined);
  await table().put(chainId, { ...table().get(chainId)!, unsynced: "another boot" });
  await bench.reopen();
  assert.equal(bench.snapshots.layer(chainId), undefined);
  assert.ok(!existsSync(path));
});

test("killed in the middle of an unpacking, nothing of it is there afterwards", async (t) => {
  const own = await workbench(t);
  const { child, archive } = await startUnpacking(own);
  const temporary = join(own.root, ".tmp");
  const begun = (): boolean =>
    readdirSync(temporary).some((name) => readdirSync(join(temporary, name, "fs")).length > 0);
  const deadline = Date.now() + 20_000;
  while (!isBegun(begun)) {
    assert.ok(Date.now() < deadline && child.exitCode === null, "the unpacking began");
    await setImmediate();
  }
  child.kill("SIGKILL");
  await once(child, "exit");
  assert.equal(readdirSync(temporary).length, 1);
  await own.reopen();
  assert.deepEqual(own.leftovers(), []);
  assert.deepEqual(own.snapshots.layers(), []);
  assert.ok(existsSync(archive));
});

/** The folders appear one after another. */
function isBegun(look: () => boolean): boolean {
  try {
    return look();
  } catch {
    return false;
  }
}

async function startUnpacking(own: Workbench): Promise<{ child: ReturnType<typeof spawn>; archive: string }> {
  const bytes = tar(...Array.from({ length: 250 }, (_, i) => ({ name: `f${i}`, content: Buffer.alloc(1 << 20) })));
  const archive = join(own.folder, "archive.tar.gz");
  writeFileSync(archive, gzipSync(bytes, { level: 1 }));
  const entry = fileURLToPath(new URL("./testing/unpack-and-wait.ts", import.meta.url));
  // A store of the child's own: this process has the other one open.
  const store = join(own.folder, "child-store");
  const args = [entry, own.root, store, archive, digestOf("killed"), digestOf(bytes)];
  return { child: spawn(process.execPath, args, { stdio: "inherit" }), archive };
}
