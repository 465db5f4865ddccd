import type { Readable } from "node:stream";
import type { Operation } from "../base/operation.ts";
import type { Digest } from "../oci/digest.ts";
import type { Descriptor } from "../oci/image.ts";

/**
 * Blobs by digest, in a folder that is a standard OCI image layout (OCI image-spec, image-layout.md). A blob becomes
 * visible only once its bytes hash to its digest and are on the disk; a writer that fails or dies leaves nothing
 * visible, and what it left behind is swept when the store opens.
 */
export interface ContentStore {
  /** The blob's size in bytes, or undefined where it is not here. */
  size(digest: Digest): Promise<number | undefined>;
  /** The blob's bytes as a stream. `notFound` where it is not here. */
  open(digest: Digest, range?: { readonly start?: number }): Promise<Readable>;
  /** The whole blob in memory. `invalid` where it is larger than `limit` bytes (4 MiB unless given). */
  read(digest: Digest, limit?: number): Promise<Buffer>;
  /**
   * Takes a stream in, hashing while writing. Resolves with digest and size once the blob is visible; a blob that is
   * here already is read to its end and dropped. Throws `corrupt` where digest or size is not the expected one, and
   * `exhausted` where the disk is full.
   */
  ingest(op: Operation, source: Readable, expected?: Expected): Promise<Blob>;
  /** `ingest` for bytes in memory. */
  put(op: Operation, bytes: Uint8Array, expected?: Expected): Promise<Blob>;
  /** Where the blob's file is, for readers such as unpacking workers. */
  path(digest: Digest): string;
  remove(digest: Digest): Promise<void>;
  list(): Promise<Digest[]>;
  /** Replaces `index.json`, atomically: the tagged manifests, each with its name in the standard annotation. */
  writeIndex(manifests: readonly Descriptor[]): Promise<void>;
}

export interface Expected {
  readonly digest?: Digest;
  /** Bytes. A longer stream is cut off and refused as soon as it is too long. */
  readonly size?: number;
}

export interface Blob {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
}
