import { rm } from "node:fs/promises";
import { messageOf } from "../base/errors.ts";
import { Operation } from "../base/operation.ts";
import { formatNano } from "../base/time.ts";
import type { ExitStatus, Shim } from "../runtime/runtime.ts";
import { type Context, emit, runDir } from "./context.ts";
import { endExecs } from "./exec.ts";
import { removeContainer } from "./remove.ts";
import { scheduleRestart } from "./restart-policy.ts";
import { unmountRoot } from "./start.ts";

/** Takes a running container into `live` and sees to its exit when it comes. */
export function watchExit(context: Context, id: string, shim: Shim): void {
  const { promise, resolve, reject } = Promise.withResolvers<ExitStatus>();
  // Often nobody waits.
  promise.catch(() => {});
  const startedAt = performance.now();
  context.live.set(id, { shim, settled: promise, settle: resolve, abandon: reject, startedAt });
  const seeTo = async (exit: ExitStatus): Promise<void> => {
    // One that comes while the engine closes is the next engine's: the shim has written it down.
    if (!context.closing()) await context.queue.run(id, () => settle(context, id, shim, exit));
  };
  shim.exited.then(seeTo).catch((error) => context.log.error("seeing to an exit", { id, error: messageOf(error) }));
}

/** Takes down what a container had while it ran, and records how it ended. Runs in the container's queue. */
async function settle(context: Context, id: string, shim: Shim, exit: ExitStatus): Promise<void> {
  const live = context.live.get(id);
  if (live?.shim !== shim) return;
  const op = Operation.background(`exit of ${id}`);
  const isDown = await takeDown(context, op, id, shim);
  context.live.delete(id);
  endExecs(context, id);
  const container = context.records.get(id);
  const restart = scheduleRestart(context, container, exit.code, performance.now() - live.startedAt);
  const recorded = context.records.move(
    id,
    {
      status: restart ? "restarting" : "exited",
      pid: 0,
      exitCode: exit.code,
      oomKilled: exit.oomKilled,
      finishedAt: formatNano(exit.at),
    },
    { restartCount: container.restartCount + (restart ? 1 : 0) },
  );
  const isRecorded = await recorded.then(
    () => true,
    (error) => context.log.error("recording an exit", { id, error: messageOf(error) }),
  );
  if (exit.oomKilled) emit(context, container, "oom");
  const seconds = String(Math.round((performance.now() - live.startedAt) / 1000));
  emit(context, container, "die", { exitCode: String(exit.code), execDuration: seconds });
  live.settle(exit);
  context.waiters.exited(id, { exitCode: exit.code });
  const goes = !restart && container.hostConfig.AutoRemove && !context.kept.has(id);
  if (goes) await autoRemove(context, op, id);
  else if (isRecorded && isDown) await removeRunDir(context, id);
}

/** Those who wait for the removal are told where it failed, too: nobody will try again by himself. */
async function autoRemove(context: Context, op: Operation, id: string): Promise<void> {
  const { exitCode } = context.records.get(id).state;
  try {
    await removeContainer(context, op, id, { volumes: true });
  } catch (error) {
    context.log.error("removing an ended container", { id, error: messageOf(error) });
    context.waiters.removed(id, { exitCode, error: messageOf(error) });
  }
}

/**
 * Network, mounts and runtime state; each is tried though another fails, for `reconcile` mends the rest. False where
 * something may still be mounted in the run folder, which must not be removed then.
 */
export async function takeDown(context: Context, op: Operation, id: string, shim: Shim | undefined): Promise<boolean> {
  const container = context.records.find(id);
  const parts: Record<string, Promise<unknown> | undefined> = {
    shim: shim?.dispose(op),
    network: container?.sandbox && context.networks.leave(op, container.sandbox),
    root: container && unmountRoot(context, op, container),
  };
  const names = Object.keys(parts);
  const results = await Promise.allSettled(Object.values(parts));
  results.forEach((result, index) => {
    if (result.status === "rejected")
      context.log.warn("taking a container down", { id, part: names[index], error: messageOf(result.reason) });
  });
  return results[names.indexOf("root")]!.status === "fulfilled";
}

/** Only once the exit is recorded: until then the shim's own note of it, in that folder, is all there is. */
export async function removeRunDir(context: Context, id: string): Promise<void> {
  await rm(runDir(context, id), { recursive: true, force: true }).catch((error) =>
    context.log.warn("removing a run folder", { id, error: messageOf(error) }),
  );
}
