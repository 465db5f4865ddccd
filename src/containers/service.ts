import { unavailable } from "../base/errors.ts";
import type { Operation } from "../base/operation.ts";
import { KeyedQueue } from "../base/queue.ts";
import { SeccompCache } from "../runtime/seccomp-cache.ts";
import { attachContainer, dropPending } from "./attach.ts";
import type { Container, Containers, WaitCondition } from "./containers.ts";
import { type ContainerParts, type Context, emit, type Pending } from "./context.ts";
import { createContainer } from "./create.ts";
import { createExec, requireRunning, startExec } from "./exec.ts";
import { Execs } from "./execs.ts";
import { openLogs } from "./logs.ts";
import { connectNetwork, disconnectNetwork } from "./membership.ts";
import { reconcileContainers, startByPolicy } from "./reconcile.ts";
import { ContainerRecords } from "./records.ts";
import { removeByUser } from "./remove.ts";
import { renameContainer } from "./rename.ts";
import { restartContainer } from "./restart.ts";
import { cancelRestart } from "./restart-policy.ts";
import { sizeOf } from "./size.ts";
import { startContainer } from "./start.ts";
import { killContainer, stopContainer } from "./stop.ts";
import { topContainer } from "./top.ts";
import { Waiters, type WaitResult } from "./waiters.ts";

/** The containers of one engine, with what only the engine itself calls. */
export interface ContainersService extends Containers {
  /** Takes over what an earlier engine left; before anything else is called. */
  reconcile(op: Operation): Promise<void>;
  /** Starts those that their restart policies want running, in the background; once everything is reconciled. */
  resume(): void;
  /** IDs of containers made from an image, for its removal. */
  usersOfImage(id: string): ReadonlyArray<{ readonly id: string; readonly running: boolean }>;
  /** IDs of containers that mount a volume. */
  usersOfVolume(name: string): readonly string[];
  /** Lets go of every container: they run on. */
  close(): Promise<void>;
}

/** Builds the service on its parts; each verb is a file of this folder. */
export function createContainers(parts: ContainerParts): ContainersService {
  let closing = false;
  const context: Context = {
    ...parts,
    records: new ContainerRecords(parts.store),
    queue: new KeyedQueue(),
    live: new Map(),
    pending: new Map<string, Pending>(),
    waiters: new Waiters(),
    execs: new Execs(),
    seccomp: new SeccompCache(),
    streams: new Set(),
    kept: new Set(),
    restarts: new Map(),
    closing: () => closing,
  };
  const checkOpen = (): void => {
    if (closing) throw unavailable("the engine is closed");
  };
  const resolve = (ref: string): Container => {
    checkOpen();
    return withExecs(context, context.records.resolve(ref));
  };

  return {
    create: async (op, request) => {
      checkOpen();
      return createContainer(context, op, request);
    },
    start: async (op, ref) => {
      const { id } = resolve(ref);
      cancelRestart(context, id);
      return context.queue.run(id, () => startContainer(context, op, id, { byUser: true }));
    },
    stop: async (_op, ref, options = {}) => stopContainer(context, resolve(ref), options),
    restart: async (_op, ref, options = {}) => restartContainer(context, resolve(ref), options),
    kill: async (op, ref, signal) => killContainer(context, op, resolve(ref), { ref, signal }),
    rename: async (_op, ref, name) => renameContainer(context, resolve(ref), name),
    remove: async (_op, ref, options = {}) => removeByUser(context, resolve(ref), options),
    get: resolve,
    list: ({ all = false } = {}) =>
      context.records
        .all()
        .filter(
          ({ state }) =>
            all || state.status === "running" || state.status === "paused" || state.status === "restarting",
        )
        .sort((a, b) => (a.created < b.created ? 1 : -1))
        .map((container) => withExecs(context, container)),
    size: async (_op, ref) => sizeOf(context, resolve(ref)),
    wait: async (op, ref, condition = "not-running") => waitFor(context, op, resolve(ref), condition),
    attach: async (op, ref, options) => attachContainer(context, op, resolve(ref), options),
    logs: async (op, ref, options) => openLogs(context, op, resolve(ref), options),
    resize: async (op, ref, size) => resizeContainer(context, op, resolve(ref), size),
    top: async (_op, ref, psArgs) => topContainer(resolve(ref), psArgs),
    connect: async (op, ref, network, endpoint) => connectNetwork(context, op, resolve(ref), network, endpoint),
    disconnect: async (op, ref, network, options) => disconnectNetwork(context, op, resolve(ref), network, options),
    execCreate: async (_op, ref, config) => createExec(context, resolve(ref), config),
    execStart: async (op, execId, options) => {
      checkOpen();
      return startExec(context, op, execId, options);
    },
    execGet: (execId) => context.execs.get(execId),
    execResize: async (op, execId, size) => {
      const exec = context.execs.get(execId);
      const live = requireRunning(context, context.records.get(exec.containerId));
      await live.shim.resize(op, size, exec.id);
    },
    reconcile: (op) => reconcileContainers(context, op),
    usersOfImage: (image) =>
      context.records
        .all()
        .filter((container) => container.image === image)
        .map(({ id }) => ({ id, running: context.live.has(id) })),
    usersOfVolume: (name) =>
      context.records
        .all()
        .filter(({ state, mounts }) => state.status !== "removing" && mounts.some((mount) => mount.name === name))
        .map(({ id }) => id),
    resume: () => startByPolicy(context),
    close: async () => {
      closing = true;
      for (const id of [...context.restarts.keys()]) cancelRestart(context, id);
      await context.queue.idle();
      letGo(context);
      await Promise.all([...context.pending.keys()].map((id) => dropPending(context, id)));
    },
  };
}

function withExecs(context: Context, container: Container): Container {
  return { ...container, execIds: context.execs.activeOf(container.id) };
}

/** Ends what hangs on the running containers in this process, and leaves them to themselves. */
function letGo(context: Context): void {
  const why = unavailable("the engine was closed");
  context.waiters.close(why);
  for (const { shim, abandon } of context.live.values()) {
    abandon(why);
    shim.disconnect();
  }
  for (const stream of context.streams) stream.destroy();
}

/** A container that has ended satisfies `not-running` at once; the other conditions are about what is to come. */
async function waitFor(
  context: Context,
  op: Operation,
  container: Container,
  condition: WaitCondition,
): Promise<WaitResult> {
  const { status, exitCode } = container.state;
  if (condition === "not-running" && !["running", "paused", "restarting"].includes(status)) return { exitCode };
  return context.waiters.wait(op, container.id, condition);
}

async function resizeContainer(
  context: Context,
  op: Operation,
  container: Container,
  size: { readonly height: number; readonly width: number },
): Promise<void> {
  await requireRunning(context, container).shim.resize(op, size);
  emit(context, container, "resize", { height: String(size.height), width: String(size.width) });
}
