import type { EventSink } from "../base/events.ts";
import type { ContentStore } from "../content/content.ts";
import { chainIds, type Digest } from "../oci/digest.ts";
import type { Descriptor, ImageConfig } from "../oci/image.ts";
import { familiarString, type Reference } from "../oci/reference.ts";
import type { Snapshots } from "../snapshots/snapshots.ts";
import type { Lease } from "./collector.ts";
import type { Image } from "./images.ts";
import { metadataLimit, parseConfig, parseManifest } from "./parse.ts";
import { type ImageRecord, type ImageRecords, nowNano, type ReferenceRecord, referenceKey } from "./records.ts";

/** An image whose config and manifest were read and found sound; its layers may still have to be unpacked. */
export interface Candidate {
  readonly id: Digest;
  readonly config: ImageConfig;
  readonly manifest: Descriptor;
  readonly layers: readonly Descriptor[];
  readonly index?: Descriptor;
}

/** A candidate with the names that it is to get. */
export interface Named {
  readonly candidate: Candidate;
  readonly names: readonly Reference[];
  /** Replace the record of an image that is here already. */
  readonly replace?: boolean;
}

/** The parts that images are installed into. */
export interface Installation {
  readonly content: ContentStore;
  readonly snapshots: Snapshots;
  readonly records: ImageRecords;
  readonly events: EventSink;
}

/** Reads manifest and config of an image whose blobs are here. */
export async function readCandidate(
  content: ContentStore,
  manifest: Descriptor,
  index?: Descriptor,
): Promise<Candidate> {
  const { config: configDescriptor, layers } = parseManifest(await content.read(manifest.digest, metadataLimit));
  const config = parseConfig(await content.read(configDescriptor.digest, metadataLimit), layers.length);
  return { id: configDescriptor.digest, config, manifest, layers, ...(index === undefined ? {} : { index }) };
}

/** Claims what a candidate is made of. */
export async function claim(lease: Lease, candidate: Candidate): Promise<void> {
  const blobs = [candidate.id, candidate.manifest.digest, ...candidate.layers.map(({ digest }) => digest)];
  for (const digest of candidate.index ? [...blobs, candidate.index.digest] : blobs) await lease.blob(digest);
  await lease.chain(chainIds(candidate.config.rootfs.diff_ids));
}

/**
 * Commits images with their names in one transaction. An image that is here already keeps its record, unless blobs of
 * it are missing. Resolves with the images and the names that moved here from another image.
 */
export async function install(
  parts: Installation,
  all: readonly Named[],
): Promise<{ readonly images: Image[]; readonly moved: ReadonlyArray<{ name: string; from: Digest }> }> {
  const { records } = parts;
  return records.exclusively(async () => {
    const images = new Map<Digest, ImageRecord>();
    const references = new Map<string, ReferenceRecord>();
    const moved: Array<{ name: string; from: Digest }> = [];
    for (const { candidate, names, replace } of all) {
      images.set(candidate.id, await toRecord(parts, candidate, replace ?? false));
      for (const name of names) {
        const key = referenceKey(name);
        const old = references.get(key)?.image ?? records.named(name);
        if (old !== undefined && old !== candidate.id) moved.push({ name: familiarString(name), from: old });
        references.set(key, { image: candidate.id });
      }
    }
    await records.commit({ images, references });
    await writeIndex(parts);
    return { images: all.map(({ candidate: { id } }) => records.toImage(id, records.image(id)!)), moved };
  });
}

async function toRecord(parts: Installation, candidate: Candidate, replace: boolean): Promise<ImageRecord> {
  const { content, snapshots, records } = parts;
  const old = records.image(candidate.id);
  const lastTagged = nowNano();
  if (old && !replace && (await isComplete(content, old))) return { ...old, lastTagged };
  const sizes = chainIds(candidate.config.rootfs.diff_ids).map((chainId) => snapshots.layer(chainId)?.size ?? 0);
  const { config, manifest, layers, index } = candidate;
  const size = sizes.reduce((sum, each) => sum + each, 0);
  return { config, manifest, layers, size, lastTagged, ...(index === undefined ? {} : { index }) };
}

async function isComplete(content: ContentStore, { manifest, layers }: ImageRecord): Promise<boolean> {
  const sizes = await Promise.all([manifest, ...layers].map(({ digest }) => content.size(digest)));
  return sizes.every((size) => size !== undefined);
}

/** Writes index.json anew from the records: one entry a tag, so that other tools read the store as an OCI layout. */
export async function writeIndex({ content, records }: Pick<Installation, "content" | "records">): Promise<void> {
  const entries = records.references().sort(([a], [b]) => (a < b ? -1 : 1));
  const manifests = entries.flatMap(([key, { image }]) => {
    const record = records.image(image);
    if (record === undefined || key.includes("@")) return [];
    const { mediaType, digest, size } = record.manifest;
    const annotations = { "io.containerd.image.name": key, "org.opencontainers.image.ref.name": key };
    return [{ mediaType, digest, size, annotations }];
  });
  await content.writeIndex(manifests);
}

/** Sends an image's event with its labels, as Docker does. */
export function emitImageEvent(
  { events, records }: Pick<Installation, "events" | "records">,
  action: string,
  image: Digest,
  name: string,
  id: string = image,
): void {
  events.emit("image", action, id, { ...records.image(image)?.config.config?.Labels, name });
}
