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
import { scheduleRestart, wantsRestart } from "./restart-policy.ts";
import { takeDown, watchExit } from "./settle.ts";
import { startContainer } from "./start.ts";

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
  await Promise.all(found.map((one) => settleFound(context, op, one)));
  await sweepRunDirs(context, op);
  await sweepMounts(context);
  await sweepSnapshots(context);
  startByPolicy(context, op);
}

/** A container that runs and whose start was recorded. */
function isOurs({ container, adopted }: Found): boolean {
  const { status } = container.state;
  return adopted.kind === "running" && (status === "running" || status === "paused") && container.sandbox !== undefined;
}

async function adopt(context: Context, op: Operation, id: string): Promise<Adopted> {
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
    await context.records.move(id, { pid: shim.initPid ?? container.state.pid });
    await holdVolumes(context, op, container);
    watchExit(context, id, shim);
    return;
  }
  // A start that the last engine did not finish, and told nobody of, is undone.
  if (adopted.kind === "running") await end(op, adopted.shim);
  await takeDown(context, op, id, adopted.kind === "running" ? adopted.shim : undefined);
  await recordExit(context, container, adopted);
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

/** Run folders without a record: a creation or removal that was cut short. */
async function sweepRunDirs(context: Context, op: Operation): Promise<void> {
  for (const id of await names(join(context.execRoot, "containers"))) {
    if (context.records.find(id)) continue;
    const adopted = await adopt(context, op, id);
    if (adopted.kind === "running") {
      await end(op, adopted.shim);
      await adopted.shim.dispose(op);
    }
    await context.kernel.unmount(join(runDir(context, id), "rootfs"));
    await rm(runDir(context, id), { recursive: true, force: true });
  }
  for (const id of await names(join(context.dataRoot, "containers")))
    if (!context.records.find(id)) await rm(join(context.dataRoot, "containers", id), { recursive: true, force: true });
}

async function sweepMounts(context: Context): Promise<void> {
  const prefix = join(context.execRoot, "containers");
  for (const { target } of (await context.kernel.mounts(prefix)).reverse()) {
    const id = target.slice(prefix.length + 1).split("/")[0]!;
    if (!context.live.has(id)) await context.kernel.unmount(target);
  }
}

async function sweepSnapshots(context: Context): Promise<void> {
  for (const { id } of context.snapshots.snapshots()) if (!context.records.find(id)) await context.snapshots.remove(id);
}

/** Containers that a policy wants running, as after a reboot; a user's stop holds only for `unless-stopped`. */
function startByPolicy(context: Context, op: Operation): void {
  for (const container of context.records.all()) {
    const { status, exitCode, startedAt } = container.state;
    if (status !== "exited" || context.live.has(container.id)) continue;
    const name = container.hostConfig.RestartPolicy?.Name;
    const wanted = name === "always" || (startedAt !== "" && wantsRestart(container, exitCode));
    if (!wanted) continue;
    void context.queue
      .run(container.id, () => startContainer(context, op, container.id))
      .catch((error) => {
        context.log.warn("starting a container by its policy", { id: container.id, error: messageOf(error) });
        const left = context.records.find(container.id);
        if (left && scheduleRestart(context, left, left.state.exitCode, 0))
          void context.records.move(left.id, { status: "restarting" });
      });
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
