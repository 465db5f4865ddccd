import { type Command, noArgs } from "../command.ts";
import { filter, listFormat, noTrunc, quiet } from "../common-flags.ts";
import { bool, type Flags, int } from "../flags.ts";
import { containerListing, containerRow } from "../format/containers.ts";
import { renderList } from "../format/listing.ts";
import { filterMap } from "../parse/policies.ts";

export const command: Command = {
  usage: "[OPTIONS]",
  summary: "List containers",
  args: noArgs,
  flags: [
    bool("all", "a", "Show all containers, not only those that run"),
    filter("Show only containers that match"),
    listFormat,
    int("last", "n", "Show the N containers created last, in any state", -1),
    bool("latest", "l", "Show the container created last, in any state"),
    noTrunc,
    quiet("Show only the containers' IDs"),
    bool("size", "s", "Show sizes"),
  ],
  async run({ context, flags }) {
    const format = flags.string("format");
    if (flags.bool("quiet") && format !== "")
      context.warn("WARNING: Ignoring custom format, because both --format and --quiet are set.\n");
    const size = flags.bool("size") || (!flags.bool("quiet") && usesSize(format));
    const limit = flags.bool("latest") ? 1 : flags.number("last");
    const containers = await context.client.call("GET /containers/json", {
      query: {
        ...((flags.bool("all") || limit > 0) && { all: true }),
        ...(limit > 0 && { limit }),
        ...(size && { size }),
        filters: filterMap(flags.get("filter")),
      },
    });
    const rows = containers.map((own) => containerRow(own, truncates(flags)));
    context.print(renderList(containerListing(flags.bool("size")), rows, { format, quiet: flags.bool("quiet") }));
  },
};

/** The engine counts sizes only when asked, for it takes time. */
function usesSize(format: string): boolean {
  return /\.Size\b/.test(format) || /\{\{\s*json \.\s*\}\}/.test(format);
}

function truncates(flags: Flags): boolean {
  return !flags.bool("no-trunc");
}
