import { rm } from "node:fs/promises";
import { conflict, isKind, messageOf } from "../base/errors.ts";
import { Operation } from "../base/operation.ts";
import { settleAll } from "../base/undo.ts";
import { dropPending } from "./attach.ts";
import type { Container, RemoveOptions } from "./containers.ts";
import { type Context, dataDir, emit, type Live, runDir } from "./context.ts";
import { cancelRestart } from "./restart-policy.ts";
import { send } from "./stop.ts";

const done = Promise.resolve();

/**
 * Removes a container; with `force` kills it first. Enters the container's queue itself. Not given up where the caller
 * leaves: half a removal is of no use to anybody.
 */
export async function removeByUser(context: Context, container: Container, options: RemoveOptions): Promise<void> {
  const { id } = container;
  const op = Operation.background(`remove ${id}`);
  for (let running: Live | undefined; ; ) {
    if (options.force) cancelRestart(context, id);
    running = await context.queue.run(id, async () => {
      // Two removals at once: the second finds nothing left, which is what it wanted.
      const now = context.records.find(id);
      if (!now) return undefined;
      // Its exit is seen to in the queue, so that it is waited for outside.
      const live = options.force ? context.live.get(id) : undefined;
      if (live) return live;
      refuseActive(context, now);
      await removeContainer(context, op, id, options);
      return undefined;
    });
    if (!running) return;
    await killForRemoval(context, op, container, running);
  }
}

async function killForRemoval(context: Context, op: Operation, container: Container, live: Live): Promise<void> {
  await context.records.update(container.id, { stoppedByUser: true });
  await send(context, op, container, live, 9);
  await live.settled;
}

function refuseActive(context: Context, container: Container): void {
  const { status } = container.state;
  if (status !== "running" && status !== "paused" && (status !== "restarting" || !context.restarts.has(container.id)))
    return;
  const hint = status === "paused" ? "unpause and then stop" : "stop";
  throw conflict(
    `cannot remove container "${container.name}": container is ${status}: ${hint} the container before removing or force remove`,
    { id: container.id },
  );
}

/**
 * Takes everything of a container away that does not run. The record says `removing` first and goes last, so that a
 * crash on the way is finished by `reconcile`. Runs in the container's queue.
 */
export async function removeContainer(
  context: Context,
  op: Operation,
  id: string,
  options: RemoveOptions,
): Promise<void> {
  const container = context.records.get(id);
  await markRemoving(context, container, options);
  await dropPending(context, id);
  await settleAll([
    context.snapshots.remove(id),
    rm(dataDir(context, id), { recursive: true, force: true }),
    rm(runDir(context, id), { recursive: true, force: true }),
    options.volumes ? removeAnonymousVolumes(context, op, container) : done,
  ]);
  await context.records.remove(id);
  context.execs.drop(id);
  emit(context, container, "destroy");
  context.waiters.removed(id, { exitCode: container.state.exitCode });
}

/**
 * What is finished after a crash takes the anonymous volumes along; where they are to stay, the record says now that
 * they are like others. An exited container with `--rm` is removed after a crash anyway: nobody has to wait for its mark.
 */
async function markRemoving(context: Context, container: Container, options: RemoveOptions): Promise<void> {
  const { id, state, hostConfig } = container;
  const mounts = options.volumes
    ? container.mounts
    : container.mounts.map((mount) => (mount.anonymous ? { ...mount, anonymous: false } : mount));
  const isMarked = state.status === "removing" && options.volumes;
  const marked = isMarked ? done : context.records.move(id, { status: "removing" }, { mounts });
  if (!hostConfig.AutoRemove || !options.volumes || state.status !== "exited") return marked;
  marked.catch((error) => context.log.warn("marking a removal", { id, error: messageOf(error) }));
}

/** One that another container still uses stays. */
export async function removeAnonymousVolumes(context: Context, op: Operation, container: Container): Promise<void> {
  for (const { name, anonymous } of container.mounts) {
    if (!anonymous || name === undefined) continue;
    await context.volumes.remove(op, name).catch((error) => {
      if (!isKind(error, "conflict") && !isKind(error, "notFound"))
        context.log.warn("removing an anonymous volume", { name, error: messageOf(error) });
    });
  }
}
