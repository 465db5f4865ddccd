import { type Duplex, PassThrough, type Readable, type Writable } from "node:stream";
import { isKind } from "../base/errors.ts";
import { Operation } from "../base/operation.ts";
import type { ContainerConfig, HostConfig } from "../client/endpoints/container-config.ts";
import type { Containers } from "../containers/containers.ts";
import { demultiplex } from "./demultiplex.ts";

/** What to run, in short; `config` and `hostConfig` say everything else in the Engine API's words. */
export interface RunOptions {
  readonly image: string;
  readonly command?: readonly string[];
  readonly name?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly workingDir?: string;
  readonly user?: string;
  /** `bridge` unless given; `none`, `host`, `container:NAME`, or a network's name. */
  readonly network?: string;
  /** `HOST:CONTAINER[:OPTIONS]`, as `docker run -v`. */
  readonly volumes?: readonly string[];
  /** Container ports to publish on the host's: `{ "80/tcp": 8080 }`; 0 for any free one. */
  readonly publish?: Readonly<Record<string, number>>;
  /** A terminal: stdout carries everything, raw. */
  readonly tty?: boolean;
  /** Keep stdin open: `running.stdin` writes to it. */
  readonly stdin?: boolean;
  /** Bytes. */
  readonly memory?: number;
  readonly cpus?: number;
  /** Remove the container when it ends; true unless given. */
  readonly remove?: boolean;
  readonly config?: ContainerConfig;
  readonly hostConfig?: HostConfig;
  /** Aborting gives up the start; it does not stop a container that runs. */
  readonly signal?: AbortSignal;
}

/** A container that `engine.run` started. */
export interface Running {
  readonly id: string;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Ends at once unless `stdin` was asked for. */
  readonly stdin: Writable;
  /**
   * Resolves when it has ended (and is removed, unless it is to stay); rejects with `unavailable` when the engine is
   * closed before. Read or resume its output, or it may wait on you.
   */
  wait(): Promise<{ readonly exitCode: number }>;
  /** The stop signal (SIGTERM), and SIGKILL after `seconds` (10). One that has ended is no error. */
  stop(seconds?: number): Promise<void>;
  kill(signal?: string): Promise<void>;
}

export async function runContainer(engine: { readonly containers: Containers }, options: RunOptions): Promise<Running> {
  const { containers } = engine;
  const op = new Operation(`run ${options.image}`, options.signal);
  const { id } = await containers.create(op, {
    name: options.name,
    config: configOf(options),
    hostConfig: hostConfigOf(options),
  });
  const stdin = options.stdin ?? false;
  const { attached, ended } = await attachAndStart(containers, op, id, stdin);
  const output = attached.tty
    ? { stdout: attached.stream as Readable, stderr: new PassThrough().end() }
    : demultiplex(attached.stream);
  if (!stdin) attached.stream.end();
  return {
    id,
    ...output,
    stdin: attached.stream,
    wait: async () => ({ exitCode: (await ended).exitCode }),
    stop: (timeout) => containers.stop(Operation.background(`stop ${id}`), id, { timeout }).catch(unlessEnded),
    kill: (signal) => containers.kill(Operation.background(`kill ${id}`), id, signal),
  };
}

/** A container that does not get as far as running is taken away again: the caller has no handle to it. */
async function attachAndStart(containers: Containers, op: Operation, id: string, stdin: boolean) {
  let stream: Duplex | undefined;
  const waiting = new AbortController();
  try {
    const attached = await containers.attach(op, id, { stdin, stdout: true, stderr: true, logs: false, stream: true });
    stream = attached.stream;
    const condition = containers.get(id).hostConfig.AutoRemove ? "removed" : "next-exit";
    const ended = containers.wait(new Operation(`wait ${id}`, waiting.signal), id, condition);
    ended.catch(() => {});
    await containers.start(op, id);
    return { attached, ended };
  } catch (error) {
    waiting.abort();
    stream?.destroy();
    await containers.remove(Operation.background(`remove ${id}`), id, { force: true, volumes: true }).catch(() => {});
    throw error;
  }
}

/** Nothing to stop is what was wanted. */
function unlessEnded(error: unknown): void {
  if (!isKind(error, "notModified") && !isKind(error, "notFound")) throw error;
}

function configOf(options: RunOptions): ContainerConfig {
  return {
    Image: options.image,
    Cmd: options.command && [...options.command],
    Env: Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}`),
    WorkingDir: options.workingDir,
    User: options.user,
    Tty: options.tty,
    OpenStdin: options.stdin,
    StdinOnce: options.stdin,
    AttachStdin: options.stdin,
    AttachStdout: true,
    AttachStderr: true,
    ...options.config,
  };
}

function hostConfigOf(options: RunOptions): HostConfig {
  const ports = Object.entries(options.publish ?? {}).map(([port, host]): [string, { HostPort: string }[]] => [
    port.includes("/") ? port : `${port}/tcp`,
    [{ HostPort: host === 0 ? "" : String(host) }],
  ]);
  return {
    NetworkMode: options.network ?? "bridge",
    Binds: options.volumes && [...options.volumes],
    PortBindings: Object.fromEntries(ports),
    Memory: options.memory,
    NanoCpus: options.cpus === undefined ? undefined : Math.round(options.cpus * 1e9),
    AutoRemove: options.remove ?? true,
    ...options.hostConfig,
  };
}
