import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { conflict, invalid, KeelsonError, messageOf } from "../base/errors.ts";
import { newId } from "../base/ids.ts";
import { Operation } from "../base/operation.ts";
import type { ExecConfig } from "../client/endpoints/container-config.ts";
import type { ExecRequest, ExitStatus } from "../runtime/runtime.ts";
import { execProcessOf } from "./bundle.ts";
import type { Container, Exec, ExecStartOptions } from "./containers.ts";
import { type Context, emit, type Live, runDir, track } from "./context.ts";
import { defaultDetachKeys, detachable, parseDetachKeys } from "./detach.ts";

/** 128 + SIGKILL. */
const killed = 137;

/** Notes a command to be run in a running container, and returns its ID. */
export function createExec(context: Context, container: Container, config: ExecConfig): string {
  requireRunning(context, container);
  context.shims.warm();
  const command = commandOf(config);
  if (command.length === 0) throw invalid("No exec command specified");
  if (config.DetachKeys) parseDetachKeys(config.DetachKeys);
  // Its user is looked up now, too: Docker refuses an unknown one at this point.
  execProcessOf(context, container, config);
  const exec: Exec = {
    id: newId(),
    containerId: container.id,
    config,
    running: false,
    exitCode: null,
    pid: 0,
    detachKeys: config.DetachKeys,
  };
  context.execs.add(exec);
  emit(context, container, `exec_create: ${command.join(" ")}`, { execID: exec.id });
  return exec.id;
}

/** Runs a noted command. Its stdio is opened before it starts, so that no byte of it is missed. */
export async function startExec(
  context: Context,
  op: Operation,
  execId: string,
  options: ExecStartOptions,
): Promise<{ readonly stream?: Duplex; readonly tty: boolean }> {
  const exec = context.execs.get(execId);
  if (exec.exitCode !== null) throw conflict(`exec command ${exec.id} has already run`, { id: exec.id });
  if (exec.running) throw conflict(`exec command ${exec.id} is already running`, { id: exec.id });
  const container = context.records.get(exec.containerId);
  const live = requireRunning(context, container);
  context.execs.update(exec.id, { running: true });
  const { config } = exec;
  const tty = config.Tty ?? false;
  const stdin = !options.detach && (config.AttachStdin ?? false);
  try {
    const { processFile, uid, gid } = writeProcess(context, container, exec);
    const stream = options.detach
      ? undefined
      : await live.shim.attach(op, {
          execId: exec.id,
          stdin,
          stdout: config.AttachStdout ?? false,
          stderr: config.AttachStderr ?? false,
        });
    if (stream) track(context, stream);
    try {
      await run(context, live, exec, {
        processFile,
        uid,
        gid,
        terminal: tty,
        openStdin: stdin,
        size: options.size,
      });
    } catch (error) {
      stream?.destroy();
      throw error;
    } finally {
      rmSync(processFile, { force: true });
    }
    emit(context, container, `exec_start: ${commandOf(config).join(" ")}`, { execID: exec.id });
    const keys = config.DetachKeys ? parseDetachKeys(config.DetachKeys) : defaultDetachKeys;
    if (!stream || !tty || !stdin) return { stream, tty };
    return {
      stream: detachable(stream, keys, () => emit(context, container, "exec_detach", { execID: exec.id })),
      tty,
    };
  } catch (error) {
    const code = error instanceof KeelsonError ? error.fields.exitCode : undefined;
    context.execs.update(exec.id, { running: false, exitCode: code ?? 126 });
    throw error;
  }
}

/** Not given up where the caller leaves meanwhile, for then nobody would know whether the process runs. */
async function run(context: Context, live: Live, exec: Exec, request: Omit<ExecRequest, "execId">): Promise<void> {
  const op = Operation.background(`exec ${exec.id}`);
  const { pid } = await live.shim.exec(op, { execId: exec.id, ...request, size: request.size ?? sizeOf(exec.config) });
  context.execs.update(exec.id, { pid });
  void live.shim
    .execExited(exec.id)
    .then((exit) => ended(context, exec, exit))
    .catch((error) => context.log.warn("waiting for an exec", { id: exec.id, error: messageOf(error) }));
}

function ended(context: Context, exec: Exec, { code }: Pick<ExitStatus, "code">): void {
  const container = context.records.find(exec.containerId);
  if (!container || !context.execs.isRunning(exec.id)) return;
  context.execs.update(exec.id, { running: false, exitCode: code });
  emit(context, container, "exec_die", { execID: exec.id, exitCode: String(code) });
}

/** The end of a container is the end of what runs in it, also where the shim left without a word about it. */
export function endExecs(context: Context, containerId: string): void {
  for (const id of context.execs.activeOf(containerId)) ended(context, context.execs.get(id), { code: killed });
}

function sizeOf({ ConsoleSize: [height = 0, width = 0] = [] }: ExecConfig): ExecStartOptions["size"] {
  return height > 0 && width > 0 ? { height, width } : undefined;
}

function writeProcess(
  context: Context,
  container: Container,
  exec: Exec,
): { readonly processFile: string; readonly uid: number; readonly gid: number } {
  const processFile = join(runDir(context, container.id), `exec-${exec.id}.json`);
  const process = execProcessOf(context, container, exec.config);
  writeFileSync(processFile, JSON.stringify(process));
  return { processFile, uid: process.user.uid, gid: process.user.gid };
}

/** The live handles of a container that runs; `conflict` in Docker's words else. */
export function requireRunning(context: Context, container: Container): Live {
  const live = context.live.get(container.id);
  if (container.state.status === "paused")
    throw conflict(`container ${container.id} is paused, unpause the container before exec`, { id: container.id });
  if (!live) throw conflict(`container ${container.id} is not running`, { id: container.id });
  return live;
}

export function commandOf({ Cmd: command = [] }: ExecConfig): string[] {
  return typeof command === "string" ? [command] : command;
}
