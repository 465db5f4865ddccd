import type { Duplex, Readable } from "node:stream";
import type { Operation } from "../base/operation.ts";
import type {
  ContainerConfig,
  EndpointConfig,
  ExecConfig,
  HostConfig,
  NetworkingConfig,
} from "../client/endpoints/container-config.ts";
import type { Sandbox } from "../networks/networks.ts";
import type { Digest } from "../oci/digest.ts";
import type { Platform } from "../oci/platform.ts";

/**
 * The life of containers. `ref` is always a name, an ID or an unambiguous prefix of one; an unknown one is `notFound`
 * "No such container: X". What a user asked for is kept in the Engine API's own vocabulary (`config`, `hostConfig`), for it
 * is what inspect shows again; everything that the engine found out is in types of its own.
 */
export interface Containers {
  create(op: Operation, request: CreateRequest): Promise<{ readonly id: string; readonly warnings: readonly string[] }>;
  /** `notModified` when it runs already. */
  start(op: Operation, ref: string): Promise<void>;
  /**
   * Sends the stop signal, after `timeout` seconds (10, or the container's own) SIGKILL; -1 waits for ever. `notModified`
   * when it does not run. This, `restart` and `remove` are carried through although the operation is aborted.
   */
  stop(op: Operation, ref: string, options?: StopOptions): Promise<void>;
  restart(op: Operation, ref: string, options?: StopOptions): Promise<void>;
  /** A name (`SIGTERM`, `TERM`) or number. `conflict` when it does not run. */
  kill(op: Operation, ref: string, signal?: string): Promise<void>;
  rename(op: Operation, ref: string, name: string): Promise<void>;
  remove(op: Operation, ref: string, options?: RemoveOptions): Promise<void>;
  get(ref: string): Container;
  /** Newest first; running ones only, unless `all`. */
  list(options?: { readonly all?: boolean }): Container[];
  /** Bytes of the container's own changes, and of those plus its image. */
  size(op: Operation, ref: string): Promise<{ readonly rw: number; readonly rootFs: number }>;
  /**
   * Resolves when the condition holds; aborting the operation gives up waiting. Where a start or a removal failed `error`
   * says why. Rejects with `unavailable` when the engine closes, as everything does that is called afterwards.
   */
  wait(
    op: Operation,
    ref: string,
    condition?: WaitCondition,
  ): Promise<{ readonly exitCode: number; readonly error?: string }>;
  /** Opens the stdio (see `Shim.attach` for the bytes). Works before the start, too. */
  attach(
    op: Operation,
    ref: string,
    options: AttachOptions,
  ): Promise<{ readonly stream: Duplex; readonly tty: boolean }>;
  /** Docker's frames, or raw bytes for a container with a terminal. */
  logs(op: Operation, ref: string, options: LogOptions): Promise<{ readonly stream: Readable; readonly tty: boolean }>;
  resize(op: Operation, ref: string, size: TerminalSize): Promise<void>;
  /** Runs ps(1) for the container's processes: Docker's titles and rows. */
  top(
    op: Operation,
    ref: string,
    psArgs?: string,
  ): Promise<{ readonly titles: string[]; readonly processes: string[][] }>;
  /** Puts a container on a network; where it runs, at once. */
  connect(op: Operation, ref: string, network: string, endpoint: EndpointConfig): Promise<void>;
  /** Takes it off. `force` passes over one that is not on it. */
  disconnect(op: Operation, ref: string, network: string, options: { readonly force: boolean }): Promise<void>;
  execCreate(op: Operation, ref: string, config: ExecConfig): Promise<string>;
  /** Detached, resolves without a stream once the process runs. */
  execStart(
    op: Operation,
    execId: string,
    options: ExecStartOptions,
  ): Promise<{ readonly stream?: Duplex; readonly tty: boolean }>;
  execGet(execId: string): Exec;
  execResize(op: Operation, execId: string, size: TerminalSize): Promise<void>;
}

export interface CreateRequest {
  readonly name?: string;
  readonly platform?: Platform;
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly networkingConfig?: NetworkingConfig;
}

