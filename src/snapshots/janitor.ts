import type { Logger } from "../base/log.ts";
import { syncFileSystem } from "../kernel/files.ts";
import type { LayerRecord, Records } from "./records.ts";
import { removeSmallTrees } from "./small-trees.ts";
import type { WorkerPool } from "./workers.ts";

/** Work is collected for this long, in milliseconds, so that it neither delays what is going on nor is done piecemeal. */
const trashDelay = 250;
const syncDelay = 5_000;

/**
 * What is done behind the callers' backs, by a worker thread where it is much: emptying the trash, and getting new layers onto the disk,
 * after which their records say so.
 */
export class Janitor {
  readonly #records: Records;
  readonly #log: Pick<Logger, "warn"> | undefined;
  readonly #boot: string;
  readonly #pool: WorkerPool;
  readonly #timers = new Map<string, NodeJS.Timeout>();
  #work: Promise<void> = Promise.resolve();

  constructor(records: Records, boot: string, pool: WorkerPool, log?: Pick<Logger, "warn">) {
    this.#records = records;
    this.#boot = boot;
    this.#pool = pool;
    this.#log = log;
  }

  trashChanged(): void {
    this.#later("trash", trashDelay, () => this.#emptyTrash());
  }

  layerAdded(): void {
    this.#later("sync", syncDelay, () => this.#sync());
  }

  usage(folder: string): Promise<number> {
    return this.#pool.use(([worker]) => worker!.run({ kind: "usage", folder }));
  }

  /** Does at once what is waiting, and ends. */
  async close(): Promise<void> {
    const waiting = [...this.#timers.keys()];
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    if (waiting.includes("trash")) this.#queue(() => this.#emptyTrash());
    if (waiting.includes("sync")) this.#queue(() => this.#sync());
    await this.#work;
    await this.#pool.close();
  }

  #later(name: string, delay: number, work: () => Promise<void>): void {
    if (this.#timers.has(name)) return;
    const start = (): void => {
      this.#timers.delete(name);
      this.#queue(work);
    };
    this.#timers.set(name, setTimeout(start, delay).unref());
  }

  #queue(work: () => Promise<void>): void {
    this.#work = this.#work.then(work).catch((error: unknown) => {
      this.#log?.warn("snapshots: background work failed", { error });
    });
  }

  async #emptyTrash(): Promise<void> {
    if (removeSmallTrees(this.#records.trash)) return;
    await this.#pool.use(([worker]) => worker!.run({ kind: "empty", folder: this.#records.trash }));
  }

  async #sync(): Promise<void> {
    const waiting = this.#records.layers.entries().filter(([, record]) => record.unsynced === this.#boot);
    if (waiting.length === 0) return;
    await syncFileSystem(this.#records.root);
    for (const [id, before] of waiting) {
      // Removed meanwhile.
      if (!this.#records.layers.get(id)) continue;
      const { unsynced: _, ...record }: LayerRecord = before;
      await this.#records.layers.put(id, record);
    }
  }
}
