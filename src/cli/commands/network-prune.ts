import { type Command, noArgs } from "../command.ts";
import { filter, force } from "../common-flags.ts";
import { confirm, printDeleted, pruneFilters } from "../prune.ts";

export const command: Command = {
  usage: "[OPTIONS]",
  summary: "Remove all unused networks",
  args: noArgs,
  flags: [filter('Remove only those that match ("until=<timestamp>")', ""), force("Do not ask first")],
  async run({ context, flags }) {
    await confirm(context, flags, "WARNING! This will remove all custom networks not used by at least one container.");
    const done = await context.client.call("POST /networks/prune", { query: { filters: pruneFilters(flags) } });
    printDeleted(context, "Deleted Networks:", done.NetworksDeleted);
  },
};
