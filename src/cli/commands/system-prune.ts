import { type Command, noArgs } from "../command.ts";
import { filter, force } from "../common-flags.ts";
import { bool } from "../flags.ts";
import { confirm, deletedImages, printDeleted, printReclaimed, pruneFilters } from "../prune.ts";

export const command: Command = {
  usage: "[OPTIONS]",
  summary: "Remove everything that is not used",
  args: noArgs,
  flags: [
    bool("all", "a", "Remove every unused image, not only those without a name"),
    filter('Remove only what matches ("label=<key>=<value>")', ""),
    force("Do not ask first"),
    bool("volumes", "", "Remove anonymous volumes too"),
  ],
  async run({ context, flags }) {
    const all = flags.bool("all");
    const filters = pruneFilters(flags);
    await confirm(context, flags, warning(all, flags.bool("volumes"), filters));
    const { client } = context;
    const containers = await client.call("POST /containers/prune", { query: { filters } });
    printDeleted(context, "Deleted Containers:", containers.ContainersDeleted);
    let reclaimed = containers.SpaceReclaimed;
    const networks = await client.call("POST /networks/prune", { query: { filters } });
    printDeleted(context, "Deleted Networks:", networks.NetworksDeleted);
    if (flags.bool("volumes")) {
      const volumes = await client.call("POST /volumes/prune", { query: { filters } });
      printDeleted(context, "Deleted Volumes:", volumes.VolumesDeleted);
      reclaimed += volumes.SpaceReclaimed;
    }
    const images = await client.call("POST /images/prune", {
      query: { filters: { ...filters, dangling: [String(!all)] } },
    });
    printDeleted(context, "Deleted Images:", deletedImages(images.ImagesDeleted));
    printReclaimed(context, reclaimed + images.SpaceReclaimed);
  },
};

function warning(all: boolean, volumes: boolean, filters: Readonly<Record<string, readonly string[]>>): string {
  const lines = [
    "all stopped containers",
    "all networks not used by at least one container",
    ...(volumes ? ["all anonymous volumes not used by at least one container"] : []),
    all ? "all images without at least one container associated to them" : "all dangling images",
  ];
  const items = Object.entries(filters).flatMap(([name, values]) => values.map((own) => `  - ${name}=${own}`));
  const matching = items.length > 0 ? `\n\n  Items to be pruned will be filtered with:\n${items.join("\n")}` : "";
  return `WARNING! This will remove:\n${lines.map((line) => `  - ${line}`).join("\n")}${matching}\n`;
}
