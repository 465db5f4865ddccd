import { type Command, noArgs } from "../command.ts";
import { filter, listFormat, quiet } from "../common-flags.ts";
import { bool } from "../flags.ts";
import { renderList } from "../format/listing.ts";
import { naturalCompare } from "../format/natural.ts";
import { volumeListing, volumeRow } from "../format/others.ts";
import { filterMap } from "../parse/policies.ts";

export const command: Command = {
  usage: "[OPTIONS]",
  summary: "List volumes",
  args: noArgs,
  flags: [
    bool("cluster", "", "Show only cluster volumes"),
    filter('Show only volumes that match ("dangling=true")'),
    listFormat,
    quiet("Show only names"),
  ],
  async run({ context, flags }) {
    const { Volumes } = await context.client.call("GET /volumes", {
      query: { filters: filterMap(flags.get("filter")) },
    });
    const rows = (flags.bool("cluster") ? [] : Volumes)
      .sort((a, b) => naturalCompare(a.Name, b.Name))
      .map((own) => volumeRow(own));
    context.print(renderList(volumeListing, rows, { format: flags.string("format"), quiet: flags.bool("quiet") }));
  },
};
