import { atLeast, type Command } from "../command.ts";
import { stopSignal } from "../common-flags.ts";
import { forEachName } from "../each.ts";

export const command: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Send a signal to running containers",
  args: atLeast(1),
  flags: [stopSignal],
  async run({ context, flags, args }) {
    const signal = flags.string("signal");
    await forEachName(context, args, (id) =>
      context.client.call("POST /containers/{id}/kill", { params: { id }, query: signal === "" ? {} : { signal } }),
    );
  },
};
