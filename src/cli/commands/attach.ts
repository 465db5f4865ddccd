import { type Command, exactly } from "../command.ts";
import { detachKeys } from "../common-flags.ts";
import type { Context } from "../context.ts";
import { watchExit } from "../exit-status.ts";
import { Failure } from "../failure.ts";
import { bool } from "../flags.ts";
import { runSession } from "../stream/session.ts";
import { proxySignals } from "../stream/signals.ts";
import { followSize, requireTerminal, terminalSize } from "../stream/terminal.ts";
import { resize } from "./run.ts";

export const command: Command = {
  usage: "[OPTIONS] CONTAINER",
  summary: "Connect to the input and output of a running container",
  args: exactly(1),
  flags: [
    detachKeys,
    bool("no-stdin", "", "Do not attach STDIN"),
    bool("sig-proxy", "", "Hand signals on to the container", true),
  ],
  async run({ context, flags, args: [name] }) {
    const {
      Id: id,
      Config: config,
      State: state,
    } = await context.client.call("GET /containers/{id}/json", {
      params: { id: name! },
    });
    refuseUnlessRunning(state);
    const stdin = !flags.bool("no-stdin") && config.OpenStdin;
    requireTerminal(context, stdin, config.Tty);
    const keys = flags.string("detach-keys");
    const { exited } = await watchExit(context, id, "not-running");
    const hijacked = await context.client.hijack("POST /containers/{id}/attach", {
      params: { id },
      query: { stream: true, stdin, stdout: true, stderr: true, ...(keys !== "" && { detachKeys: keys }) },
    });
    const stopProxy =
      flags.bool("sig-proxy") && !config.Tty
        ? proxySignals((signal) =>
            context.client.call("POST /containers/{id}/kill", { params: { id }, query: { signal } }),
          )
        : () => {};
    const stopSize = config.Tty ? await redraw(context, id) : () => {};
    try {
      await runSession(hijacked, {
        stdin: stdin ? context.stdin : undefined,
        stdout: context.stdout,
        stderr: context.stderr,
        tty: config.Tty,
        detachKeys: keys,
      });
      return await exited;
    } finally {
      stopSize();
      stopProxy();
    }
  },
};

function refuseUnlessRunning(state: { Running: boolean; Paused: boolean; Restarting: boolean }): void {
  if (!state.Running) throw new Failure("cannot attach to a stopped container, start it first");
  if (state.Paused) throw new Failure("cannot attach to a paused container, unpause it first");
  if (state.Restarting) throw new Failure("cannot attach to a restarting container, wait until it is running");
}

/** A program draws its screen anew when the size changes: so it changes, by one, and back. */
async function redraw(context: Context, id: string): Promise<() => void> {
  const size = terminalSize(context.stdout);
  if (size) await resize(context, id, size.height + 1, size.width + 1).catch(() => {});
  return followSize(context.stdout, ({ height, width }) => resize(context, id, height, width));
}
