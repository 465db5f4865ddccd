import type { Digest } from "../oci/digest.ts";
import type { Layer } from "../snapshots/snapshots.ts";
import type { Image, ImageHistory } from "./images.ts";

/** The lines of `docker history`, newest first. Only the newest has an ID and tags: the ones below came from elsewhere. */
export function imageHistory(
  image: Image,
  chains: readonly Digest[],
  layer: (chainId: Digest) => Pick<Layer, "size"> | undefined,
): ImageHistory[] {
  let position = 0;
  const lines = (image.config.history ?? []).map((entry): ImageHistory => {
    const chainId = entry.empty_layer ? undefined : chains[position++];
    return { ...entry, tags: [], size: (chainId && layer(chainId)?.size) ?? 0 };
  });
  lines.reverse();
  const [newest, ...rest] = lines;
  return newest === undefined ? [] : [{ ...newest, id: image.id, tags: image.tags }, ...rest];
}
