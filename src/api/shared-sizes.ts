import type { Image } from "../images/images.ts";
import { chainIds } from "../oci/digest.ts";

/**
 * Bytes of each image that another image has too, by image ID. Only whole images can be compared here, for a layer's own
 * size is not in an image's record: an image whose layers are all at the bottom of another shares all of itself, and the
 * other shares that much.
 */
export function sharedSizes(images: readonly Image[]): Map<string, number> {
  const chains = images.map((image) => ({ image, chain: chainIds(image.config.rootfs.diff_ids) }));
  const tops = new Map(chains.map(({ image, chain }) => [chain.at(-1), image]));
  const shared = new Map<string, number>();
  const note = (id: string, size: number): void => void shared.set(id, Math.max(shared.get(id) ?? 0, size));
  for (const { image, chain } of chains) {
    for (const id of chain) {
      const base = tops.get(id);
      if (!base || base.id === image.id) continue;
      note(image.id, base.size);
      note(base.id, base.size);
    }
  }
  return shared;
}
