import { atLeast, type Command } from "../command.ts";
import { force } from "../common-flags.ts";
import { forEachName } from "../each.ts";
import { Failure, isNotFound } from "../failure.ts";
import { bool } from "../flags.ts";

export const command: Command = {
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  summary: "Remove containers",
  args: atLeast(1),
  flags: [
    force("Remove running containers too (SIGKILL)"),
    bool("link", "l", "Remove the link of this name"),
    bool("volumes", "v", "Remove the containers' anonymous volumes"),
  ],
  async run({ context, flags, args }) {
    const query = {
      ...(flags.bool("force") && { force: true }),
      ...(flags.bool("link") && { link: true }),
      ...(flags.bool("volumes") && { v: true }),
    };
    const names = args.map((name) => name.replace(/^\/+|\/+$/g, ""));
    if (names.includes("")) throw new Failure("container name cannot be empty");
    await forEachName(context, names, async (id) => {
      try {
        await context.client.call("DELETE /containers/{id}", { params: { id }, query });
      } catch (error) {
        // Docker says it, and calls it a success.
        if (!flags.bool("force") || !isNotFound(error)) throw error;
        context.warn(`Error response from daemon: ${error.message}\n`);
        return false;
      }
    });
  },
};
