import { type Command, exactly } from "../command.ts";
import { connectFlags } from "../container-flags.ts";
import { Failure } from "../failure.ts";
import { cut } from "../parse/csv.ts";
import { endpointOf } from "../parse/network.ts";

export const command: Command = {
  usage: "[OPTIONS] NETWORK CONTAINER",
  summary: "Connect a container to a network",
  args: exactly(2),
  flags: connectFlags,
  async run({ context, flags, args: [id, container] }) {
    const EndpointConfig = endpointOf({
      target: id!,
      aliases: flags.list("alias"),
      links: flags.list("link"),
      linkLocalIps: flags.list("link-local-ip"),
      driverOpts: Object.fromEntries(flags.list("driver-opt").map(driverOption)),
      ip: flags.string("ip"),
      ip6: flags.string("ip6"),
      mac: flags.string("mac-address"),
      ...(flags.changed("gw-priority") && { gwPriority: flags.number("gw-priority") }),
    });
    await context.client.call("POST /networks/{id}/connect", {
      params: { id: id! },
      body: { Container: container!, EndpointConfig },
    });
  },
};

function driverOption(text: string): [string, string] {
  const [name, value] = cut(text);
  if (value === undefined || name === "") throw new Failure("invalid key/value pair format in driver options");
  return [name.trim(), value.trim()];
}
