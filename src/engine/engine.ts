import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { conflict, messageOf } from "../base/errors.ts";
import { EventBus } from "../base/events.ts";
import { Operation } from "../base/operation.ts";
import type { ContainersService } from "../containers/service.ts";
import { createContainers } from "../containers/service.ts";
import { openContentStore } from "../content/layout.ts";
import { ensureBase } from "../images/base.ts";
import { createImages } from "../images/create.ts";
import type { Image, Images } from "../images/images.ts";
import type { Kernel } from "../kernel/kernel.ts";
import { openKernel } from "../kernel/open.ts";
import type { Networks } from "../networks/networks.ts";
import { openNetworks } from "../networks/open.ts";
import { createShims } from "../runtime/shim.ts";
import { probeHost } from "../runtime/spec.ts";
import { openSnapshots } from "../snapshots/overlay.ts";
import type { Snapshots } from "../snapshots/snapshots.ts";
import { openStore } from "../store/lmdb.ts";
import { openVolumes } from "../volumes/service.ts";
import type { Volumes } from "../volumes/volumes.ts";
import { type EngineConfig, type EngineOptions, findProgram, resolveOptions } from "./options.ts";
import { afterBursts } from "./quiet.ts";
import { type Running, type RunOptions, runContainer } from "./run.ts";

/** The services of an engine, each built once. */
export interface Services {
  readonly kernel: Kernel;
  readonly images: Images;
  readonly networks: Networks;
  readonly volumes: Volumes;
  readonly containers: ContainersService;
  readonly snapshots: Snapshots;
  readonly events: EventBus;
}

/**
 * A container engine in this process. The daemon is one with an HTTP face; a Node program can open one of its own:
 *
 * ```ts
 * await using engine = await Engine.open({ dataRoot: "/var/lib/my-ci", execRoot: "/run/my-ci", bridge: "myci0" });
 * await engine.images.pull(Operation.background("pull"), "registry.local:5000/node:24", {});
 * const run = await engine.run({ image: "registry.local:5000/node:24", command: ["node", "-p", "6*7"] });
 * run.stdout.pipe(process.stdout);
 * const { exitCode } = await run.wait();
 * ```
 *
 * Containers outlive their engine: `close()` lets go of them, and the next engine on the same roots finds them again.
 */
export class Engine implements AsyncDisposable {
  readonly config: EngineConfig;
  readonly services: Services;
  readonly images: Images;
  readonly networks: Networks;
  readonly volumes: Volumes;
  readonly containers: ContainersService;
  readonly events: EventBus;
  readonly #close: () => Promise<void>;

  private constructor(config: EngineConfig, services: Services, close: () => Promise<void>) {
    this.config = config;
    this.services = services;
    this.images = services.images;
    this.networks = services.networks;
    this.volumes = services.volumes;
    this.containers = services.containers;
    this.events = services.events;
    this.#close = close;
  }

  /**
   * Opens the engine and takes over what an earlier one on these roots left. `conflict` where another engine has the data
   * root.
   */
  static async open(options: EngineOptions = {}): Promise<Engine> {
    const config = resolveOptions(options);
    const closers: Array<() => Promise<unknown>> = [];
    let closed: Promise<void> | undefined;
    const closeAll = async (): Promise<void> => {
      for (const closer of closers.reverse())
        await closer().catch((error) => config.log.warn("closing", { error: messageOf(error) }));
    };
    const close = (): Promise<void> => {
      closed ??= closeAll();
      return closed;
    };
    try {
      const services = await build(config, (closer) => closers.push(closer));
      return new Engine(config, services, close);
    } catch (error) {
      await close();
      throw error;
    }
  }

  /** Makes and starts a container, with its output as streams. */
  run(options: RunOptions): Promise<Running> {
    return runContainer(this, options);
  }

  /** The embedded base image, `keelson/base`: made from this machine's static busybox where it is not there yet. */
  base(): Promise<Image> {
    return ensureBase(Operation.background("base image"), this.images);
  }

  /** Lets go of everything: containers run on. */
  close(): Promise<void> {
    return this.#close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

async function build(config: EngineConfig, onClose: (closer: () => Promise<unknown>) => void): Promise<Services> {
  const { log, dataRoot, execRoot } = config;
  mkdirSync(dataRoot, { recursive: true, mode: 0o711 });
  mkdirSync(execRoot, { recursive: true, mode: 0o711 });
  const kernel = await openKernel();
  onClose(() => kernel.close());
  if (!(await kernel.lock(join(dataRoot, "lock"))))
    throw conflict(`another engine is using the data root ${dataRoot}`, { path: dataRoot });
  const store = openStore(join(dataRoot, "metadata"));
  onClose(() => store.close());
  const events = new EventBus();
  const content = await openContentStore(join(dataRoot, "content"));
  const snapshots = await openSnapshots({ root: join(dataRoot, "snapshots"), store });
  onClose(() => snapshots.close());
  // Images and volumes ask who uses them; the containers that answer are built last, on top of both.
  const containers = (): ContainersService => made;
  const images = createImages({
    content,
    snapshots,
    store,
    events,
    users: { usersOf: (image) => containers().usersOfImage(image) },
    insecureRegistries: [...config.insecureRegistries],
    mirrors: [...config.registryMirrors],
  });
  const volumes = await openVolumes({
    root: join(dataRoot, "volumes"),
    store,
    events,
    kernel,
    users: { usersOf: (name) => containers().usersOfVolume(name) },
  });
  const networks = await openNetworks({
    kernel,
    store,
    events,
    log,
    runRoot: execRoot,
    bridge: config.bridge,
    bip: config.bip,
    defaultAddressPools: config.defaultAddressPools,
    mtu: config.mtu,
  });
  onClose(() => networks.close());
  const shims = createShims({ binary: config.shim, spare: true, log });
  onClose(() => shims.close());
  const made = createContainers({
    ...{ store, images, networks, volumes, snapshots, shims, kernel, events, log, dataRoot, execRoot },
    runtimes: config.runtimes,
    defaultRuntime: config.defaultRuntime,
    host: probeHost(),
    // Both are static: what is bound into a container finds no libraries there.
    initPath: findProgram("docker-init") ?? findProgram("tini-static"),
  });
  onClose(() => made.close());
  const stopReleasing = afterBursts(events, () => {
    // There only where Node was told to show it, as the daemon is: an embedder's garbage is none of ours.
    globalThis.gc?.();
    return kernel.releaseMemory();
  });
  onClose(async () => stopReleasing());
  const op = Operation.background("reconcile");
  await volumes.reconcile(op);
  await made.reconcile(op);
  await images.reconcile(op);
  made.resume();
  return { kernel, images, networks, volumes, containers: made, snapshots, events };
}
