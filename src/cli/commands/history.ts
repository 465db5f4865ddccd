import { type Command, exactly } from "../command.ts";
import { listFormat, noTrunc, platform, quiet } from "../common-flags.ts";
import { bool } from "../flags.ts";
import { renderList } from "../format/listing.ts";
import { historyListing, historyRow } from "../format/others.ts";
import { platformJson } from "../parse/platform.ts";

export const command: Command = {
  usage: "[OPTIONS] IMAGE",
  summary: "Show the history of an image",
  args: exactly(1),
  flags: [
    listFormat,
    bool("human", "H", "Print sizes and dates for people", true),
    noTrunc,
    platform('Show the history for this platform ("os[/arch[/variant]]")'),
    quiet("Show only the images' IDs"),
  ],
  async run({ context, flags, args: [name] }) {
    const human = flags.bool("human");
    const items = await context.client.call("GET /images/{name}/history", {
      params: { name: name! },
      query: platformJson(flags.string("platform")),
    });
    const rows = items.map((own) => historyRow(own, !flags.bool("no-trunc"), human));
    context.print(
      renderList(historyListing(human), rows, { format: flags.string("format"), quiet: flags.bool("quiet") }),
    );
  },
};
