import { existsSync } from "node:fs";
import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { errnoOf, messageOf } from "../base/errors.ts";
import type { Operation } from "../base/operation.ts";
import { formatNano, nowNano } from "../base/time.ts";
import type { Adopted, ExitStatus, Shim } from "../runtime/runtime.ts";
import type { Container } from "./containers.ts";
import { type Context, emit, runDir } from "./context.ts";
import { holdVolumes } from "./mount-sources.ts";
import { removeContainer } from "./remove.ts";
import { restartNow, wantsRestart } from "./restart-policy.ts";
import { removeRunDir, takeDown, watchExit } from "./settle.ts";

/** Docker's exit code for a container whose end nobody saw, as after a reboot of the host. */
const unseenExit = 255;

/** What the last engine left: containers that still run, and what is to be done about the others. */
interface Found {
  readonly container: Container;
  readonly adopted: Adopted;
}

/**
 * Brings records and processes into agreement after the engine was away, however it ended: takes running containers over,
 * records the exits that came meanwhile, finishes removals, and clears away what belongs to no record.
 */
export async function reconcileContainers(context: Context, op: Operation): Promise<void> {
  const found = await Promise.all(
    context.records.all().map(async (container) => ({ container, adopted: await adopt(context, op, container.id) })),
  );
  const running = found.filter(isOurs);
  await context.networks.reconcile(
    op,
    running.map(({ container }) => container.sandbox!),
  );
  // First the mounts that no process is in, for a run folder that holds one cannot be removed.
  const inUse = new Set(found.filter(({ adopted }) => adopted.kind === "running").map(({ container }) => container.id));
  await sweepMounts(context, (id) => inUse.has(id) || !context.records.find(id));
  await Promise.all(found.map((one) => trySettle(context, op, one)));
  await endOrphans(context, op);
  await sweepMounts(context, (id) => context.live.has(id));
  await sweepRunDirs(context);
  await sweepSnapshots(context);
}

/** One container that cannot be mended keeps nobody from the others; it is tried again at the next start. */
async function trySettle(context: Context, op: Operation, found: Found): Promise<void> {
  try {
    await settleFound(context, op, found);
  } catch (error) {
    context.log.error("reconciling a container", { id: found.container.id, error: messageOf(error) });
  }
}

/** A container that runs and whose start was recorded. */
function isOurs({ container, adopted }: Found): boolean {
  const { status } = container.state;
  return adopted.kind === "running" && (status === "running" || status === "paused") && container.sandbox !== undefined;
}

async function adopt(context: Context, op: Operation, id: string): Promise<Adopted> {
  // Most have no run folder: they ended, and were seen to, long ago.
  if (!existsSync(runDir(context, id))) return { kind: "none" };
  try {
    return await context.shims.adopt(op, runDir(context, id));
  } catch (error) {
    context.log.warn("finding a shim again", { id, error: messageOf(error) });
    return { kind: "none" };
  }
}

async function settleFound(context: Context, op: Operation, found: Found): Promise<void> {
  const { container, adopted } = found;
  const { id } = container;
  if (isOurs(found)) {
    const { shim } = adopted as { readonly shim: Shim };
    // In the queue, so that an exit that comes at this moment is seen to afterwards.
    return context.queue.run(id, async () => {
      watchExit(context, id, shim);
      await context.records.move(id, { pid: shim.initPid ?? container.state.pid });
      await holdVolumes(context, op, container);
    });
  }
  // A start that the last engine did not finish, and told nobody of, is undone.
  if (adopted.kind === "running") await end(op, adopted.shim);
  const isDown = await takeDown(context, op, id, adopted.kind === "running" ? adopted.shim : undefined);
  await recordExit(context, container, adopted);
  if (isDown) await removeRunDir(context, id);
  const left = context.records.get(id);
  if (left.state.status === "removing") await removeContainer(context, op, id, { volumes: true });
  else if (left.hostConfig.AutoRemove && left.state.status === "exited")
    await removeContainer(context, op, id, { volumes: true });
}

async function recordExit(context: Context, container: Container, adopted: Adopted): Promise<void> {
  const { status } = container.state;
  if (status !== "running" && status !== "paused" && status !== "restarting") return;
  const exit: ExitStatus =
    adopted.kind === "exited" ? adopted.exit : { code: unseenExit, oomKilled: false, at: nowNano() };
  if (status === "restarting") {
    await context.records.move(container.id, { status: "exited" });
    return;
  }
  await context.records.move(container.id, {
    status: "exited",
    pid: 0,
    exitCode: exit.code,
    oomKilled: exit.oomKilled,
    finishedAt: formatNano(exit.at),
  });
  emit(context, container, "die", { exitCode: String(exit.code) });
}

async function end(op: Operation, shim: Shim): Promise<void> {
  await shim.signal(op, 9).catch(() => {});
  await shim.exited;
}

/** Processes without a record: a creation or removal that was cut short. */
async function endOrphans(context: Context, op: Operation): Promise<void> {
  for (const id of await names(join(context.execRoot, "containers"))) {
    if (context.records.find(id)) continue;
    const adopted = await adopt(context, op, id);
    if (adopted.kind !== "running") continue;
    await end(op, adopted.shim);
    await adopted.shim.dispose(op);
  }
}

async function sweepMounts(context: Context, isInUse: (id: string) => boolean): Promise<void> {
  const prefix = join(context.execRoot, "containers");
  for (const { target } of (await context.kernel.mounts(prefix)).reverse()) {
    const id = target.slice(prefix.length + 1).split("/")[0]!;
    if (!isInUse(id)) await context.kernel.unmount(target);
  }
}

/** Folders without a record. */
async function sweepRunDirs(context: Context): Promise<void> {
  for (const root of [context.execRoot, context.dataRoot])
    for (const id of await names(join(root, "containers")))
      if (!context.records.find(id)) await rm(join(root, "containers", id), { recursive: true, force: true });
}

async function sweepSnapshots(context: Context): Promise<void> {
  for (const { id } of context.snapshots.snapshots()) if (!context.records.find(id)) await context.snapshots.remove(id);
}

/** Containers that a policy wants running, as after a reboot; a user's stop holds only for `unless-stopped`. */
export function startByPolicy(context: Context): void {
  for (const container of context.records.all()) {
    const { status, exitCode } = container.state;
    if (status !== "exited") continue;
    const isWanted = container.hostConfig.RestartPolicy?.Name === "always" || wantsRestart(container, exitCode);
    if (isWanted) restartNow(context, container.id, "exited");
  }
}

async function names(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return [];
    throw error;
  }
}
