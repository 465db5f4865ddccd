import { notFound } from "../base/errors.ts";
import { type Descriptor, type Index, mediaTypes } from "../oci/image.ts";
import { formatPlatform, matchesPlatform, type Platform } from "../oci/platform.ts";

/** True for an image index or a manifest list. */
export function isIndexType(mediaType: string): boolean {
  return mediaType === mediaTypes.ociIndex || mediaType === mediaTypes.dockerList;
}

/** The manifest of an index for a platform: the first that matches, an exact variant before any other. */
export function chooseManifest(index: Index, platform: Platform): Descriptor {
  const matching = index.manifests.filter((entry) => entry.platform && matchesPlatform(platform, entry.platform));
  const exact = matching.find((entry) => (entry.platform!.variant ?? "") === (platform.variant ?? ""));
  const chosen = exact ?? matching[0];
  if (chosen) return chosen;
  const [only] = index.manifests;
  if (index.manifests.length === 1 && only && !only.platform && !isIndexType(only.mediaType)) return only;
  throw notFound(`no matching manifest for ${formatPlatform(platform)} in the manifest list entries`);
}
