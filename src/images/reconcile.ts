import { isKind, messageOf } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Operation } from "../base/operation.ts";
import type { Digest } from "../oci/digest.ts";
import type { Collector } from "./collector.ts";
import { type Installation, writeIndex } from "./installer.ts";
import { type ImageRecord, layersOf } from "./records.ts";

/**
 * Mends what a crash left: drops images that can no longer be run (config or manifest gone, or a layer with neither
 * folder nor blob), names that point to no image, and every blob and layer that nothing names; writes index.json anew.
 */
export async function reconcileImages(
  op: Operation,
  parts: Installation & { readonly collector: Collector; readonly log: Pick<Logger, "warn"> },
): Promise<void> {
  const { records, content, snapshots, log } = parts;
  await records.exclusively(async () => {
    const blobs = new Set(await content.list());
    const broken: Digest[] = [];
    for (const [id, record] of records.images()) {
      op.check();
      const missing = missingOf(id, record, blobs, (chainId) => snapshots.layer(chainId) !== undefined);
      if (missing === undefined) continue;
      log.warn("image dropped: a part of it is missing", { image: id, missing });
      broken.push(id);
    }
    const kept = (id: Digest): boolean => records.image(id) !== undefined && !broken.includes(id);
    const dangling = records.references().filter(([, { image }]) => !kept(image));
    await records.commit({ removedImages: broken, removedReferences: dangling.map(([key]) => key) });
    // The index is for other tools; on a full disk it may be out of date until the next change.
    await writeIndex(parts).catch((error) => {
      if (!isKind(error, "exhausted")) throw error;
      log.warn("the image index could not be written", { error: messageOf(error) });
    });
  });
  await parts.collector.sweep(
    await content.list(),
    snapshots.layers().map(({ chainId }) => chainId),
  );
}

function missingOf(
  id: Digest,
  record: ImageRecord,
  blobs: ReadonlySet<Digest>,
  isUnpacked: (chainId: Digest) => boolean,
): Digest | undefined {
  const metadata = [id, record.manifest.digest].find((digest) => !blobs.has(digest));
  if (metadata !== undefined) return metadata;
  const chains = layersOf(record);
  return record.layers.find(({ digest }, i) => !blobs.has(digest) && !isUnpacked(chains[i]!))?.digest;
}
