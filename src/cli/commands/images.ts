import { between, type Command } from "../command.ts";
import { filter, listFormat, noTrunc, quiet } from "../common-flags.ts";
import { Failure } from "../failure.ts";
import { bool } from "../flags.ts";
import { imageListing, imageRows } from "../format/images.ts";
import { renderList } from "../format/listing.ts";
import { filterMap } from "../parse/policies.ts";

export const command: Command = {
  usage: "[OPTIONS] [REPOSITORY[:TAG]]",
  summary: "List images",
  args: between(0, 1),
  flags: [
    bool("all", "a", "Show all images, intermediate ones too"),
    bool("digests", "", "Show digests"),
    filter("Show only images that match"),
    listFormat,
    noTrunc,
    quiet("Show only the images' IDs"),
    bool("tree", "", "List images of several platforms as a tree"),
  ],
  async run({ context, flags, args: [pattern] }) {
    if (flags.bool("tree")) throw new Failure("keelson: --tree is not there yet");
    const format = flags.string("format");
    const alone = flags.bool("digests");
    const digests = { alone, beside: alone || format.includes("{{.Digest}}") };
    const filters = filterMap(flags.get("filter"));
    if (pattern !== undefined) filters["reference"] = [...(filters["reference"] ?? []), pattern];
    const images = await context.client.call("GET /images/json", {
      query: { ...(flags.bool("all") && { all: true }), filters },
    });
    const rows = images.flatMap((own) => imageRows(own, !flags.bool("no-trunc"), digests));
    context.print(renderList(imageListing(alone), rows, { format, quiet: flags.bool("quiet") }));
  },
};
