import { atLeast, type Command } from "../command.ts";
import { force } from "../common-flags.ts";
import { forEachInTurn } from "../each.ts";

export const command: Command = {
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  summary: "Remove volumes; one that a container uses stays",
  args: atLeast(1),
  flags: [force("Do not mind a volume that does not exist")],
  async run({ context, flags, args }) {
    const query = flags.bool("force") ? { force: true } : {};
    await forEachInTurn(context, args, (name) =>
      context.client.call("DELETE /volumes/{name}", { params: { name }, query }),
    );
  },
};
