import { type Command, exactly } from "../command.ts";
import { force } from "../common-flags.ts";

export const command: Command = {
  usage: "[OPTIONS] NETWORK CONTAINER",
  summary: "Disconnect a container from a network",
  args: exactly(2),
  flags: [force("Disconnect it even if it does not answer")],
  async run({ context, flags, args: [id, container] }) {
    await context.client.call("POST /networks/{id}/disconnect", {
      params: { id: id! },
      body: { Container: container!, Force: flags.bool("force") },
    });
  },
};
