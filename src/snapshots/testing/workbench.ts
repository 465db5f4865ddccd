import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Operation } from "../../base/operation.ts";
import { type Digest, digestOf } from "../../oci/digest.ts";
import { openStore } from "../../store/lmdb.ts";
import type { Store } from "../../store/store.ts";
import { openSnapshots } from "../overlay.ts";
import type { Layer, Snapshots } from "../snapshots.ts";

/** Where the workbench puts its clean-up: a test's context, or node:test itself for a whole file. */
export interface Scope {
  after(body: () => Promise<void>): void;
}

/** Snapshots on a folder of their own, which is removed when the scope ends. */
export interface Workbench {
  readonly folder: string;
  readonly root: string;
  readonly snapshots: Snapshots;
  readonly store: Store;
  readonly op: Operation;
  /** A new empty folder beside the root. */
  scratch(): string;
  /** Unpacks an archive that is in memory; its chain ID is made up from a count unless given. */
  unpack(archive: Uint8Array, options?: UnpackOptions): Promise<Layer>;
  /** The names of what is in the root, but for layers and snapshots that are there by right. */
  leftovers(): string[];
  reopen(): Promise<Snapshots>;
}

export interface UnpackOptions {
  readonly parent?: Digest;
  readonly diffId?: Digest;
  readonly chainId?: Digest;
  readonly op?: Operation;
  /** The archive as it is stored, where it is compressed. */
  readonly stored?: Uint8Array;
}

let serial = 0;

/** `folder` is a temporary one unless given. */
export async function workbench(scope: Scope, given?: string): Promise<Workbench> {
  const folder = given ?? mkdtempSync(join(tmpdir(), "keelson-snapshots-"));
  const root = join(folder, "snapshots");
  mkdirSync(root, { recursive: true });
  let store: Store = openStore(join(folder, "store"));
  let snapshots = await openSnapshots({ root, store });
  const op = new Operation("test");
  scope.after(async () => {
    await snapshots.close();
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    folder,
    root,
    op,
    get snapshots() {
      return snapshots;
    },
    get store() {
      return store;
    },
    scratch: () => mkdtempSync(join(folder, "scratch-")),
    async unpack(archive, options = {}) {
      const path = join(folder, `archive-${serial++}`);
      writeFileSync(path, options.stored ?? archive);
      const diffId = options.diffId ?? digestOf(archive);
      const chainId = options.chainId ?? digestOf(`chain ${serial}`);
      const { parent, op: own = op } = options;
      return snapshots.unpack(own, { chainId, diffId, path, ...(parent && { parent }) });
    },
    leftovers() {
      const known = [
        ...snapshots.layers().map(({ chainId }) => chainId.slice(7)),
        ...snapshots.snapshots().map(({ id }) => id),
      ];
      const inside = (name: string): string[] => readdirSync(join(root, name)).map((child) => `${name}/${child}`);
      return [...readdirSync(root).filter((name) => !name.startsWith(".") && !known.includes(name)), ...inside(".tmp")];
    },
    async reopen() {
      await snapshots.close();
      await store.close();
      store = openStore(join(folder, "store"));
      snapshots = await openSnapshots({ root, store });
      return snapshots;
    },
  };
}
