import { lookup } from "node:dns/promises";
import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { isIP } from "node:net";
import { join } from "node:path";
import { errnoOf, messageOf, systemError, withKind } from "../base/errors.ts";
import type { Operation } from "../base/operation.ts";
import type { Kernel, Mount } from "../kernel/kernel.ts";
import { copyTree } from "../snapshots/copy.ts";
import { mountOfOptions } from "./local-options.ts";
import type { VolumeDriver } from "./volumes.ts";

export interface LocalParts {
  /** `<root>/<name>/_data` is a volume's folder. */
  readonly root: string;
  readonly kernel: Pick<Kernel, "mount" | "unmount" | "mounts">;
  readonly optionsOf: (name: string) => Readonly<Record<string, string>>;
}

/**
 * Volumes as folders below one root, the way Docker lays them out. One with driver options has a file system mounted on
 * its folder while containers use it.
 */
export class LocalDriver implements VolumeDriver {
  readonly name = "local";
  readonly #parts: LocalParts;
  readonly #mounted = new Set<string>();

  constructor(parts: LocalParts) {
    this.#parts = parts;
  }

  path(name: string): string {
    return join(this.#parts.root, name, "_data");
  }

  async create(op: Operation, name: string, options: Readonly<Record<string, string>>): Promise<void> {
    mountOfOptions(name, options, this.path(name));
    op.step(`make the folder of volume ${name}`);
    await guard(mkdir(join(this.#parts.root, name), { recursive: true, mode: 0o701 }));
    await guard(mkdir(this.path(name), { recursive: true, mode: 0o755 }));
  }

  async remove(op: Operation, name: string): Promise<void> {
    op.step(`remove the folder of volume ${name}`);
    await this.#unmountAll(name);
    await guard(rm(join(this.#parts.root, name), { recursive: true, force: true }));
  }

  async mount(op: Operation, name: string): Promise<string> {
    const path = this.path(name);
    const mount = mountOfOptions(name, this.#parts.optionsOf(name), path);
    if (mount === undefined || this.#mounted.has(name)) {
      await this.#checkFolder(name);
      return path;
    }
    op.step(`mount volume ${name}`);
    await this.create(op, name, {});
    try {
      await this.#parts.kernel.mount([await withAddress(mount)]);
    } catch (cause) {
      throw systemError(`error while mounting volume '${path}': failed to mount local volume: ${messageOf(cause)}`, {
        cause,
        path,
        errno: errnoOf(cause),
      });
    }
    this.#mounted.add(name);
    return path;
  }

  async unmount(_op: Operation, name: string): Promise<void> {
    if (!this.#mounted.has(name)) return;
    await this.#parts.kernel.unmount(this.path(name));
    this.#mounted.delete(name);
  }

  /** Learns which volumes are mounted already: those of an engine before this one. */
  async readMounts(): Promise<string[]> {
    const mounts = await this.#parts.kernel.mounts(this.#parts.root);
    const names = mounts.flatMap(({ target }) => {
      const [name, data, ...below] = target.slice(this.#parts.root.length + 1).split("/");
      return name !== undefined && data === "_data" && below.length === 0 ? [name] : [];
    });
    for (const name of names) this.#mounted.add(name);
    return names;
  }

  /**
   * Copies `from` into the volume where the volume is empty. Where nobody else can have the folder open it is filled
   * beside its place and renamed into it, so that a copy that was cut short never passes for a whole one.
   */
  async seed(op: Operation, name: string, from: string, exclusive: boolean): Promise<void> {
    const path = this.path(name);
    if (!(await isEmpty(path)) || !existsSync(from)) return;
    op.step(`fill volume ${name}`);
    if (!exclusive || this.#mounted.has(name)) return copyTree(op, from, path);
    const beside = this.#seedPath(name);
    await guard(rm(beside, { recursive: true, force: true }));
    await guard(mkdir(beside, { mode: 0o755 }));
    try {
      await copyTree(op, from, beside);
      await guard(rename(beside, path));
    } catch (error) {
      await rm(beside, { recursive: true, force: true });
      throw error;
    }
  }

  /** Removes what a copy that was cut short left. */
  async sweep(name: string): Promise<void> {
    await guard(rm(this.#seedPath(name), { recursive: true, force: true }));
  }

  #seedPath(name: string): string {
    return join(this.#parts.root, name, "_seed");
  }

  /** By what the kernel says: what is bound in a volume is not the volume's to delete. */
  async #unmountAll(name: string): Promise<void> {
    const folder = join(this.#parts.root, name);
    const mounts = await this.#parts.kernel.mounts(folder);
    for (const { target } of mounts.reverse()) await this.#parts.kernel.unmount(target);
    const [left] = mounts.length > 0 ? await this.#parts.kernel.mounts(folder) : [];
    if (left) throw systemError(`remove ${name}: ${left.target} is still mounted`, { path: left.target });
    this.#mounted.delete(name);
  }

  async #checkFolder(name: string): Promise<void> {
    const path = this.path(name);
    if (existsSync(path)) return;
    throw systemError(`error while mounting volume '${path}': the volume's folder is missing`, {
      path,
      errno: "ENOENT",
    });
  }
}

/** The kernel's network file systems take an address and no name in `addr=` (Docker resolves it, too). */
async function withAddress(mount: Mount): Promise<Mount> {
  const named = mount.type === "other" ? mount.options?.find((word) => word.startsWith("addr=")) : undefined;
  const host = named?.slice("addr=".length);
  if (mount.type !== "other" || !host || isIP(host) !== 0) return mount;
  const { address } = await lookup(host);
  return { ...mount, options: mount.options?.map((word) => (word === named ? `addr=${address}` : word)) };
}

async function isEmpty(path: string): Promise<boolean> {
  return (await guard(readdir(path))).length === 0;
}

async function guard<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw withKind(error);
  }
}
