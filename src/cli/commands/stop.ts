import { atLeast, type Command } from "../command.ts";
import { stopSignal } from "../common-flags.ts";
import { forEachName } from "../each.ts";
import { int } from "../flags.ts";

/** What `stop` and `restart` take alike; {@link stopQuery} reads it. */
export const stopFlags: Command["flags"] = [
  stopSignal,
  int("timeout", "t", "Seconds to wait before killing the container"),
  { ...int("time", "", "Seconds to wait"), hidden: true },
];

export const command: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Stop running containers",
  args: atLeast(1),
  flags: stopFlags,
  async run({ context, flags, args }) {
    await forEachName(context, args, (id) =>
      context.client.call("POST /containers/{id}/stop", { params: { id }, query: stopQuery(flags) }),
    );
  },
};

import type { Flags } from "../flags.ts";

/** The signal and the time that `stop` and `restart` were given. */
export function stopQuery(flags: Flags): { signal?: string; t?: number } {
  const signal = flags.string("signal");
  if (flags.changed("timeout") && flags.changed("time"))
    throw new Failure("conflicting options: cannot specify both --timeout and --time");
  const t = flags.changed("timeout")
    ? flags.number("timeout")
    : flags.changed("time")
      ? flags.number("time")
      : undefined;
  return { ...(signal !== "" && { signal }), ...(t !== undefined && { t }) };
}

import { Failure } from "../failure.ts";
