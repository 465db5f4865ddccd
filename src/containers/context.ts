import { join } from "node:path";
import type { Duplex } from "node:stream";
import type { EventSink } from "../base/events.ts";
import type { Logger } from "../base/log.ts";
import type { KeyedQueue } from "../base/queue.ts";
import type { Images } from "../images/images.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Networks } from "../networks/networks.ts";
import type { ExitStatus, Shim, Shims } from "../runtime/runtime.ts";
import type { SeccompCache } from "../runtime/seccomp-cache.ts";
import type { HostFeatures } from "../runtime/spec.ts";
import type { Snapshots } from "../snapshots/snapshots.ts";
import type { Store } from "../store/store.ts";
import type { Volumes } from "../volumes/volumes.ts";
import type { Container } from "./containers.ts";
import type { Execs } from "./execs.ts";
import type { ContainerRecords } from "./records.ts";
import type { Waiters } from "./waiters.ts";

/** What the containers stand on. */
export interface ContainerParts {
  readonly store: Store;
  readonly images: Images;
  readonly networks: Networks;
  readonly volumes: Volumes;
  readonly snapshots: Snapshots;
  readonly shims: Shims;
  readonly kernel: Kernel;
  readonly events: EventSink;
  readonly log: Logger;
  /** `<dataRoot>/containers/<id>` holds the log. */
  readonly dataRoot: string;
  /** `<execRoot>/containers/<id>` holds the bundle, the shim's files, hosts, hostname and resolv.conf. */
  readonly execRoot: string;
  /** Runtime names (`crun`, `runc`, …) and the programs behind them. */
  readonly runtimes: Readonly<Record<string, string>>;
  readonly defaultRuntime: string;
  readonly host: HostFeatures;
  /** What `--init` runs as the container's first process; undefined where the host has none. */
  readonly initPath: string | undefined;
}

/** A running container's handles: everything that is not a record. */
export interface Live {
  readonly shim: Shim;
  /** Resolves when the exit has been seen to: state, network, mounts. */
  readonly settled: Promise<ExitStatus>;
  readonly settle: (exit: ExitStatus) => void;
  /** Tells those who wait that the engine closes, and nobody will see the exit. */
  readonly abandon: (why: Error) => void;
  readonly startedAt: number;
}

/** A shim that was launched for an attach client before the container was started. */
export interface Pending {
  readonly shim: Promise<Shim>;
  clients: number;
}

/** What every verb of this folder works on. */
export interface Context extends ContainerParts {
  readonly records: ContainerRecords;
  readonly queue: KeyedQueue;
  readonly live: Map<string, Live>;
  readonly pending: Map<string, Pending>;
  readonly waiters: Waiters;
  readonly execs: Execs;
  readonly seccomp: SeccompCache;
  /** Open attach and exec streams: they end with the engine. */
  readonly streams: Set<Duplex>;
  /** Containers that `--rm` does not take away at their next exit, for they are being restarted. */
  readonly kept: Set<string>;
  /** Timers of restart policies, by container. */
  readonly restarts: Map<string, NodeJS.Timeout>;
  /** True from when the engine closes: nothing is restarted any more. */
  readonly closing: () => boolean;
}

/** Has a stream end with the engine. */
export function track(context: Pick<Context, "streams">, stream: Duplex): Duplex {
  context.streams.add(stream);
  stream.once("close", () => context.streams.delete(stream));
  return stream;
}

export function runDir(context: Pick<ContainerParts, "execRoot">, id: string): string {
  return join(context.execRoot, "containers", id);
}

export function rootfsDir(context: Pick<ContainerParts, "execRoot">, id: string): string {
  return join(runDir(context, id), "rootfs");
}

export function dataDir(context: Pick<ContainerParts, "dataRoot">, id: string): string {
  return join(context.dataRoot, "containers", id);
}

/** Where the json-file log is; undefined for containers whose log driver keeps no file. */
export function logPath(context: Pick<ContainerParts, "dataRoot">, container: Container): string | undefined {
  const driver = container.hostConfig.LogConfig?.Type;
  if (driver === "none") return undefined;
  return join(dataDir(context, container.id), `${container.id}-json.log`);
}

/** Sends an event about a container with the attributes that Docker gives it. */
export function emit(
  context: Pick<ContainerParts, "events">,
  container: Container,
  action: string,
  extra: Record<string, string> = {},
): void {
  const attributes = { ...container.config.Labels, image: container.imageName, name: container.name, ...extra };
  context.events.emit("container", action, container.id, attributes);
}
