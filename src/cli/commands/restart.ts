import { atLeast, type Command } from "../command.ts";
import { stopSignal } from "../common-flags.ts";
import { forEachInTurn } from "../each.ts";
import { int } from "../flags.ts";
import { stopQuery } from "./stop.ts";

export const command: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Restart containers",
  args: atLeast(1),
  flags: [
    stopSignal,
    int("timeout", "t", "Seconds to wait before killing the container"),
    { ...int("time", "", "Seconds to wait"), hidden: true },
  ],
  async run({ context, flags, args }) {
    await forEachInTurn(context, args, (id) =>
      context.client.call("POST /containers/{id}/restart", { params: { id }, query: stopQuery(flags) }),
    );
  },
};
