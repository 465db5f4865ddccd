import { mkdirSync } from "node:fs";
import { readdir, rmdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { conflict, errnoOf, messageOf, notFound, withKind } from "../base/errors.ts";
import type { EventSink } from "../base/events.ts";
import { newId } from "../base/ids.ts";
import type { Operation } from "../base/operation.ts";
import { KeyedQueue } from "../base/queue.ts";
import { withUndo } from "../base/undo.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Store, Table } from "../store/store.ts";
import { LocalDriver } from "./local.ts";
import { type VolumeRecord, volumeRecords } from "./records.ts";
import { checkVolumeName } from "./volume-name.ts";
import type { Volume, VolumeRequest, Volumes, VolumeUsers } from "./volumes.ts";

export interface VolumeParts {
  /** `<dataRoot>/volumes`. */
  readonly root: string;
  readonly store: Store;
  readonly events: EventSink;
  readonly users: VolumeUsers;
  readonly kernel: Kernel;
}

/** Opens the volumes below a root. Call `reconcile` before anything else where an engine ran before. */
export async function openVolumes(parts: VolumeParts): Promise<Volumes> {
  try {
    mkdirSync(parts.root, { recursive: true, mode: 0o701 });
  } catch (error) {
    throw withKind(error);
  }
  return new LocalVolumes(parts);
}

/** Docker marks volumes without a name of the user's with this label. */
const anonymousLabel = "com.docker.volume.anonymous";

/*
 * Order of state changes. Create: folder, then record: a folder without a record was never a volume and is removed
 * while it is empty. Remove: mark the record, folder, record: a marked record's removal is finished later. So there is
 * no moment at which a volume with a record that is not marked can lose data.
 */
class LocalVolumes implements Volumes {
  readonly #parts: VolumeParts;
  readonly #records: Table<VolumeRecord>;
  readonly #driver: LocalDriver;
  readonly #queue = new KeyedQueue();
  /** The containers that have each volume mounted. */
  readonly #mounts = new Map<string, Set<string>>();

  constructor(parts: VolumeParts) {
    this.#parts = parts;
    this.#records = volumeRecords(parts.store);
    this.#driver = new LocalDriver({ ...parts, optionsOf: (name) => this.get(name).options });
  }

  async create(op: Operation, request: VolumeRequest): Promise<Volume> {
    const anonymous = !request.name || request.labels?.[anonymousLabel] !== undefined;
    const name = request.name || newId();
    if (request.name) checkVolumeName(name);
    const driver = request.driver || "local";
    if (driver !== this.#driver.name)
      throw notFound(
        `create ${name}: error looking up volume plugin ${driver}: plugin ${JSON.stringify(driver)} not found`,
      );
    return this.#queue.run(name, async () => {
      const there = this.#find(name);
      if (there) return there;
      op.check();
      const options = request.driverOptions ?? {};
      const record: VolumeRecord = {
        name,
        driver,
        options,
        labels: anonymous ? { ...request.labels, [anonymousLabel]: "" } : (request.labels ?? {}),
        scope: "local",
        createdAt: seconds(new Date()),
        anonymous,
      };
      await withUndo(async (step) => {
        await step(
          () => this.#driver.create(op, name, options),
          () => this.#dropEmptyFolder(name),
        );
        await this.#records.put(name, record);
      });
      this.#emit("create", name, {});
      return this.#volume(record);
    });
  }

  get(name: string): Volume {
    const found = this.#find(name);
    if (!found) throw notFound(`get ${name}: no such volume`, { id: name });
    return found;
  }

  list(): Volume[] {
    return this.#records
      .entries()
      .filter(([, record]) => !record.removing)
      .map(([, record]) => this.#volume(record));
  }

  async remove(op: Operation, name: string, options: { readonly force?: boolean } = {}): Promise<void> {
    await this.#queue.run(name, async () => {
      if (!this.#find(name)) {
        if (options.force) return;
        throw notFound(`get ${name}: no such volume`, { id: name });
      }
      const users = [...new Set([...this.#parts.users.usersOf(name), ...(this.#mounts.get(name) ?? [])])];
      if (users.length > 0) throw conflict(`remove ${name}: volume is in use - [${users.join(", ")}]`, { id: name });
      op.check();
      await this.#remove(op, name);
      this.#emit("destroy", name, {});
    });
  }

  async mount(op: Operation, name: string, containerId: string): Promise<string> {
    return this.#queue.run(name, async () => {
      this.get(name);
      const path = await this.#driver.mount(op, name);
      const containers = this.#mounts.get(name) ?? new Set();
      this.#mounts.set(name, containers.add(containerId));
      this.#emit("mount", name, { container: containerId });
      return path;
    });
  }

  async unmount(op: Operation, name: string, containerId: string): Promise<void> {
    await this.#queue.run(name, async () => {
      if (!this.#find(name)) return;
      const containers = this.#mounts.get(name);
      const had = containers?.delete(containerId) ?? false;
      if (containers === undefined || containers.size === 0) {
        this.#mounts.delete(name);
        await this.#driver.unmount(op, name);
      }
      if (had) this.#emit("unmount", name, { container: containerId });
    });
  }

  async seed(op: Operation, name: string, from: string): Promise<void> {
    await this.#queue.run(name, async () => {
      this.get(name);
      const exclusive = (this.#mounts.get(name)?.size ?? 0) <= 1 && this.#parts.users.usersOf(name).length <= 1;
      await this.#driver.seed(op, name, from, exclusive);
    });
  }

  /**
   * Finishes removals, removes folders that were never a volume (while they are empty) and what a cut-short seeding
   * left, and takes in a folder with data that has no record: somebody's backup, which is not ours to delete. Mounts
   * that no container needs are taken down; the others stay, and `mount` for a container that still runs counts it.
   * One volume that cannot be mended keeps nobody from the others: it is noted in the operation and tried again at the
   * next start.
   */
  async reconcile(op: Operation): Promise<void> {
    const mounted = await this.#driver.readMounts();
    const mend = async (name: string, work: () => Promise<unknown>): Promise<void> => {
      try {
        await work();
      } catch (error) {
        op.step(`volume ${name}: ${messageOf(error)}`);
      }
    };
    for (const [name, record] of this.#records.entries())
      if (record.removing) await mend(name, () => this.#remove(op, name));
    for (const name of await this.#folders())
      await mend(name, () => (this.#records.get(name) ? this.#driver.sweep(name) : this.#adopt(name)));
    for (const name of mounted)
      if (this.#find(name) && this.#parts.users.usersOf(name).length === 0)
        await mend(name, () => this.#driver.unmount(op, name));
  }

  async #remove(op: Operation, name: string): Promise<void> {
    const record = this.#records.get(name);
    if (record && !record.removing) await this.#records.put(name, { ...record, removing: true });
    await this.#driver.remove(op, name);
    await this.#records.remove(name);
    this.#mounts.delete(name);
  }

  async #adopt(name: string): Promise<void> {
    await this.#driver.sweep(name);
    if (await this.#dropEmptyFolder(name)) return;
    if (!/^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name)) return;
    const path = this.#driver.path(name);
    const stats = await stat(path).catch(() => undefined);
    if (!stats?.isDirectory()) return;
    await this.#records.put(name, {
      name,
      driver: this.#driver.name,
      options: {},
      labels: {},
      scope: "local",
      createdAt: seconds(stats.mtime),
      anonymous: false,
    });
  }

  /** True where the folder is gone. `rmdir` refuses one with anything in it. */
  async #dropEmptyFolder(name: string): Promise<boolean> {
    for (const path of [this.#driver.path(name), join(this.#parts.root, name)]) {
      try {
        await rmdir(path);
      } catch (error) {
        if (errnoOf(error) !== "ENOENT") return false;
      }
    }
    return true;
  }

  async #folders(): Promise<string[]> {
    const entries = await readdir(this.#parts.root, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  }

  #find(name: string): Volume | undefined {
    // No volume's name is longer, and no key of the store much.
    const record = name === "" || name.length > 255 ? undefined : this.#records.get(name);
    return record && !record.removing ? this.#volume(record) : undefined;
  }

  #volume({ removing: _, ...record }: VolumeRecord): Volume {
    return { ...record, mountpoint: this.#driver.path(record.name) };
  }

  #emit(action: string, name: string, attributes: Record<string, string>): void {
    this.#parts.events.emit("volume", action, name, { driver: this.#driver.name, ...attributes });
  }
}

/** RFC 3339 in UTC, without fractions. */
const seconds = (date: Date): string => `${date.toISOString().slice(0, 19)}Z`;
