import { type Command, noArgs } from "../command.ts";
import { listFormat } from "../common-flags.ts";
import { Failure } from "../failure.ts";
import { bool } from "../flags.ts";
import { type DiskUsage, diskListing, diskRows, verboseDisk } from "../format/disk.ts";
import { renderList } from "../format/listing.ts";

export const command: Command = {
  usage: "[OPTIONS]",
  summary: "Show how much disk space is used",
  args: noArgs,
  flags: [listFormat, bool("verbose", "v", "Show every object")],
  async run({ context, flags }) {
    const format = flags.string("format");
    const verbose = flags.bool("verbose");
    if (verbose && format !== "" && format !== "table")
      throw new Failure("the verbose and the format options conflict");
    const usage = (await context.client.call("GET /system/df")) as DiskUsage;
    context.print(verbose ? verboseDisk(usage) : renderList(diskListing, diskRows(usage), { format }));
  },
};
