import { type Command, noArgs } from "../command.ts";
import { filter, listFormat, noTrunc, quiet } from "../common-flags.ts";
import { renderList } from "../format/listing.ts";
import { naturalCompare } from "../format/natural.ts";
import { networkListing, networkRow } from "../format/others.ts";
import { filterMap } from "../parse/policies.ts";

export const command: Command = {
  usage: "[OPTIONS]",
  summary: "List networks",
  args: noArgs,
  flags: [filter('Show only networks that match ("driver=bridge")'), listFormat, noTrunc, quiet("Show only IDs")],
  async run({ context, flags }) {
    const networks = await context.client.call("GET /networks", { query: { filters: filterMap(flags.get("filter")) } });
    const rows = networks
      .sort((a, b) => naturalCompare(a.Name, b.Name))
      .map((own) => networkRow(own, !flags.bool("no-trunc")));
    context.print(renderList(networkListing, rows, { format: flags.string("format"), quiet: flags.bool("quiet") }));
  },
};
