import { atLeast, type Command, type Invocation } from "../command.ts";
import { containerFlags, runOnlyFlags } from "../container-flags.ts";
import type { ContainerRequest } from "../container-request.ts";
import type { Context } from "../context.ts";
import { createContainer } from "../create-container.ts";
import { watchExit } from "../exit-status.ts";
import { textOf } from "../failure.ts";
import type { Flags } from "../flags.ts";
import { parseDetachKeys } from "../stream/detach-keys.ts";
import { Detached, runSession } from "../stream/session.ts";
import { proxySignals } from "../stream/signals.ts";
import { followSize, requireTerminal, terminalSize } from "../stream/terminal.ts";
import { readRequest, withHelp } from "./create.ts";

export const command: Command = {
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  summary: "Create a container from an image and run it",
  args: atLeast(1),
  stopAtFirst: true,
  flags: [...containerFlags, ...runOnlyFlags],
  async run(invocation) {
    const { context, flags, args, path } = invocation;
    const request = readRequest(flags, args, path, context.client.host);
    if (flags.bool("detach")) detachStreams(request, flags, path);
    const { config, hostConfig } = request;
    requireTerminal(context, config.AttachStdin ?? false, config.Tty ?? false);
    if (!flags.bool("detach") || config.Tty) {
      const size = terminalSize(context.stdout);
      if (size) hostConfig.ConsoleSize = [size.height, size.width];
    }
    return flags.bool("detach") ? runDetached(invocation, request) : runAttached(invocation, request);
  },
};

function detachStreams({ config }: ContainerRequest, flags: Flags, path: string): void {
  if (flags.list("attach").length > 0)
    throw withHelp(new Error("conflicting options: cannot specify both --attach and --detach"), path, 125);
  Object.assign(config, { AttachStdin: false, AttachStdout: false, AttachStderr: false, StdinOnce: false });
}

async function runDetached({ context, flags, path }: Invocation, request: ContainerRequest): Promise<number> {
  try {
    const id = await createContainer(context, request, flags);
    await context.client.call("POST /containers/{id}/start", { params: { id } });
    context.print(`${id}\n`);
    return 0;
  } catch (error) {
    throw startFailure(error, path);
  }
}

/** Attaches and waits before it starts, so that neither output nor the exit code of a short life is lost. */
async function runAttached({ context, flags, path }: Invocation, request: ContainerRequest): Promise<number> {
  const { config, hostConfig } = request;
  let id: string;
  try {
    parseDetachKeys(flags.string("detach-keys"));
    id = await createContainer(context, request, flags);
  } catch (error) {
    throw startFailure(error, path);
  }
  const tty = config.Tty ?? false;
  const isProxying = flags.bool("sig-proxy") && !tty;
  const stopProxy = isProxying
    ? proxySignals((signal) => context.client.call("POST /containers/{id}/kill", { params: { id }, query: { signal } }))
    : () => {};
  let stopSize = (): void => {};
  const session = await attach(context, id, request, flags).catch((error: unknown) => {
    stopProxy();
    throw startFailure(error, path);
  });
  try {
    const { exited } = await watchExit(context, id, hostConfig.AutoRemove ? "removed" : "next-exit");
    try {
      await context.client.call("POST /containers/{id}/start", { params: { id } });
    } catch (error) {
      // The engine removes it, and until then its name is taken.
      if (hostConfig.AutoRemove) await exited.catch(() => {});
      session?.stop();
      throw startFailure(error, path);
    }
    if (tty) stopSize = followSize(context.stdout, ({ height, width }) => resize(context, id, height, width));
    if (!config.AttachStdout && !config.AttachStderr) context.print(`${id}\n`);
    try {
      await session?.run();
    } catch (error) {
      if (error instanceof Detached) return 0;
      throw error;
    }
    return await exited;
  } finally {
    stopSize();
    stopProxy();
  }
}

interface Session {
  run(): Promise<void>;
  stop(): void;
}

/** Opens the container's streams; undefined where none was asked for. */
async function attach(
  context: Context,
  id: string,
  { config }: ContainerRequest,
  flags: Flags,
): Promise<Session | undefined> {
  const {
    AttachStdin: stdin = false,
    AttachStdout: stdout = false,
    AttachStderr: stderr = false,
    Tty = false,
  } = config;
  if (!stdin && !stdout && !stderr) return undefined;
  const detachKeys = flags.string("detach-keys");
  const hijacked = await context.client.hijack("POST /containers/{id}/attach", {
    params: { id },
    query: { stream: true, stdin, stdout, stderr, ...(detachKeys !== "" && { detachKeys }) },
  });
  return {
    run: () =>
      runSession(hijacked, {
        stdin: stdin ? context.stdin : undefined,
        stdout: stdout || Tty ? context.stdout : undefined,
        stderr: stderr ? context.stderr : undefined,
        tty: Tty,
        detachKeys,
      }),
    stop: () => hijacked.stream.destroy(),
  };
}

/** Tells the engine the size of the container's terminal. */
export function resize(context: Context, id: string, height: number, width: number): Promise<unknown> {
  return context.client.call("POST /containers/{id}/resize", {
    params: { id },
    query: { h: String(height), w: String(width) },
  });
}

/** 127 where the command is not there, 126 where it cannot be run, 125 for everything else (docker-run(1), "Exit Status"). */
function startFailure(error: unknown, path: string): Error {
  return withHelp(error, path, startExitCode(textOf(error)));
}

/** The exit code of a start that failed with this message. */
export function startExitCode(message: string): number {
  if (/executable file not found|no such file or directory|system cannot find the file specified/i.test(message))
    return 127;
  return /permission denied|is a directory/.test(message) ? 126 : 125;
}
