import type { Operation } from "../base/operation.ts";
import { KeyedQueue } from "../base/queue.ts";
import { SeccompCache } from "../runtime/seccomp-cache.ts";
import { attachContainer } from "./attach.ts";
import type { Container, Containers, WaitCondition } from "./containers.ts";
import type { ContainerParts, Context, Pending } from "./context.ts";
import { createContainer } from "./create.ts";
import { createExec, requireRunning, startExec } from "./exec.ts";
import { Execs } from "./execs.ts";
import { openLogs } from "./logs.ts";
import { connectNetwork, disconnectNetwork } from "./membership.ts";
import { reconcileContainers } from "./reconcile.ts";
import { ContainerRecords } from "./records.ts";
import { removeByUser } from "./remove.ts";
import { renameContainer } from "./rename.ts";
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
    restarts: new Map(),
    closing: () => closing,
  };
  const resolve = (ref: string): Container => withExecs(context, context.records.resolve(ref));

  return {
    create: (op, request) => createContainer(context, op, request),
    start: (op, ref) => {
      const { id } = resolve(ref);
      cancelRestart(context, id);
      return context.queue.run(id, () => startContainer(context, op, id));
    },
    stop: (op, ref, options = {}) => stopContainer(context, op, resolve(ref), options),
    restart: (op, ref, options = {}) => restartContainer(context, op, resolve(ref), options),
    kill: (op, ref, signal) => killContainer(context, op, resolve(ref), { ref, signal }),
    rename: (_op, ref, name) => renameContainer(context, resolve(ref), name),
    remove: (op, ref, options = {}) => removeByUser(context, op, resolve(ref), options),
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
    size: (_op, ref) => sizeOf(context, resolve(ref)),
    wait: (op, ref, condition = "not-running") => waitFor(context, op, resolve(ref), condition),
    attach: (op, ref, options) => attachContainer(context, op, resolve(ref), options),
    logs: async (op, ref, options) => openLogs(context, op, resolve(ref), options),
    resize: (op, ref, size) => resizeContainer(context, op, resolve(ref), size),
    top: (_op, ref, psArgs) => topContainer(resolve(ref), psArgs),
    connect: (op, ref, network, endpoint) => connectNetwork(context, op, resolve(ref), network, endpoint),
    disconnect: (op, ref, network, options) => disconnectNetwork(context, op, resolve(ref), network, options),
    execCreate: async (_op, ref, config) => createExec(context, resolve(ref), config),
    execStart: (op, execId, options) => startExec(context, op, execId, options),
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
    close: async () => {
      closing = true;
      for (const id of [...context.restarts.keys()]) cancelRestart(context, id);
      await context.queue.idle();
      for (const { shim } of context.live.values()) shim.disconnect();
    },
  };
}

function withExecs(context: Context, container: Container): Container {
  return { ...container, execIds: context.execs.activeOf(container.id) };
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

async function restartContainer(
  context: Context,
  op: Operation,
  container: Container,
  options: Parameters<typeof stopContainer>[3],
): Promise<void> {
  if (context.live.has(container.id) || context.restarts.has(container.id))
    await stopContainer(context, op, container, options);
  await context.queue.run(container.id, () => startContainer(context, op, container.id));
  context.events.emit("container", "restart", container.id, { image: container.imageName, name: container.name });
}

async function resizeContainer(
  context: Context,
  op: Operation,
  container: Container,
  size: { readonly height: number; readonly width: number },
): Promise<void> {
  await requireRunning(context, container).shim.resize(op, size);
  context.events.emit("container", "resize", container.id, {
    image: container.imageName,
    name: container.name,
    height: String(size.height),
    width: String(size.width),
  });
}
