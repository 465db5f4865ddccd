import { type Command, noArgs } from "../command.ts";
import { filter, force } from "../common-flags.ts";
import { Failure } from "../failure.ts";
import { bool } from "../flags.ts";
import { confirm, printDeleted, printReclaimed, pruneFilters } from "../prune.ts";

export const command: Command = {
  usage: "[OPTIONS]",
  summary: "Remove unused volumes",
  args: noArgs,
  flags: [
    bool("all", "a", "Remove volumes with a name too, not only anonymous ones"),
    filter('Remove only those that match ("label=<label>")', ""),
    force("Do not ask first"),
  ],
  async run({ context, flags }) {
    const all = flags.bool("all");
    const filters = pruneFilters(flags);
    if (all && filters["all"]) throw new Failure("conflicting options: cannot specify both --all and --filter all=1");
    if (all) filters["all"] = ["true"];
    await confirm(
      context,
      flags,
      all
        ? "WARNING! This will remove all local volumes not used by at least one container."
        : "WARNING! This will remove anonymous local volumes not used by at least one container.",
    );
    const done = await context.client.call("POST /volumes/prune", { query: { filters } });
    printDeleted(context, "Deleted Volumes:", done.VolumesDeleted);
    printReclaimed(context, done.SpaceReclaimed);
  },
};
