import type { Readable } from "node:stream";
import { shortId } from "../../base/ids.ts";
import type { Operation } from "../../base/operation.ts";
import { hostPlatform } from "../../oci/platform.ts";
import { familiarString } from "../../oci/reference.ts";
import type { Collector } from "../collector.ts";
import type { LoadOptions, LoadResult } from "../images.ts";
import { claim, emitImageEvent, type Installation, install } from "../installer.ts";
import { unpackLayers } from "../unpack.ts";
import { readArchive } from "./files.ts";
import { planArchive } from "./plan.ts";

/** Loads an archive: takes its blobs in while it streams, unpacks the layers, and names everything in one commit. */
export async function loadArchive(
  op: Operation,
  parts: Installation & { readonly collector: Collector },
  archive: Readable,
  { platform, onProgress }: LoadOptions = {},
): Promise<LoadResult> {
  return parts.collector.hold(async (lease) => {
    op.step("read archive");
    const files = await readArchive(op, parts.content, lease, archive);
    const planned = await planArchive({
      op,
      content: parts.content,
      lease,
      files,
      platform: platform ?? hostPlatform(),
      platformAsked: platform !== undefined,
    });
    for (const { candidate } of planned) {
      await claim(lease, candidate);
      op.step(`unpack ${candidate.id}`);
      await unpackLayers(op, parts, candidate, {
        onProgress: (position, current) => {
          const { digest, size: total } = candidate.layers[position]!;
          onProgress?.({ status: "Loading layer", id: shortId(digest), current, total });
        },
      });
    }
    op.check();
    op.step("commit");
    const { images, moved } = await install(parts, planned);
    for (const { name, from } of moved)
      onProgress?.({
        status: `The image ${name} already exists, renaming the old one with ID ${from} to empty string`,
      });
    for (const { id } of images) emitImageEvent(parts, "load", id, id);
    const loaded = images.flatMap((image, i) => {
      const names = planned[i]!.names.map(familiarString);
      return names.length === 0 ? [{ image }] : names.map((name) => ({ image, name }));
    });
    return { loaded };
  });
}
