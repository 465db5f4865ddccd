import { mkdirSync } from "node:fs";
import { Duplex, PassThrough, Readable } from "node:stream";
import { conflict, messageOf } from "../base/errors.ts";
import { Operation } from "../base/operation.ts";
import type { AttachRequest, Shim } from "../runtime/runtime.ts";
import type { AttachOptions, Container } from "./containers.ts";
import { type Context, emit, runDir, track } from "./context.ts";
import { defaultDetachKeys, detachable, parseDetachKeys } from "./detach.ts";
import { openLogs } from "./logs.ts";

/** Opens a container's stdio, after a replay of its log where that was asked for. */
export async function attachContainer(
  context: Context,
  op: Operation,
  container: Container,
  options: AttachOptions,
): Promise<{ readonly stream: Duplex; readonly tty: boolean }> {
  const tty = container.config.Tty === true;
  const keys = options.detachKeys ? parseDetachKeys(options.detachKeys) : defaultDetachKeys;
  if (container.state.status === "paused")
    throw conflict("cannot attach to a paused container, unpause the container and try again");
  if (container.state.status === "restarting")
    throw conflict("cannot attach to a restarting container, wait until the container is running");
  const replay = options.logs ? openLogs(context, op, container, replayOptions(options)).stream : undefined;
  if (!options.stream) return { stream: readOnly(replay ?? Readable.from([])), tty };
  const stdio = await openStdio(context, op, container, options);
  emit(context, container, "attach");
  const whole = replay ? Duplex.from({ readable: concat(replay, stdio), writable: stdio }) : stdio;
  const stream = tty && options.stdin ? detachable(whole, keys, () => emit(context, container, "detach")) : whole;
  return { stream, tty };
}

function replayOptions({ stdout, stderr }: AttachOptions): Parameters<typeof openLogs>[3] {
  return { stdout, stderr, follow: false, timestamps: false, details: false };
}

async function openStdio(
  context: Context,
  op: Operation,
  container: Container,
  options: AttachOptions,
): Promise<Duplex> {
  const { stdin, stdout, stderr } = options;
  const request = { stdin: stdin && container.config.OpenStdin === true, stdout, stderr };
  // In the queue, so that a start that is under way has either taken the waiting shim or is done.
  return context.queue.run(container.id, async () => {
    const live = context.live.get(container.id);
    if (live) return track(context, await live.shim.attach(op, request));
    const { status } = context.records.get(container.id).state;
    if (status === "removing" || status === "dead")
      throw conflict("cannot attach to a container that is marked for removal", { id: container.id });
    return attachPending(context, op, container.id, request);
  });
}

async function attachPending(context: Context, op: Operation, id: string, request: AttachRequest): Promise<Duplex> {
  const pending = waitingShim(context, op, id);
  const leave = async (): Promise<void> => {
    pending.clients--;
    if (pending.clients === 0 && context.pending.get(id) === pending) await dropPending(context, id);
  };
  pending.clients++;
  try {
    const stream = track(context, await (await pending.shim).attach(op, request));
    stream.once("close", () => void context.queue.run(id, leave));
    return stream;
  } catch (error) {
    await leave();
    throw error;
  }
}

/** The shim of a container that is not started yet: its clients will miss no byte, and its start finds it ready. */
function waitingShim(context: Context, op: Operation, id: string): { shim: Promise<Shim>; clients: number } {
  const known = context.pending.get(id);
  if (known) return known;
  mkdirSync(runDir(context, id), { recursive: true });
  const made = { shim: context.shims.launch(op, runDir(context, id)), clients: 0 };
  context.pending.set(id, made);
  made.shim.catch(() => {
    if (context.pending.get(id) === made) context.pending.delete(id);
  });
  return made;
}

/** Ends a shim that nobody waits on any more and no start has taken. Never rejects. */
export async function dropPending(context: Context, id: string): Promise<void> {
  const pending = context.pending.get(id);
  if (!pending) return;
  context.pending.delete(id);
  const shim = await pending.shim.catch(() => undefined);
  await shim
    ?.dispose(Operation.background(`drop the waiting shim of ${id}`))
    .catch((error) => context.log.warn("dropping a waiting shim", { id, error: messageOf(error) }));
}

function readOnly(readable: Readable): Duplex {
  return Duplex.from({ readable, writable: new PassThrough().resume() });
}

async function* concat(first: Readable, second: Readable): AsyncGenerator<Buffer> {
  yield* first;
  yield* second;
}
