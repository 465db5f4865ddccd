import assert from "node:assert/strict";
import { test } from "node:test";
import { conflict } from "../base/errors.ts";
import { type Digest, digestOf } from "../oci/digest.ts";
import type { Layer } from "../snapshots/snapshots.ts";
import { Collector } from "./collector.ts";
import type { ImageRecord, ImageRecords } from "./records.ts";

const [a, b, c] = ["a", "b", "c"].map(digestOf) as [Digest, Digest, Digest];

/** Counts removals; layers stand on each other in the given order, bottom first. */
function parts(stack: Digest[] = [], stuck = new Set<Digest>()) {
  const removed: Digest[] = [];
  const named: Array<readonly [Digest, ImageRecord]> = [];
  const gates = new Map<Digest, Promise<void>>();
  const collector = new Collector({
    content: {
      async remove(digest) {
        await gates.get(digest);
        removed.push(digest);
      },
    },
    snapshots: {
      layer: (chainId) => (stack.includes(chainId) ? ({ chainId } as Layer) : undefined),
      async removeLayer(chainId) {
        if (stack.at(-1) !== chainId || stuck.has(chainId)) throw conflict("something stands on it");
        stack.pop();
      },
    },
    records: { images: () => named } as unknown as ImageRecords,
  });
  return { collector, removed, named, gates, stack, stuck };
}

const record = (manifest: Digest): ImageRecord =>
  ({
    config: { rootfs: { type: "layers", diff_ids: [] } },
    manifest: { digest: manifest },
    layers: [],
  }) as unknown as ImageRecord;

test("an operation's blobs go at its end where no record names them", async () => {
  const { collector, removed, named } = parts();
  await collector.hold(async (lease) => {
    for (const digest of [a, b, c]) await lease.blob(digest);
    named.push([a, record(b)]);
  });
  assert.deepEqual(removed, [c]);
});

test("what another operation holds goes when that one ends", async () => {
  const { collector, removed } = parts();
  await collector.hold(async (lease) => {
    await lease.blob(a);
    await collector.sweep([a, b], []);
    assert.deepEqual(removed, [b]);
  });
  assert.deepEqual(removed, [b, a]);
});

test("while digests are not known yet, no blob goes", async () => {
  const { collector, removed } = parts();
  await collector.hold(async (lease) => {
    await lease.everyBlob();
    await collector.sweep([a], []);
    assert.deepEqual(removed, []);
  });
  assert.deepEqual(removed, [a]);
});

test("a claim waits for a removal that is under way", async () => {
  const { collector, removed, gates } = parts();
  const { promise, resolve } = Promise.withResolvers<void>();
  gates.set(a, promise);
  const sweep = collector.sweep([a], []);
  const claim = collector.hold(async (lease) => {
    await lease.blob(a);
    assert.deepEqual(removed, [a], "the blob is gone for certain, so it is fetched again");
  });
  resolve();
  await Promise.all([sweep, claim]);
});

test("layers go from the top, and one that is stood on is tried again later", async () => {
  const { collector, stack, stuck } = parts([a, b, c]);
  stuck.add(b);
  assert.deepEqual(await collector.sweep([], [a, b, c]), [c]);
  stuck.clear();
  assert.deepEqual(await collector.sweep([], []), [b, a]);
  assert.deepEqual(stack, []);
});
