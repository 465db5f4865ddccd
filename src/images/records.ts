import { KeyedQueue } from "../base/queue.ts";
import { chainIds, type Digest } from "../oci/digest.ts";
import type { Descriptor, ImageConfig } from "../oci/image.ts";
import { canonicalString, familiarString, parseReference, type Reference } from "../oci/reference.ts";
import type { Store, Table } from "../store/store.ts";
import type { Image } from "./images.ts";

/** What the store keeps of an image, under its ID. Its names are records of their own. */
export interface ImageRecord {
  readonly config: ImageConfig;
  readonly manifest: Descriptor;
  /** As the manifest lists them, bottom first. */
  readonly layers: readonly Descriptor[];
  readonly index?: Descriptor;
  /** Sum of the unpacked layers' sizes, in bytes. */
  readonly size: number;
  /** Nanoseconds since the epoch. */
  readonly lastTagged: number;
}

/** What a canonical reference (`docker.io/library/busybox:latest`, `host/x@sha256:…`) names. */
export interface ReferenceRecord {
  readonly image: Digest;
}

/** One change of the records, committed as a whole. */
export interface RecordChange {
  readonly images?: ReadonlyMap<Digest, ImageRecord>;
  readonly references?: ReadonlyMap<string, ReferenceRecord>;
  readonly removedImages?: readonly Digest[];
  readonly removedReferences?: readonly string[];
}

/**
 * The images and their names: two tables of the store, with a copy in memory that is changed once the store has the
 * change, so that reading costs nothing on the way to a container's start.
 */
export class ImageRecords {
  readonly #store: Store;
  readonly #imageTable: Table<ImageRecord>;
  readonly #referenceTable: Table<ReferenceRecord>;
  readonly #images: Map<Digest, ImageRecord>;
  readonly #references: Map<string, ReferenceRecord>;
  readonly #queue = new KeyedQueue();

  constructor(store: Store) {
    this.#store = store;
    this.#imageTable = store.table("images", { version: 1 });
    this.#referenceTable = store.table("image-references", { version: 1 });
    this.#images = new Map(this.#imageTable.entries() as Array<[Digest, ImageRecord]>);
    this.#references = new Map(this.#referenceTable.entries());
  }

  image(id: Digest): ImageRecord | undefined {
    return this.#images.get(id);
  }

  images(): Array<readonly [Digest, ImageRecord]> {
    return [...this.#images];
  }

  /** What a reference names. With a digest, the digest alone decides and a tag beside it is passed over. */
  named(reference: Reference): Digest | undefined {
    return this.#references.get(referenceKey(reference))?.image;
  }

  references(): Array<readonly [string, ReferenceRecord]> {
    return [...this.#references];
  }

  /** The names of an image, in the order of their canonical forms. */
  referencesOf(id: Digest): Reference[] {
    const keys = [...this.#references].filter(([, record]) => record.image === id).map(([key]) => key);
    return keys.sort().map(parseReference);
  }

  /** Runs `task` alone: what it reads is still so when it calls {@link commit}. */
  exclusively<T>(task: () => Promise<T>): Promise<T> {
    return this.#queue.run("records", task);
  }

  async commit(change: RecordChange): Promise<void> {
    await this.#store.transaction(() => {
      for (const [id, record] of change.images ?? []) void this.#imageTable.put(id, record);
      for (const [key, record] of change.references ?? []) void this.#referenceTable.put(key, record);
      for (const id of change.removedImages ?? []) void this.#imageTable.remove(id);
      for (const key of change.removedReferences ?? []) void this.#referenceTable.remove(key);
    });
    for (const [id, record] of change.images ?? []) this.#images.set(id, record);
    for (const [key, record] of change.references ?? []) this.#references.set(key, record);
    for (const id of change.removedImages ?? []) this.#images.delete(id);
    for (const key of change.removedReferences ?? []) this.#references.delete(key);
  }

  /** The image as the contract shows it. */
  toImage(id: Digest, record: ImageRecord): Image {
    const names = this.referencesOf(id);
    return {
      id,
      config: record.config,
      manifest: record.manifest,
      ...(record.index === undefined ? {} : { index: record.index }),
      tags: names.filter(({ digest }) => digest === undefined).map(familiarString),
      digests: names.filter(({ digest }) => digest !== undefined).map(familiarString),
      size: record.size,
      lastTagged: record.lastTagged,
    };
  }
}

/** The key of a reference's record: its canonical form, without the tag where it has a digest. */
export function referenceKey(reference: Reference): string {
  return canonicalString(reference.digest === undefined ? reference : { ...reference, tag: undefined });
}

/** Every blob that a record names. */
export function blobsOf(id: Digest, record: ImageRecord): Digest[] {
  const index = record.index === undefined ? [] : [record.index.digest];
  return [id, record.manifest.digest, ...index, ...record.layers.map(({ digest }) => digest)];
}

/** The chain IDs of a record's layers, bottom first. */
export function layersOf(record: ImageRecord): readonly Digest[] {
  const known = chainsOfRecord.get(record);
  if (known) return known;
  const chains = chainIds(record.config.rootfs.diff_ids);
  chainsOfRecord.set(record, chains);
  return chains;
}

const chainsOfRecord = new WeakMap<ImageRecord, readonly Digest[]>();

/** Wall time in nanoseconds, as records keep it. */
export function nowNano(): number {
  return Date.now() * 1_000_000;
}
