import { atLeast, type Command, type Invocation } from "../command.ts";
import { detachKeys } from "../common-flags.ts";
import { watchExit } from "../exit-status.ts";
import { Failure, textOf } from "../failure.ts";
import { bool, string } from "../flags.ts";
import { Detached, runSession } from "../stream/session.ts";
import { proxySignals } from "../stream/signals.ts";
import { followSize, requireTerminal } from "../stream/terminal.ts";
import { resize } from "./run.ts";

export const command: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Start stopped containers",
  args: atLeast(1),
  flags: [
    bool("attach", "a", "Attach STDOUT and STDERR, and hand signals on"),
    { ...string("checkpoint", "", "Restore from this checkpoint"), hidden: true },
    { ...string("checkpoint-dir", "", "Folder of the checkpoints"), hidden: true },
    detachKeys,
    bool("interactive", "i", "Attach STDIN"),
  ],
  async run(invocation) {
    const { flags, args } = invocation;
    if (flags.changed("checkpoint")) throw new Failure("keelson: checkpoints are not there yet");
    if (!flags.bool("attach") && !flags.bool("interactive")) return startAll(invocation);
    if (args.length > 1) throw new Failure("you cannot start and attach multiple containers at once");
    return startAttached(invocation);
  },
};

async function startAll({ context, args }: Invocation): Promise<number> {
  const failed: string[] = [];
  for (const id of args) {
    try {
      await context.client.call("POST /containers/{id}/start", { params: { id } });
      context.print(`${id}\n`);
    } catch (error) {
      context.warn(`${textOf(error)}\n`);
      failed.push(id);
    }
  }
  if (failed.length > 0) throw new Failure(`Error: failed to start containers: ${failed.join(", ")}`);
  return 0;
}

async function startAttached({ context, flags, args: [name] }: Invocation): Promise<number> {
  const inspected = await context.client.call("GET /containers/{id}/json", { params: { id: name! } });
  const { Id: id, Config: config, HostConfig: hostConfig } = inspected;
  const stdin = flags.bool("interactive") && config.OpenStdin;
  requireTerminal(context, stdin, config.Tty);
  const keys = flags.string("detach-keys");
  const hijacked = await context.client.hijack("POST /containers/{id}/attach", {
    params: { id },
    query: { stream: true, stdin, stdout: true, stderr: true, ...(keys !== "" && { detachKeys: keys }) },
  });
  const stopProxy = config.Tty
    ? () => {}
    : proxySignals((signal) =>
        context.client.call("POST /containers/{id}/kill", { params: { id }, query: { signal } }),
      );
  let stopSize = (): void => {};
  try {
    const { exited } = await watchExit(context, id, hostConfig.AutoRemove ? "removed" : "next-exit");
    try {
      await context.client.call("POST /containers/{id}/start", { params: { id } });
    } catch (error) {
      hijacked.stream.destroy();
      if (hostConfig.AutoRemove) await exited.catch(() => {});
      throw error;
    }
    if (config.Tty) stopSize = followSize(context.stdout, (size) => resize(context, id, size.height, size.width));
    await runSession(hijacked, {
      stdin: stdin ? context.stdin : undefined,
      stdout: context.stdout,
      stderr: context.stderr,
      tty: config.Tty,
      detachKeys: keys,
    });
    return await exited;
  } catch (error) {
    if (error instanceof Detached) return 0;
    throw error;
  } finally {
    stopSize();
    stopProxy();
  }
}
