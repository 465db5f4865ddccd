import { isKind } from "../base/errors.ts";
import type { ContentStore } from "../content/content.ts";
import type { Digest } from "../oci/digest.ts";
import type { Snapshots } from "../snapshots/snapshots.ts";
import { blobsOf, type ImageRecords, layersOf } from "./records.ts";

/** What a running operation keeps from being swept: blobs and layers that it uses before a record names them. */
export interface Lease {
  /** Keeps a blob. Claim it before looking whether it is here. */
  blob(digest: Digest): Promise<void>;
  /** Keeps layers, by chain ID. */
  chain(chainIds: readonly Digest[]): Promise<void>;
  /** Keeps every blob until {@link Lease.blob} has been called for those in use: for digests known only afterwards. */
  everyBlob(): Promise<void>;
}

/**
 * Sweeps blobs and layers that no record names. A running operation holds a lease on what it works with; when it ends,
 * well or not, what it claimed and no record names goes. What cannot go yet (another operation has it, a container
 * stands on it) is tried again at the next sweep.
 */
export class Collector {
  readonly #content: Pick<ContentStore, "remove">;
  readonly #snapshots: Pick<Snapshots, "layer" | "removeLayer">;
  readonly #records: ImageRecords;
  readonly #leases = new Set<HeldLease>();
  readonly #going: Going = { blobs: new Map(), layers: new Map() };
  readonly #pendingBlobs = new Set<Digest>();
  readonly #pendingLayers = new Set<Digest>();

  constructor(parts: {
    content: Pick<ContentStore, "remove">;
    snapshots: Pick<Snapshots, "layer" | "removeLayer">;
    records: ImageRecords;
  }) {
    this.#content = parts.content;
    this.#snapshots = parts.snapshots;
    this.#records = parts.records;
  }

  /** Runs `body` with a lease; afterwards sweeps what it claimed and did not name. */
  async hold<T>(body: (lease: Lease) => Promise<T>): Promise<T> {
    const lease = new HeldLease(this.#going);
    this.#leases.add(lease);
    try {
      return await body(lease);
    } finally {
      this.#leases.delete(lease);
      await this.sweep(lease.blobs, [...lease.layers].reverse());
    }
  }

  /** Removes those that nothing names or holds, layers topmost first. Resolves with the layers that went. */
  async sweep(blobs: Iterable<Digest>, chains: Iterable<Digest>): Promise<Digest[]> {
    for (const digest of blobs) this.#pendingBlobs.add(digest);
    for (const chainId of chains) this.#pendingLayers.add(chainId);
    for (const digest of [...this.#pendingBlobs]) {
      if (this.#isNamed(digest, "blobs")) this.#pendingBlobs.delete(digest);
      else if (!this.#isHeld(digest, "blobs")) await this.#go(digest, "blobs", () => this.#removeBlob(digest));
    }
    return this.#sweepLayers();
  }

  /** A layer goes only after those above it: passes are made until one removes nothing. */
  async #sweepLayers(): Promise<Digest[]> {
    const gone: Digest[] = [];
    for (let progress = true; progress; ) {
      progress = false;
      for (const chainId of [...this.#pendingLayers]) {
        if (this.#isNamed(chainId, "layers")) this.#pendingLayers.delete(chainId);
        else if (this.#isHeld(chainId, "layers")) continue;
        else if (await this.#go(chainId, "layers", () => this.#removeLayer(chainId))) {
          gone.push(chainId);
          progress = true;
        }
      }
    }
    return gone;
  }

  async #removeBlob(digest: Digest): Promise<void> {
    this.#pendingBlobs.delete(digest);
    await this.#content.remove(digest);
  }

  /** True where it went now. */
  async #removeLayer(chainId: Digest): Promise<boolean> {
    this.#pendingLayers.delete(chainId);
    if (this.#snapshots.layer(chainId) === undefined) return false;
    try {
      await this.#snapshots.removeLayer(chainId);
      return true;
    } catch (error) {
      if (!isKind(error, "conflict")) throw error;
      this.#pendingLayers.add(chainId);
      return false;
    }
  }

  async #go<T>(digest: Digest, what: keyof Going, remove: () => Promise<T>): Promise<T | undefined> {
    const going = this.#going[what];
    if (going.has(digest)) return undefined;
    const work = remove();
    going.set(
      digest,
      work.catch(() => {}),
    );
    try {
      return await work;
    } finally {
      going.delete(digest);
    }
  }

  #isHeld(digest: Digest, what: keyof Going): boolean {
    return [...this.#leases].some((lease) => lease[what].has(digest) || (what === "blobs" && lease.every));
  }

  /** Asked right before each removal, for another operation may have named it meanwhile. */
  #isNamed(digest: Digest, what: keyof Going): boolean {
    return this.#records
      .images()
      .some(([id, record]) => (what === "blobs" ? blobsOf(id, record) : layersOf(record)).includes(digest));
  }
}

/** What is being removed at the moment. */
interface Going {
  readonly blobs: Map<Digest, Promise<unknown>>;
  readonly layers: Map<Digest, Promise<unknown>>;
}

class HeldLease {
  readonly blobs = new Set<Digest>();
  readonly layers = new Set<Digest>();
  every = false;
  readonly #going: Going;

  constructor(going: Going) {
    this.#going = going;
  }

  async blob(digest: Digest): Promise<void> {
    this.blobs.add(digest);
    await this.#going.blobs.get(digest);
  }

  async chain(chainIds: readonly Digest[]): Promise<void> {
    for (const chainId of chainIds) this.layers.add(chainId);
    for (const chainId of chainIds) await this.#going.layers.get(chainId);
  }

  async everyBlob(): Promise<void> {
    this.every = true;
    await Promise.all(this.#going.blobs.values());
  }
}
