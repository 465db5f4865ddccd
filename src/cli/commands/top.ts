import { atLeast, type Command } from "../command.ts";
import { alignTabs } from "../format/tabs.ts";

export const command: Command = {
  usage: "CONTAINER [ps OPTIONS]",
  summary: "Show the processes of a container",
  args: atLeast(1),
  stopAtFirst: true,
  flags: [],
  async run({ context, args: [id, ...psArgs] }) {
    const { Titles, Processes } = await context.client.call("GET /containers/{id}/top", {
      params: { id: id! },
      query: psArgs.length > 0 ? { ps_args: psArgs.join(" ") } : {},
    });
    const table = [Titles, ...Processes].map((row) => `${row.join("\t")}\n`).join("");
    context.print(alignTabs(table, { minWidth: 20, padding: 3 }));
  },
};