export interface StopOptions {
  readonly signal?: string;
  readonly timeout?: number;
}

export interface RemoveOptions {
  /** Kill it where it runs. */
  readonly force?: boolean;
  /** Remove its anonymous volumes. */
  readonly volumes?: boolean;
}

export type WaitCondition = "not-running" | "next-exit" | "removed";

export interface TerminalSize {
  readonly height: number;
  readonly width: number;
}

export interface AttachOptions {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  /** Replay what was logged before. */
  readonly logs: boolean;
  /** Stay attached; without it only the replay is sent. */
  readonly stream: boolean;
  readonly detachKeys?: string;
}

export interface LogOptions {
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly follow: boolean;
  readonly timestamps: boolean;
  /** Prefix each line with its extra attributes (`--details`). */
  readonly details: boolean;
  /** Lines from the end; undefined: all. */
  readonly tail?: number;
  /** Nanoseconds since the epoch. */
  readonly since?: bigint;
  readonly until?: bigint;
}

export interface ExecStartOptions {
  readonly detach: boolean;
  readonly tty?: boolean;
  readonly size?: TerminalSize;
}

export type ContainerStatus = "created" | "running" | "paused" | "restarting" | "removing" | "exited" | "dead";

/** A container's persisted record: immutable data; each change of state is a new one. */
export interface Container {
  readonly id: string;
  /** Without the slash that the API puts before it. */
  readonly name: string;
  /** RFC 3339 with nanoseconds. */
  readonly created: string;
  readonly image: Digest;
  /** As the user named it. */
  readonly imageName: string;
  readonly platform: Platform;
  /** The request, filled up from the image. */
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly networking: NetworkingConfig;
  readonly mounts: readonly MountPoint[];
  /** The executable and its arguments, as they are run. */
  readonly path: string;
  readonly args: readonly string[];
  readonly state: ContainerState;
  /** While it runs, and the last one after. */
  readonly sandbox?: Sandbox;
  readonly restartCount: number;
  /** A user's stop holds off `unless-stopped` at the next start of the engine. */
  readonly stoppedByUser: boolean;
  readonly execIds: readonly string[];
}

export interface ContainerState {
  readonly status: ContainerStatus;
  /** 0 when it does not run. */
  readonly pid: number;
  readonly exitCode: number;
  readonly oomKilled: boolean;
  /** Why the last start failed. */
  readonly error: string;
  /** RFC 3339 with nanoseconds; `0001-01-01T00:00:00Z` for never. */
  readonly startedAt: string;
  readonly finishedAt: string;
}

/** One mount of a container as inspect shows it (Engine API, `MountPoint`). */
export interface MountPoint {
  readonly type: "bind" | "volume" | "tmpfs" | "image";
  /** The volume's name. */
  readonly name?: string;
  readonly source: string;
  readonly destination: string;
  readonly driver?: string;
  /** As given after the second colon, `z,ro`. */
  readonly mode: string;
  readonly rw: boolean;
  readonly propagation: string;
  /** Not to be seeded from the image. */
  readonly noCopy?: boolean;
  readonly subpath?: string;
  /** A volume without a name of the user's, removed with the container by `rm -v` and `--rm`. */
  readonly anonymous?: boolean;
  /** mount(8) options of a tmpfs. */
  readonly options?: readonly string[];
  /** A bind whose source is made (as a folder) where it is missing. */
  readonly createSource?: boolean;
  /** Bind the folder alone, without the mounts below it. */
  readonly nonRecursive?: boolean;
  /** A read-only bind whose mounts below stay writable. */
  readonly readOnlyNonRecursive?: boolean;
  /** Fail where the mounts below cannot be made read-only, too. */
  readonly readOnlyForceRecursive?: boolean;
  /** What a volume is made with where it does not exist yet. */
  readonly driverOptions?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
}

export interface Exec {
  readonly id: string;
  readonly containerId: string;
  readonly config: ExecConfig;
  readonly running: boolean;
  /** Null until it has ended. */
  readonly exitCode: number | null;
  readonly pid: number;
  readonly detachKeys?: string;
}
