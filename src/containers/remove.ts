import { rm } from "node:fs/promises";
import { conflict, isKind, messageOf } from "../base/errors.ts";
import type { Operation } from "../base/operation.ts";
import { settleAll } from "../base/undo.ts";
import { dropPending } from "./attach.ts";
import type { Container, RemoveOptions } from "./containers.ts";
import { type Context, dataDir, emit, runDir } from "./context.ts";
import { cancelRestart } from "./restart-policy.ts";

const done = Promise.resolve();

/** Removes a container; with `force` kills it first. Enters the container's queue itself. */
export async function removeByUser(
  context: Context,
  op: Operation,
  container: Container,
  options: RemoveOptions,
): Promise<void> {
  const { id } = container;
  if (options.force) await killForRemoval(context, op, container);
  await context.queue.run(id, async () => {
    // Two removals at once: the second finds nothing left, which is what it wanted.
    if (!context.records.find(id)) return;
    refuseActive(context, context.records.get(id));
    await removeContainer(context, op, id, options);
  });
}

async function killForRemoval(context: Context, op: Operation, container: Container): Promise<void> {
  cancelRestart(context, container.id);
  const live = context.live.get(container.id);
  if (!live) return;
  await context.records.update(container.id, { stoppedByUser: true });
  await live.shim.signal(op, 9).catch((error) => {
    if (!isKind(error, "notFound")) throw error;
  });
  emit(context, container, "kill", { signal: "9" });
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
  const marked = container.state.status === "removing" ? done : context.records.move(id, { status: "removing" });
  marked.catch(() => {});
  await dropPending(context, id);
  await settleAll([
    marked,
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

/** A volume that another container still uses stays. */
async function removeAnonymousVolumes(context: Context, op: Operation, container: Container): Promise<void> {
  for (const { name, anonymous } of container.mounts) {
    if (!anonymous || name === undefined) continue;
    await context.volumes.remove(op, name).catch((error) => {
      if (!isKind(error, "conflict") && !isKind(error, "notFound"))
        context.log.warn("removing an anonymous volume", { name, error: messageOf(error) });
    });
  }
}
