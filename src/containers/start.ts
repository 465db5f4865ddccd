import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { conflict, isKind, type KeelsonError, messageOf, notModified, withKind } from "../base/errors.ts";
import { Operation } from "../base/operation.ts";
import { formatNano, never, nowNano } from "../base/time.ts";
import { settleAll, withUndo } from "../base/undo.ts";
import { parseBytes } from "../base/units.ts";
import type { Sandbox } from "../networks/networks.ts";
import { prepareRoot } from "../runtime/root-files.ts";
import type { Shim } from "../runtime/runtime.ts";
import { dropPending } from "./attach.ts";
import { type Bundle, bundleOf, ownFiles } from "./bundle.ts";
import type { Container } from "./containers.ts";
import { type Context, emit, logPath, rootfsDir, runDir } from "./context.ts";
import { mountSources, unmountSources } from "./mount-sources.ts";
import { removeContainer } from "./remove.ts";
import { sandboxRequest } from "./sandbox-request.ts";
import { watchExit } from "./settle.ts";

/** Docker's defaults would let a log fill the disk; these bound it at 30 MB. */
const defaultLog = { maxSize: 10_000_000, maxFiles: 3 };

/**
 * Starts a container. Runs in the container's queue. `notModified` when it runs already. A start that a user asked for,
 * and no policy, begins the count of restarts anew.
 */
export async function startContainer(
  context: Context,
  op: Operation,
  id: string,
  { byUser = false }: { readonly byUser?: boolean } = {},
): Promise<void> {
  const container = context.records.get(id);
  const { status } = container.state;
  if (status === "running") throw notModified("");
  if (status === "paused") throw conflict("cannot start a paused container, try unpause instead");
  if (status === "removing" || status === "dead")
    throw conflict("container is marked for removal and cannot be started", { id });
  if (byUser && container.restartCount > 0) await context.records.update(id, { restartCount: 0 });
  try {
    await bringUp(context, op, context.records.get(id));
  } catch (error) {
    await startFailed(context, container, withKind(error));
    throw error;
  }
  emit(context, context.records.get(id), "start");
}

type Step = Parameters<Parameters<typeof withUndo>[0]>[0];

/** What a container's process needs around it. */
interface Surroundings {
  readonly shim: Shim;
  readonly sandbox: Sandbox;
  /** Host folders of its mounts, by destination. */
  readonly sources: ReadonlyMap<string, string>;
}

async function bringUp(context: Context, op: Operation, container: Container): Promise<void> {
  const { id } = container;
  const undoOp = Operation.background(`undo start ${id}`);
  await withUndo(
    async (step) => {
      mkdirSync(rootfsDir(context, id), { recursive: true });
      const around = await surround(context, op, container, { step, undoOp });
      op.check();
      op.step("write bundle");
      const bundle = writeBundle(context, container, around);
      op.step("run");
      await launch(context, op, container, { ...around, bundle, step, undoOp });
    },
    (error) => context.log.warn("undoing a start", { id, error: messageOf(error) }),
  );
}

async function surround(
  context: Context,
  op: Operation,
  container: Container,
  { step, undoOp }: { readonly step: Step; readonly undoOp: Operation },
): Promise<Surroundings> {
  op.step("launch shim, join networks, mount root");
  // These three do not depend on each other; a start takes as long as the slowest.
  const [shim, sandbox, sources] = await settleAll<[Shim, Sandbox, ReadonlyMap<string, string>]>([
    step(
      () => takeShim(context, op, container.id),
      (made) => made.dispose(undoOp).catch(unlessGone),
    ),
    step(
      () => context.networks.join(op, sandboxRequest(context, container)),
      (made) => context.networks.leave(undoOp, made),
    ),
    step(
      () => mountRoot(context, op, container),
      () => unmountRoot(context, undoOp, container),
    ),
  ]);
  return { shim, sandbox, sources };
}

/** The bundle, and what the container's own files say, written to its run folder. */
function writeBundle(context: Context, container: Container, { sandbox, sources }: Surroundings): Bundle {
  const { id } = container;
  if (container.state.startedAt === never) prepareRoot(rootfsDir(context, id));
  writeOwnFiles(context, container, sandbox);
  const bundle = bundleOf(context, container, sandbox, sources);
  const spec = isCrun(context, container) ? context.seccomp.apply(bundle.spec) : bundle.spec;
  writeFileSync(join(runDir(context, id), "config.json"), JSON.stringify(spec));
  return bundle;
}

interface Launch extends Surroundings {
  readonly bundle: Bundle;
  readonly step: Step;
  readonly undoOp: Operation;
}

async function launch(
  context: Context,
  op: Operation,
  container: Container,
  { shim, sandbox, bundle, step, undoOp }: Launch,
): Promise<void> {
  const { id } = container;
  // The record goes to the store while the runtime works: after a crash it tells what the running container has.
  const recorded = context.records.move(
    id,
    { status: "running", error: "", startedAt: formatNano(nowNano()) },
    { sandbox, stoppedByUser: false },
  );
  const [{ pid }] = await settleAll([
    step(
      () => shim.start(op, startRequest(context, container, bundle)),
      () => killed(shim, undoOp),
    ),
    recorded,
  ]);
  await context.records.move(id, { pid, startedAt: formatNano(nowNano()), exitCode: 0, oomKilled: false });
  watchExit(context, id, shim);
  if (isCrun(context, container)) void context.seccomp.learn(bundle.spec, runtimeRoot(context), id);
}

