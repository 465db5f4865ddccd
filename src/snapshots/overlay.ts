import { chmod, chown, mkdir, rename } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { conflict, errnoOf, invalid, notFound, withKind } from "../base/errors.ts";
import { shortId } from "../base/ids.ts";
import type { Logger } from "../base/log.ts";
import type { Operation } from "../base/operation.ts";
import { withUndo } from "../base/undo.ts";
import type { Mount } from "../kernel/kernel.ts";
import { type Digest, digestHex } from "../oci/digest.ts";
import type { Store } from "../store/store.ts";
import { Janitor } from "./janitor.ts";
import { bootId, type LayerRecord, Records } from "./records.ts";
import { SharedWork } from "./shared-work.ts";
import type { Layer, LayerSource, Snapshot, Snapshots } from "./snapshots.ts";
import { exists, sweep, toTrash } from "./sweep.ts";
import { unpackLayer } from "./unpack/unpack-layer.ts";
import { WorkerPool, workerEntry } from "./workers.ts";

export interface SnapshotsOptions {
  /** The folder of all layers and snapshots. */
  readonly root: string;
  readonly store: Store;
  /** How many layers are unpacked side by side, with two threads each; the machine's cores unless given, at most 4. */
  readonly parallel?: number;
  readonly log?: Pick<Logger, "warn">;
  /** The worker's entry point. */
  readonly worker?: URL;
}

/**
 * Opens the layers and snapshots below `root`: `<hex of the chain ID>/fs` for each layer, `<container ID>/upper` and
 * `work` for each snapshot, mounted by overlayfs. One process at a time. What a process that died left half-made is
 * moved aside before this resolves, and its disk space comes back in the background.
 */
export async function openSnapshots(options: SnapshotsOptions): Promise<Snapshots> {
  const records = new Records(options.root, options.store);
  try {
    const boot = await bootId();
    await sweep(records, boot);
    const snapshots = new OverlaySnapshots(records, boot, options);
    snapshots.janitor.trashChanged();
    snapshots.janitor.layerAdded();
    return snapshots;
  } catch (error) {
    throw withKind(error);
  }
}

class OverlaySnapshots implements Snapshots {
  readonly janitor: Janitor;
  readonly #records: Records;
  readonly #boot: string;
  readonly #pool: WorkerPool;
  readonly #unpacking = new SharedWork<Layer>();
  /** Snapshots that are being made, with the layer that each stands on. */
  readonly #preparing = new Map<string, Digest | undefined>();
  #serial = 0;

  constructor(records: Records, boot: string, options: SnapshotsOptions) {
    const { parallel = Math.min(4, availableParallelism()), worker: entry = workerEntry } = options;
    this.#records = records;
    this.#boot = boot;
    this.#pool = new WorkerPool({ limit: parallel, width: 2, entry });
    this.janitor = new Janitor(records, boot, new WorkerPool({ limit: 2, width: 1, entry }), options.log);
  }

