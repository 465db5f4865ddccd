import { mkdirSync } from "node:fs";
import { mkdir, realpath, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { errnoOf, invalid, messageOf, notFound, systemError } from "../base/errors.ts";
import { Operation } from "../base/operation.ts";
import { settleAll } from "../base/undo.ts";
import type { Container, MountPoint } from "./containers.ts";
import { type Context, runDir } from "./context.ts";
import { shmDir, shmMount } from "./shm.ts";

/**
 * Readies what a container mounts besides its root: volumes through their drivers, image views, missing bind folders, a
 * shared /dev/shm. Returns the host folder of each mount by its destination; undoes what it did where one fails.
 */
export async function mountSources(
  context: Context,
  op: Operation,
  container: Container,
): Promise<ReadonlyMap<string, string>> {
  const sources = new Map<string, string>();
  try {
    for (const mount of container.mounts) {
      const source = await sourceOf(context, op, container, mount);
      if (source !== undefined) sources.set(mount.destination, source);
    }
    const shm = shmMount(context, container);
    if (shm) {
      mkdirSync(shm.target, { recursive: true });
      await context.kernel.mount([shm]);
    }
    return sources;
  } catch (error) {
    await unmountSources(context, Operation.background(`undo the mounts of ${container.id}`), container);
    throw error;
  }
}

/** Tells the volumes which ones a container holds that ran through a restart of the engine. */
export async function holdVolumes(context: Context, op: Operation, container: Container): Promise<void> {
  for (const { type, name } of container.mounts)
    if (type === "volume" && name !== undefined) await context.volumes.mount(op, name, container.id);
}

/** Lets go of them; what was not mounted is no error. Each is tried though another fails. */
export async function unmountSources(context: Context, op: Operation, container: Container): Promise<void> {
  const work = container.mounts.map(async (mount) => {
    if (mount.type === "volume" && mount.name !== undefined)
      await context.volumes.unmount(op, mount.name, container.id);
    if (mount.type === "image") await context.kernel.unmount(imageView(context, container, mount));
  });
  if (container.hostConfig.IpcMode === "shareable") work.push(context.kernel.unmount(shmDir(context, container)!));
  await settleAll(work);
}

async function sourceOf(
  context: Context,
  op: Operation,
  container: Container,
  mount: MountPoint,
): Promise<string | undefined> {
  if (mount.type === "tmpfs") return undefined;
  if (mount.type === "bind") return bindSource(mount);
  if (mount.type === "image") return within(await viewImage(context, op, container, mount), mount.subpath);
  return within(await context.volumes.mount(op, mount.name!, container.id), mount.subpath);
}

/** `-v` makes a missing folder, as Docker does; `--mount` checked at creation that it is there. */
async function bindSource(mount: MountPoint): Promise<string> {
  try {
    await stat(mount.source);
  } catch (error) {
    if (errnoOf(error) !== "ENOENT") throw error;
    if (!mount.createSource)
      throw invalid(`invalid mount config for type "bind": bind source path does not exist: ${mount.source}`);
    await mkdir(mount.source, { recursive: true }).catch((failure) => {
      const { message, errno } = { message: messageOf(failure), errno: errnoOf(failure) };
      throw systemError(`error while creating mount source path '${mount.source}': ${message}`, { errno });
    });
  }
  return mount.source;
}

async function viewImage(context: Context, op: Operation, container: Container, mount: MountPoint): Promise<string> {
  const image = context.images.resolve(mount.source);
  const top = await context.images.unpack(op, image);
  if (top === undefined) throw invalid(`image ${mount.source} has no files to mount`);
  const target = imageView(context, container, mount);
  mkdirSync(target, { recursive: true });
  await context.kernel.mount([context.snapshots.viewOf(top, target)]);
  return target;
}

function imageView(context: Context, container: Container, mount: MountPoint): string {
  const index = container.mounts.indexOf(mount);
  return join(runDir(context, container.id), "images", String(index));
}

/** A folder or file within another; a link in it must not lead out. */
export async function within(root: string, subpath: string | undefined): Promise<string> {
  if (!subpath) return root;
  const [base, path] = await Promise.all([
    realpath(root),
    realpath(join(root, subpath)).catch(() => {
      throw notFound(`cannot access path ${join(root, subpath)}: no such file or directory`, { path: subpath });
    }),
  ]);
  const way = relative(base, path);
  if (way === ".." || way.startsWith("../")) throw invalid(`path ${subpath} leads out of ${root}`, { path: subpath });
  return path;
}
