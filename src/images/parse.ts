import { corrupt, invalid, isKind } from "../base/errors.ts";
import { isDigest } from "../oci/digest.ts";
import type { Descriptor, ImageConfig, Index, Manifest } from "../oci/image.ts";

/** Largest config and manifest that are read, in bytes; registries refuse larger manifests too. */
export const metadataLimit = 4 * 1024 * 1024;

/** Parses a manifest's bytes and checks its form. */
export function parseManifest(bytes: Uint8Array): Manifest {
  const manifest = parseJson<Manifest>(bytes, "manifest");
  if (!isDescriptor(manifest.config) || !Array.isArray(manifest.layers) || !manifest.layers.every(isDescriptor))
    throw corrupt("invalid manifest: it has no config or its layers are not descriptors");
  return manifest;
}

/** Parses an image's config and checks it against the manifest's number of layers; `mismatch` words that complaint. */
export function parseConfig(
  bytes: Uint8Array,
  layerCount: number,
  mismatch = (actual: number): string =>
    `invalid manifest, layers length mismatch: expected ${layerCount}, got ${actual}`,
): ImageConfig {
  const config = parseJson<ImageConfig>(bytes, "image config");
  const diffIds: unknown = config.rootfs?.diff_ids ?? [];
  if (!Array.isArray(diffIds) || !diffIds.every((id) => typeof id === "string" && isDigest(id)))
    throw corrupt("invalid image config: rootfs.diff_ids are not digests");
  if (diffIds.length !== layerCount) throw corrupt(mismatch(diffIds.length));
  const os = config.os || "linux";
  if (os !== "linux") throw invalid(`cannot load ${os} image on linux`);
  return { ...config, os, architecture: config.architecture ?? "", rootfs: { type: "layers", diff_ids: diffIds } };
}

/** Parses an index's or manifest list's bytes and checks its form. */
export function parseIndex(bytes: Uint8Array): Index {
  const index = parseJson<Index>(bytes, "image index");
  if (!Array.isArray(index.manifests) || !index.manifests.every(isDescriptor))
    throw corrupt("invalid image index: its manifests are not descriptors");
  return index;
}

/** Parses JSON from a stranger; `corrupt` where it is none, or no object. */
export function parseJson<T extends object>(bytes: Uint8Array, what: string): T {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString("utf8"));
    if (typeof value === "object" && value !== null) return value as T;
    throw corrupt(`invalid ${what}: not a JSON object`);
  } catch (error) {
    if (isKind(error)) throw error;
    throw corrupt(`invalid ${what}: ${(error as Error).message}`, { cause: error });
  }
}

/** True for an object with the three fields of a descriptor, well-formed. */
export function isDescriptor(value: unknown): value is Descriptor {
  const { mediaType, digest, size } = (value ?? {}) as Partial<Record<keyof Descriptor, unknown>>;
  return (
    typeof mediaType === "string" &&
    typeof digest === "string" &&
    isDigest(digest) &&
    Number.isSafeInteger(size) &&
    (size as number) >= 0
  );
}
