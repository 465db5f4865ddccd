import { atLeast, type Command } from "../command.ts";
import { forEachInTurn } from "../each.ts";
import { stopFlags, stopQuery } from "./stop.ts";

export const command: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Restart containers",
  args: atLeast(1),
  flags: stopFlags,
  async run({ context, flags, args }) {
    await forEachInTurn(context, args, (id) =>
      context.client.call("POST /containers/{id}/restart", { params: { id }, query: stopQuery(flags) }),
    );
  },
};
