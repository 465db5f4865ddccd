import { atLeast, type Command } from "../command.ts";
import { force } from "../common-flags.ts";
import { Failure, isNotFound, textOf } from "../failure.ts";

export const command: Command = {
  usage: "NETWORK [NETWORK...]",
  summary: "Remove networks",
  args: atLeast(1),
  flags: [force("Do not mind a network that does not exist")],
  async run({ context, flags, args }) {
    let failed = false;
    for (const id of args) {
      try {
        await context.client.call("DELETE /networks/{id}", { params: { id } });
        context.print(`${id}\n`);
      } catch (error) {
        if (flags.bool("force") && isNotFound(error)) continue;
        context.warn(`${textOf(error)}\n`);
        failed = true;
      }
    }
    if (failed) throw new Failure("exit status 1");
  },
};
