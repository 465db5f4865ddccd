import { messageOf } from "../base/errors.ts";
import { Operation } from "../base/operation.ts";
import type { Container, ContainerStatus } from "./containers.ts";
import type { Context } from "./context.ts";
import { startContainer } from "./start.ts";

/** Docker's back-off: 100 ms, doubled with each restart up to a minute, begun anew after ten seconds of running. */
const firstDelay = 100;
const longestDelay = 60_000;
const steadyAfter = 10_000;

const delays = new WeakMap<Context, Map<string, number>>();

/** True where the policy wants the container back; a timer for its start is then set. */
export function scheduleRestart(context: Context, container: Container, exitCode: number, ranFor: number): boolean {
  if (context.closing() || !wantsRestart(container, exitCode)) {
    delays.get(context)?.delete(container.id);
    return false;
  }
  const delay = nextDelay(context, container.id, ranFor);
  const timer = setTimeout(() => {
    context.restarts.delete(container.id);
    restartNow(context, container.id, "restarting");
  }, delay);
  context.restarts.set(container.id, timer);
  return true;
}

/** Ends a pending restart, and the back-off with it; true where there was one. */
export function cancelRestart(context: Context, id: string): boolean {
  delays.get(context)?.delete(id);
  const timer = context.restarts.get(id);
  clearTimeout(timer);
  return context.restarts.delete(id);
}

/** Whether the policy wants a container back that ended with this code (Engine API, RestartPolicy). */
export function wantsRestart(container: Container, exitCode: number): boolean {
  const { Name: name = "no", MaximumRetryCount: most = 0 } = container.hostConfig.RestartPolicy ?? {};
  if (container.stoppedByUser) return false;
  if (name === "always" || name === "unless-stopped") return true;
  return name === "on-failure" && exitCode !== 0 && (most === 0 || container.restartCount < most);
}

function nextDelay(context: Context, id: string, ranFor: number): number {
  const known = delays.get(context) ?? new Map<string, number>();
  delays.set(context, known);
  const before = known.get(id);
  const delay = before === undefined || ranFor >= steadyAfter ? firstDelay : Math.min(before * 2, longestDelay);
  known.set(id, delay);
  return delay;
}

/** Starts a container in the background, unless it is not in the given state any more; where that fails, later again. */
export function restartNow(context: Context, id: string, from: ContainerStatus): void {
  const attempt = async (): Promise<void> => {
    if (context.records.find(id)?.state.status !== from || context.closing()) return;
    try {
      await startContainer(context, Operation.background(`restart ${id}`), id);
    } catch (error) {
      context.log.warn("restarting a container", { id, error: messageOf(error) });
      const left = context.records.find(id);
      if (left && scheduleRestart(context, left, left.state.exitCode, 0))
        await context.records.move(id, { status: "restarting" }, { restartCount: left.restartCount + 1 });
    }
  };
  context.queue
    .run(id, attempt)
    .catch((error) => context.log.error("restarting a container", { id, error: messageOf(error) }));
}
