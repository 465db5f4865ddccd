import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { EventBus } from "../../base/events.ts";
import { createLogger } from "../../base/log.ts";
import { openContentStore } from "../../content/layout.ts";
import { createImages } from "../../images/create.ts";
import { openKernel } from "../../kernel/open.ts";
import { openNetworks } from "../../networks/open.ts";
import { createShims } from "../../runtime/shim.ts";
import { probeHost } from "../../runtime/spec.ts";
import { openSnapshots } from "../../snapshots/overlay.ts";
import { openStore } from "../../store/lmdb.ts";
import { openVolumes } from "../../volumes/service.ts";
import type { ContainerParts } from "../context.ts";
import { type ContainersService, createContainers } from "../service.ts";

/** Containers on real parts, in a folder (on a file system that overlays can stand on) and the namespaces of the caller. */
export interface House {
  readonly parts: ContainerParts;
  readonly containers: ContainersService;
  readonly events: EventBus;
  close(): Promise<void>;
}

/** `decorate` may wrap the parts before the containers get them. */
export async function openHouse(
  root: string,
  decorate: (parts: ContainerParts) => ContainerParts = (parts) => parts,
): Promise<House> {
  const dataRoot = join(root, "data");
  const execRoot = join(root, "run");
  for (const folder of [dataRoot, execRoot]) mkdirSync(folder, { recursive: true });
  const log = createLogger("error");
  const events = new EventBus();
  const kernel = await openKernel();
  const store = openStore(join(dataRoot, "metadata"));
  const content = await openContentStore(join(dataRoot, "content"));
  const snapshots = await openSnapshots({ root: join(dataRoot, "snapshots"), store });
  const images = createImages({
    ...{ content, snapshots, store, events, insecureRegistries: [], mirrors: [] },
    users: { usersOf: (image) => containers.usersOfImage(image) },
  });
  const volumes = await openVolumes({
    ...{ root: join(dataRoot, "volumes"), store, events, kernel },
    users: { usersOf: (name) => containers.usersOfVolume(name) },
  });
  const networks = await openNetworks({ kernel, store, events, log, runRoot: execRoot, bridge: "keelson0" });
  const binary = fileURLToPath(new URL("../../../native/shim/build/keelson-shim", import.meta.url));
  const shims = createShims({ binary, spare: false, log });
  const parts = decorate({
    ...{ store, images, networks, volumes, snapshots, shims, kernel, events, log, dataRoot, execRoot },
    ...{ runtimes: { crun: "/usr/bin/crun" }, defaultRuntime: "crun", host: probeHost(), initPath: undefined },
  });
  const containers = createContainers(parts);
  return {
    ...{ parts, containers, events },
    close: async () => {
      for (const part of [containers, shims, networks, snapshots, store, kernel]) await part.close();
    },
  };
}
