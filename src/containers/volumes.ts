import { mkdirSync } from "node:fs";
import { lstat, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Operation } from "../base/operation.ts";
import type { Digest } from "../oci/digest.ts";
import type { Container, MountPoint } from "./containers.ts";
import { type Context, runDir } from "./context.ts";
import { pathInRoot } from "./path-in-root.ts";

/** Makes the volumes that a container's mounts name, or takes those that are there; returns the mounts with their folders. */
export async function makeVolumes(context: Context, op: Operation, container: Container): Promise<MountPoint[]> {
  const mounts: MountPoint[] = [];
  for (const mount of container.mounts) {
    if (mount.type !== "volume") {
      mounts.push(mount);
      continue;
    }
    const volume = await context.volumes.create(op, {
      name: mount.name,
      driver: mount.driver,
      driverOptions: mount.driverOptions,
      labels: mount.anonymous ? { "com.docker.volume.anonymous": "", ...mount.labels } : mount.labels,
    });
    mounts.push({ ...mount, name: volume.name, source: volume.mountpoint, driver: volume.driver });
  }
  return mounts;
}

/** Fills the empty ones among a container's volumes with what its image has at their mount points. */
export async function seedVolumes(
  context: Context,
  op: Operation,
  container: Container,
  top: Digest | undefined,
): Promise<void> {
  const wanted = container.mounts.filter((mount) => mount.type === "volume" && !mount.noCopy && !mount.subpath);
  if (wanted.length === 0 || top === undefined) return;
  const view = join(runDir(context, container.id), "seed");
  mkdirSync(view, { recursive: true });
  await context.kernel.mount([context.snapshots.viewOf(top, view)]);
  try {
    for (const mount of wanted) {
      const from = await pathInRoot(view, mount.destination);
      const isFolder = from !== undefined && (await lstat(from)).isDirectory();
      if (isFolder) await context.volumes.seed(op, mount.name!, from);
    }
  } finally {
    await context.kernel.unmount(view);
    await rm(runDir(context, container.id), { recursive: true, force: true });
  }
}
