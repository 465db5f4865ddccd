import { type Command, noArgs } from "../command.ts";
import { filter, force } from "../common-flags.ts";
import { bool } from "../flags.ts";
import { confirm, deletedImages, printDeleted, printReclaimed, pruneFilters } from "../prune.ts";

export const command: Command = {
  usage: "[OPTIONS]",
  summary: "Remove unused images",
  args: noArgs,
  flags: [
    bool("all", "a", "Remove every unused image, not only those without a name"),
    filter('Remove only those that match ("until=<timestamp>")', ""),
    force("Do not ask first"),
  ],
  async run({ context, flags }) {
    const all = flags.bool("all");
    await confirm(
      context,
      flags,
      all
        ? "WARNING! This will remove all images without at least one container associated to them."
        : "WARNING! This will remove all dangling images.",
    );
    const filters = { ...pruneFilters(flags), dangling: [String(!all)] };
    const done = await context.client.call("POST /images/prune", { query: { filters } });
    printDeleted(context, "Deleted Images:", deletedImages(done.ImagesDeleted));
    printReclaimed(context, done.SpaceReclaimed);
  },
};
