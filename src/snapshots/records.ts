import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Digest, digestHex } from "../oci/digest.ts";
import type { Store, Table } from "../store/store.ts";
import type { Layer, Snapshot } from "./snapshots.ts";

export interface LayerRecord {
  readonly parent?: Digest;
  readonly diffId: Digest;
  readonly size: number;
  /** Mode and owner of its root, which a snapshot on it begins with. */
  readonly root: { readonly mode: number; readonly uid: number; readonly gid: number };
  /** It hides everything below. */
  readonly opaque?: boolean;
  /**
   * Where the layer's files may not be on the disk yet: the kernel's boot ID. After another boot they cannot be
   * trusted, and the layer is unpacked anew.
   */
  readonly unsynced?: string;
}

export interface SnapshotRecord {
  readonly parent?: Digest;
}

/** The tables, and where things are. */
export class Records {
  readonly root: string;
  readonly layers: Table<LayerRecord>;
  readonly snapshots: Table<SnapshotRecord>;

  constructor(root: string, store: Store) {
    this.root = root;
    this.layers = store.table<LayerRecord>("layers", { version: 1 });
    this.snapshots = store.table<SnapshotRecord>("snapshots", { version: 1 });
  }

  /** Where layers are unpacked before they get their place. */
  get temporary(): string {
    return join(this.root, ".tmp");
  }

  /** What is being removed. */
  get trash(): string {
    return join(this.root, ".trash");
  }

  layerFolder(chainId: Digest): string {
    return join(this.root, digestHex(chainId));
  }

  snapshotFolder(id: string): string {
    return join(this.root, id);
  }

  layer(chainId: Digest, record: LayerRecord): Layer {
    const { parent, diffId, size } = record;
    return { chainId, ...(parent && { parent }), diffId, path: join(this.layerFolder(chainId), "fs"), size };
  }

  snapshot(id: string, { parent }: SnapshotRecord): Snapshot {
    const folder = this.snapshotFolder(id);
    return { id, ...(parent && { parent }), upper: join(folder, "upper"), work: join(folder, "work") };
  }
}

/** Changes with every start of the machine. */
export async function bootId(): Promise<string> {
  return (await readFile("/proc/sys/kernel/random/boot_id", "utf8")).trim();
}
