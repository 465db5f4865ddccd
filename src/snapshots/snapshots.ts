import type { Operation } from "../base/operation.ts";
import type { Mount } from "../kernel/kernel.ts";
import type { Digest } from "../oci/digest.ts";

/**
 * File systems made of layers. A *layer* is an unpacked, read-only folder, known by its chain ID and shared by all; a
 * *snapshot* is a writable one on top of a layer, known by the ID of its container. A layer is visible only once it is
 * whole: it is unpacked beside its place and renamed into it, and what a killed unpacking left is swept at open.
 */
export interface Snapshots {
  /**
   * Unpacks a layer unless it is here. Concurrent calls for one chain ID share the work. Throws `corrupt` where the
   * archive is truncated, not an archive, or its uncompressed bytes do not hash to `diffId`; `invalid` where an entry
   * would leave the root; `exhausted` where the disk is full.
   */
  unpack(op: Operation, layer: LayerSource, onProgress?: (bytes: number) => void): Promise<Layer>;
  layer(chainId: Digest): Layer | undefined;
  layers(): Layer[];
  /** Removes a layer's folder. `conflict` while another layer or a snapshot stands on it. */
  removeLayer(chainId: Digest): Promise<void>;

  /** Makes an empty writable snapshot on a layer (on nothing without one). `conflict` where the ID is taken. */
  prepare(op: Operation, id: string, parent: Digest | undefined): Promise<Snapshot>;
  snapshot(id: string): Snapshot | undefined;
  snapshots(): Snapshot[];
  /** How the snapshot is mounted at `target`: data for the kernel floor. */
  mountOf(id: string, target: string): Mount;
  /** A read-only view of a layer at `target`. */
  viewOf(chainId: Digest, target: string): Mount;
  /** Removes a snapshot's folder; a missing one is no error. */
  remove(id: string): Promise<void>;
  /** Bytes on the disk that a snapshot's own changes take (blocks counted, hard links once). */
  usage(id: string): Promise<number>;
  /** Waits for what is going on, finishes the background work (removal, syncing) and ends the worker threads. */
  close(): Promise<void>;
}

export interface LayerSource {
  readonly chainId: Digest;
  /** The chain ID of the layer beneath. */
  readonly parent?: Digest;
  readonly diffId: Digest;
  /** The archive's file, as the content store has it; compression is told by its first bytes, not by its name. */
  readonly path: string;
}

export interface Layer {
  readonly chainId: Digest;
  readonly parent?: Digest;
  readonly diffId: Digest;
  /** The folder with the layer's own files. */
  readonly path: string;
  /** Sum of the sizes of its regular files, in bytes, as Docker counts an image's size. */
  readonly size: number;
}

export interface Snapshot {
  readonly id: string;
  readonly parent?: Digest;
  readonly upper: string;
  readonly work: string;
}