/** Ends a container that runs. One that has ended by itself is no error. */
async function killed(shim: Shim, op: Operation): Promise<void> {
  const isSent = await shim.signal(op, 9).then(
    () => true,
    () => false,
  );
  if (isSent) await shim.exited;
}

/** After a start that the runtime refused, the shim has left by itself. */
function unlessGone(error: unknown): void {
  if (!isKind(error, "unavailable")) throw error;
}

/** The shim that an attach client has waited on, or a new one. */
function takeShim(context: Context, op: Operation, id: string): Promise<Shim> {
  const pending = context.pending.get(id);
  context.pending.delete(id);
  return pending?.shim ?? context.shims.launch(op, runDir(context, id));
}

async function mountRoot(context: Context, op: Operation, container: Container): Promise<ReadonlyMap<string, string>> {
  const target = rootfsDir(context, container.id);
  await context.kernel.mount([context.snapshots.mountOf(container.id, target)]);
  try {
    return await mountSources(context, op, container);
  } catch (error) {
    await context.kernel.unmount(target);
    throw error;
  }
}

export async function unmountRoot(context: Context, op: Operation, container: Container): Promise<void> {
  await settleAll([context.kernel.unmount(rootfsDir(context, container.id)), unmountSources(context, op, container)]);
}

function runtimeOf(context: Context, { hostConfig }: Container): string {
  return hostConfig.Runtime || context.defaultRuntime;
}

function isCrun(context: Context, container: Container): boolean {
  return runtimeOf(context, container) === "crun";
}

/** Where the OCI runtime keeps its state. */
function runtimeRoot(context: Context): string {
  return join(context.execRoot, "runtime");
}

/** Before the spec is built, which looks at them. */
function writeOwnFiles(context: Context, container: Container, sandbox: Sandbox): void {
  const files = ownFiles(context, container.id);
  const contents: ReadonlyArray<readonly [string, string]> = [
    [files.hosts, sandbox.hostsFile],
    [files.resolvConf, sandbox.resolvConf],
    [files.hostname, `${container.config.Hostname ?? ""}\n`],
  ];
  for (const [file, content] of contents) {
    writeFileSync(file, content);
    // Whatever the daemon's umask is: any user of the container reads them.
    chmodSync(file, 0o644);
  }
}

function startRequest(context: Context, container: Container, bundle: Bundle): Parameters<Shim["start"]>[1] {
  const { config, hostConfig } = container;
  const logFile = logPath(context, container);
  if (logFile !== undefined) mkdirSync(dirname(logFile), { recursive: true, mode: 0o710 });
  const [height = 0, width = 0] = hostConfig.ConsoleSize ?? [];
  return {
    id: container.id,
    bundle: runDir(context, container.id),
    runtime: context.runtimes[runtimeOf(context, container)]!,
    runtimeRoot: runtimeRoot(context),
    terminal: config.Tty ?? false,
    openStdin: config.OpenStdin ?? false,
    stdinOnce: config.StdinOnce ?? false,
    uid: bundle.user.uid,
    gid: bundle.user.gid,
    log: logFile === undefined ? undefined : { path: logFile, ...logLimits(hostConfig.LogConfig?.Config ?? {}) },
    size: height > 0 && width > 0 ? { height, width } : undefined,
  };
}

/** `max-size` (`10m`, `-1` for no limit) and `max-file` of the json-file driver. */
function logLimits(options: Readonly<Record<string, string>>): { maxSize: number; maxFiles: number } {
  const size = options["max-size"];
  const files = options["max-file"];
  return {
    maxSize: size === undefined ? defaultLog.maxSize : Math.max(0, parseBytes(size)),
    maxFiles: files === undefined ? defaultLog.maxFiles : Number(files),
  };
}

/**
 * A start that failed leaves its reason in the record, and with `--rm` no container. `before` is the record before it.
 * Nothing that fails in here hides why the start did.
 */
async function startFailed(context: Context, before: Container, error: KeelsonError): Promise<void> {
  const { id } = before;
  await dropPending(context, id);
  const exitCode = error.fields.exitCode ?? 128;
  const { startedAt } = before.state;
  const status = before.state.status === "created" ? "created" : "exited";
  const note = (what: string) => (failure: unknown) => context.log.error(what, { id, error: messageOf(failure) });
  await context.records
    .move(id, { status, pid: 0, exitCode, error: error.message, startedAt })
    .catch(note("recording a failed start"));
  context.waiters.exited(id, { exitCode, error: error.message });
  if (!before.hostConfig.AutoRemove) return;
  const op = Operation.background(`remove ${id} after a failed start`);
  await removeContainer(context, op, id, { volumes: true }).catch(note("removing a container that could not start"));
}
