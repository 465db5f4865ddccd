import { atLeast, type Command } from "../command.ts";
import { force } from "../common-flags.ts";
import { Failure, isNotFound, textOf } from "../failure.ts";
import { bool, strings } from "../flags.ts";
import { platformJson } from "../parse/platform.ts";

export const command: Command = {
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  summary: "Remove images",
  args: atLeast(1),
  flags: [
    force("Remove images that are in use by name"),
    bool("no-prune", "", "Keep untagged parents"),
    strings("platform", 'Remove only these platforms ("os[/arch[/variant]]")'),
  ],
  async run({ context, flags, args }) {
    const platforms = flags.list("platform").map((text) => platformJson(text).platform!);
    const query = {
      ...(flags.bool("force") && { force: true }),
      ...(flags.bool("no-prune") && { noprune: true }),
      ...(platforms.length > 0 && { platforms }),
    };
    const errors: unknown[] = [];
    let fatal = false;
    for (const name of args) {
      try {
        for (const { Deleted, Untagged } of await context.client.call("DELETE /images/{name}", {
          params: { name },
          query,
        }))
          context.print(Deleted === undefined ? `Untagged: ${Untagged}\n` : `Deleted: ${Deleted}\n`);
      } catch (error) {
        if (!isNotFound(error)) fatal = true;
        errors.push(error);
      }
    }
    if (errors.length === 0) return;
    // With --force, an image that is not there is no failure, but it is said.
    if (fatal || !flags.bool("force")) throw new Failure(errors.map(textOf).join("\n"));
    context.warn(`${errors.map(textOf).join("\n")}\n`);
  },
};
