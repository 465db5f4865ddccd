import { messageOf } from "../../base/errors.ts";
import type { ExecConfig } from "../../client/endpoints/container-config.ts";
import { atLeast, type Command, type Invocation } from "../command.ts";
import { detachKeys } from "../common-flags.ts";
import type { Context } from "../context.ts";
import { Failure } from "../failure.ts";
import { bool, type Flags, list, string } from "../flags.ts";
import { parseEnv, readEnvFile } from "../parse/env.ts";
import { runSession } from "../stream/session.ts";
import { followSize, requireTerminal, terminalSize } from "../stream/terminal.ts";

export const command: Command = {
  usage: "[OPTIONS] CONTAINER COMMAND [ARG...]",
  summary: "Run a command in a running container",
  args: atLeast(2),
  stopAtFirst: true,
  flags: [
    bool("detach", "d", "Run in the background"),
    detachKeys,
    list("env", "e", "Set environment variables", (t) => parseEnv(t)),
    list("env-file", "", "Read environment variables from a file"),
    bool("interactive", "i", "Keep STDIN open even if nobody is attached"),
    bool("privileged", "", "Give the command every right"),
    bool("tty", "t", "Give the command a terminal"),
    string("user", "u", 'User name or ID ("<name|uid>[:<group|gid>]")'),
    string("workdir", "w", "Working directory in the container"),
  ],
  async run(invocation) {
    const { context, flags, args } = invocation;
    const config = execConfig(flags, args.slice(1));
    await context.client.call("GET /containers/{id}/json", { params: { id: args[0]! } });
    if (!flags.bool("detach")) requireTerminal(context, config.AttachStdin ?? false, config.Tty ?? false);
    const size = terminalSize(context.stdout);
    const consoleSize = size && config.Tty ? { ConsoleSize: [size.height, size.width] } : {};
    const { Id: id } = await context.client.call("POST /containers/{id}/exec", {
      params: { id: args[0]! },
      body: { ...config, ...consoleSize },
    });
    if (!id) throw new Failure("exec ID empty");
    if (!flags.bool("detach")) return runAttached(invocation, id, config, consoleSize);
    await context.client.call("POST /exec/{id}/start", {
      params: { id },
      body: { Detach: true, Tty: config.Tty, ...consoleSize },
    });
    return 0;
  },
};

function execConfig(flags: Flags, command: string[]): ExecConfig {
  const attached = !flags.bool("detach");
  let env: string[];
  try {
    env = [...flags.list("env-file").flatMap((path) => readEnvFile(path)), ...flags.list("env")];
  } catch (error) {
    throw new Failure(messageOf(error), 1, error);
  }
  const keys = flags.string("detach-keys");
  return {
    User: flags.string("user"),
    Privileged: flags.bool("privileged"),
    Tty: flags.bool("tty"),
    AttachStdin: attached && flags.bool("interactive"),
    AttachStdout: attached,
    AttachStderr: attached,
    ...(keys !== "" && { DetachKeys: keys }),
    ...(env.length > 0 && { Env: env }),
    WorkingDir: flags.string("workdir"),
    Cmd: command,
  };
}

async function runAttached(
  { context, flags }: Invocation,
  id: string,
  { Tty: tty = false, AttachStdin: stdin = false }: ExecConfig,
  consoleSize: { ConsoleSize?: number[] },
): Promise<number> {
  const hijacked = await context.client.hijack("POST /exec/{id}/start", {
    params: { id },
    body: { Detach: false, Tty: tty, ...consoleSize },
  });
  const stopSize = tty
    ? followSize(context.stdout, ({ height, width }) => resize(context, id, height, width))
    : () => {};
  try {
    await runSession(hijacked, {
      stdin: stdin ? context.stdin : undefined,
      stdout: context.stdout,
      stderr: context.stderr,
      tty,
      detachKeys: flags.string("detach-keys"),
    });
  } finally {
    stopSize();
  }
  const { ExitCode } = await context.client.call("GET /exec/{id}/json", { params: { id } });
  return ExitCode ?? 0;
}

function resize(context: Context, id: string, height: number, width: number): Promise<unknown> {
  return context.client.call("POST /exec/{id}/resize", {
    params: { id },
    query: { h: String(height), w: String(width) },
  });
}