  async unpack(op: Operation, source: LayerSource, onProgress?: (bytes: number) => void): Promise<Layer> {
    const known = this.layer(source.chainId);
    if (known) return known;
    const { parent } = source;
    if (parent && !this.layer(parent) && !this.#unpacking.current(parent)) throw noLayer(parent);
    try {
      return await this.#unpacking.run(op, source.chainId, (own) => this.#unpack(own, source, onProgress));
    } catch (error) {
      throw withKind(error);
    }
  }

  layer(chainId: Digest): Layer | undefined {
    const record = this.#records.layers.get(chainId);
    return record && this.#records.layer(chainId, record);
  }

  layers(): Layer[] {
    return this.#records.layers.entries().map(([id, record]) => this.#records.layer(id as Digest, record));
  }

  async removeLayer(chainId: Digest): Promise<void> {
    const user = this.#userOf(chainId);
    if (user !== undefined) throw conflict(`layer ${shortId(chainId)} is used by ${shortId(user)}`, { id: chainId });
    await this.#records.layers.remove(chainId);
    if (await this.#discard(this.#records.layerFolder(chainId))) this.janitor.trashChanged();
  }

  async prepare(op: Operation, id: string, parent: Digest | undefined): Promise<Snapshot> {
    op.check();
    if (!/^[A-Za-z0-9][\w.-]*$/.test(id)) throw invalid(`invalid snapshot ID: ${JSON.stringify(id)}`);
    const below = parent && this.#records.layers.get(parent);
    if (parent && !below) throw noLayer(parent);
    if (this.#preparing.has(id) || this.#records.snapshots.get(id)) throw taken(id);
    this.#preparing.set(id, parent);
    try {
      await withUndo(async (step) => {
        const record = { ...(parent && { parent }) };
        await step(
          () => makeFolders(this.#records.snapshot(id, record), this.#records.snapshotFolder(id), below),
          () => this.#discard(this.#records.snapshotFolder(id)),
        );
        await step(() => this.#records.snapshots.put(id, record));
      });
    } finally {
      this.#preparing.delete(id);
    }
    return this.#records.snapshot(id, { parent });
  }

  snapshot(id: string): Snapshot | undefined {
    const record = this.#records.snapshots.get(id);
    return record && this.#records.snapshot(id, record);
  }

  snapshots(): Snapshot[] {
    return this.#records.snapshots.entries().map(([id, record]) => this.#records.snapshot(id, record));
  }

  mountOf(id: string, target: string): Mount {
    const snapshot = this.snapshot(id);
    if (!snapshot) throw notFound(`snapshot ${shortId(id)} does not exist`, { id });
    const { upper, work, parent } = snapshot;
    if (!parent) return { type: "bind", source: upper, target };
    return { type: "overlay", target, lower: this.#chain(parent), upper, work };
  }

  viewOf(chainId: Digest, target: string): Mount {
    const lower = this.#chain(chainId);
    // overlayfs without an upper folder wants two lower ones.
    if (lower.length === 1) return { type: "bind", source: lower[0]!, target, readOnly: true };
    return { type: "overlay", target, lower };
  }

  async remove(id: string): Promise<void> {
    if (!this.#records.snapshots.get(id)) return;
    const folder = this.#records.snapshotFolder(id);
    await Promise.all([this.#discard(folder), this.#records.snapshots.remove(id)]);
    this.janitor.trashChanged();
  }

  async usage(id: string): Promise<number> {
    const snapshot = this.snapshot(id);
    if (!snapshot) throw notFound(`snapshot ${shortId(id)} does not exist`, { id });
    return this.janitor.usage(snapshot.upper);
  }

  async close(): Promise<void> {
    await this.#unpacking.idle();
    await this.#pool.close();
    await this.janitor.close();
  }

  async #unpack(op: Operation, source: LayerSource, onProgress?: (bytes: number) => void): Promise<Layer> {
    const { chainId, parent, diffId } = source;
    const folder = join(this.#records.temporary, `${digestHex(chainId)}.${this.#serial++}`);
    const below = async (): Promise<readonly string[]> => {
      if (!parent) return [];
      await this.#unpacking.current(parent);
      return this.#chain(parent);
    };
    const { size, root, opaque } = await this.#pool.use((group) =>
      unpackLayer(op, group, { layer: source, folder: join(folder, "fs"), below, onProgress }),
    );
    try {
      if (parent) await this.#unpacking.current(parent);
      const place = this.#records.layerFolder(chainId);
      if (await exists(place)) await this.#discard(place);
      await rename(folder, place);
      const record: LayerRecord = {
        ...(parent && { parent }),
        diffId,
        size,
        root,
        ...(opaque && { opaque }),
        unsynced: this.#boot,
      };
      await this.#records.layers.put(chainId, record);
      this.janitor.layerAdded();
      return this.#records.layer(chainId, record);
    } catch (error) {
      await this.#discard(folder);
      await this.#discard(this.#records.layerFolder(chainId));
      this.janitor.trashChanged();
      throw error;
    }
  }

  /** The folders of a layer and of all below it that show through, topmost first. */
  #chain(top: Digest): string[] {
    const folders: string[] = [];
    for (let id: Digest | undefined = top; id !== undefined; ) {
      const record: LayerRecord | undefined = this.#records.layers.get(id);
      if (!record) throw noLayer(id);
      folders.push(this.#records.layer(id, record).path);
      id = record.opaque ? undefined : record.parent;
    }
    return folders;
  }

  /** A layer or snapshot that stands on the layer. */
  #userOf(chainId: Digest): string | undefined {
    const onIt = ([, { parent }]: readonly [string, { parent?: Digest }]): boolean => parent === chainId;
    for (const [id, parent] of this.#preparing) if (parent === chainId) return id;
    return (this.#records.layers.entries().find(onIt) ?? this.#records.snapshots.entries().find(onIt))?.[0];
  }

  #discard(folder: string): Promise<boolean> {
    return toTrash(this.#records, folder);
  }
}

/** A snapshot's folders. Its root begins with the mode and owner of the layer's, which it hides. */
async function makeFolders({ upper, work }: Snapshot, folder: string, below: LayerRecord | undefined): Promise<void> {
  try {
    await mkdir(folder, { mode: 0o700 });
  } catch (error) {
    if (errnoOf(error) === "EEXIST") throw taken(folder);
    throw error;
  }
  await Promise.all([mkdir(upper), mkdir(work)]);
  if (!below) return;
  const { mode, uid, gid } = below.root;
  if (uid !== 0 || gid !== 0) await chown(upper, uid, gid);
  if (mode !== 0o755 || process.umask() !== 0o022) await chmod(upper, mode);
}

const noLayer = (id: Digest) => notFound(`layer ${shortId(id)} does not exist`, { id });
const taken = (id: string) => conflict(`snapshot ${shortId(id)} exists already`, { id });
