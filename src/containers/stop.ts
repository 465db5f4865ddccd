import { conflict, invalid, isKind, messageOf, notModified } from "../base/errors.ts";
import { Operation } from "../base/operation.ts";
import type { Container, StopOptions } from "./containers.ts";
import { type Context, emit, type Live } from "./context.ts";
import { cancelRestart } from "./restart-policy.ts";
import { parseSignal } from "./signals.ts";

const defaultTimeout = 10;
const sigkill = 9;

/**
 * Stops a container: its stop signal, then SIGKILL. Not in the queue, so that a kill can overtake it. A caller that leaves
 * changes nothing, as in Docker: a container that was told to end ends in time.
 */
export async function stopContainer(context: Context, container: Container, options: StopOptions): Promise<void> {
  const { id } = container;
  const op = Operation.background(`stop ${id}`);
  const signal = parseSignal(options.signal || container.config.StopSignal || "SIGTERM");
  if (await stopRestarting(context, id)) return;
  const live = await liveOf(context, id);
  if (!live) throw notModified("");
  const timeout = options.timeout ?? container.config.StopTimeout ?? defaultTimeout;
  await context.records.update(id, { stoppedByUser: true });
  await send(context, op, container, live, signal);
  if (!(await endsWithin(live, timeout))) {
    await send(context, op, container, live, sigkill);
    await live.settled;
  }
  emit(context, container, "stop");
}

/** The handles of a running container, once a start or an exit that is under way is done. */
function liveOf(context: Context, id: string): Promise<Live | undefined> {
  return context.queue.run(id, async () => context.live.get(id));
}

/** Sends a signal to a running container. A SIGKILL or the stop signal counts as the user's stop for restart policies. */
export async function killContainer(
  context: Context,
  op: Operation,
  container: Container,
  { ref, signal = "SIGKILL" }: { readonly ref: string; readonly signal?: string },
): Promise<void> {
  const { id } = container;
  const number = signalToKill(ref, signal);
  const stops = number === sigkill || number === parseSignal(container.config.StopSignal || "SIGTERM");
  // One that waits for its restart has no process: that it comes back no more is all there is to do.
  if (stops && (await stopRestarting(context, id))) return;
  const live = await liveOf(context, id);
  if (!live) throw conflict(`cannot kill container: ${ref}: container ${id} is not running`, { id });
  if (stops) await context.records.update(container.id, { stoppedByUser: true });
  await send(context, op, container, live, number);
  // Docker answers a SIGKILL once the container is down.
  if (number === sigkill) await live.settled;
}

function signalToKill(ref: string, signal: string): number {
  try {
    return parseSignal(signal);
  } catch (error) {
    const why = /^\d+$/.test(signal) ? `the linux daemon does not support signal ${signal}` : messageOf(error);
    throw invalid(`cannot kill container: ${ref}: ${why}`, { id: ref, cause: error });
  }
}

/** Sends the signal; a container that ended meanwhile, or whose shim was killed, is what was wanted. */
export async function send(
  context: Context,
  op: Operation,
  container: Container,
  live: Live,
  signal: number,
): Promise<void> {
  try {
    await live.shim.signal(op, signal);
    emit(context, container, "kill", { signal: String(signal) });
  } catch (error) {
    if (!isKind(error, "notFound") && !isKind(error, "unavailable")) throw error;
  }
}

async function stopRestarting(context: Context, id: string): Promise<boolean> {
  if (!cancelRestart(context, id)) return false;
  return context.queue.run(id, async () => {
    const container = context.records.find(id);
    if (container?.state.status !== "restarting") return false;
    await context.records.move(id, { status: "exited" }, { stoppedByUser: true });
    context.waiters.exited(id, { exitCode: container.state.exitCode });
    emit(context, container, "stop");
    return true;
  });
}

/** False where the container still runs after `seconds`; negative waits for ever. */
async function endsWithin(live: Live, seconds: number): Promise<boolean> {
  if (seconds < 0) {
    await live.settled;
    return true;
  }
  const { promise: gaveUp, resolve } = Promise.withResolvers<false>();
  const timer = setTimeout(() => resolve(false), Math.min(seconds * 1000, 2 ** 31 - 1));
  try {
    return await Promise.race([live.settled.then(() => true), gaveUp]);
  } finally {
    clearTimeout(timer);
  }
}
