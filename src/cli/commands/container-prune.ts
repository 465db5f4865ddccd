import { type Command, noArgs } from "../command.ts";
import { filter, force } from "../common-flags.ts";
import { confirm, printDeleted, printReclaimed, pruneFilters } from "../prune.ts";

export const command: Command = {
  usage: "[OPTIONS]",
  summary: "Remove all stopped containers",
  args: noArgs,
  flags: [filter('Remove only those that match ("until=<timestamp>")', ""), force("Do not ask first")],
  async run({ context, flags }) {
    await confirm(context, flags, "WARNING! This will remove all stopped containers.");
    const done = await context.client.call("POST /containers/prune", { query: { filters: pruneFilters(flags) } });
    printDeleted(context, "Deleted Containers:", done.ContainersDeleted);
    printReclaimed(context, done.SpaceReclaimed);
  },
};
