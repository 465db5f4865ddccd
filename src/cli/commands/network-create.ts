import { messageOf } from "../../base/errors.ts";
import { type Command, exactly } from "../command.ts";
import { Failure } from "../failure.ts";
import { bool, list, string, strings } from "../flags.ts";
import { toMap } from "../parse/csv.ts";
import { parseLabel } from "../parse/env.ts";
import { ipamPools } from "../parse/ipam.ts";

const map = { type: "map", shown: "map[]" };

export const command: Command = {
  usage: "[OPTIONS] NETWORK",
  summary: "Create a network",
  args: exactly(1),
  flags: [
    bool("attachable", "", "Let containers be attached by hand"),
    list("aux-address", "", "Addresses that the driver uses itself", undefined, map),
    string("config-from", "", "Network to copy the configuration from"),
    bool("config-only", "", "Make a network that is only a configuration"),
    string("driver", "d", "Driver of the network", "bridge"),
    strings("gateway", "Gateway of a subnet"),
    bool("ingress", "", "Make the routing mesh of a swarm"),
    bool("internal", "", "No way out of the network"),
    strings("ip-range", "Give out addresses only from this part of a subnet"),
    string("ipam-driver", "", "Driver that gives out addresses", "default"),
    list("ipam-opt", "", "Options of that driver", undefined, map),
    bool("ipv4", "", "Give out IPv4 addresses", true),
    bool("ipv6", "", "Give out IPv6 addresses"),
    list("label", "", "Set metadata on the network", parseLabel),
    list("opt", "o", "Options of the driver", undefined, map),
    string("scope", "", "Scope of the network"),
    strings("subnet", "Subnet in CIDR notation"),
  ],
  async run({ context, flags, args: [name] }) {
    let pools: ReturnType<typeof ipamPools>;
    try {
      pools = ipamPools({
        subnets: flags.list("subnet"),
        ranges: flags.list("ip-range"),
        gateways: flags.list("gateway"),
        auxiliary: toMap(flags.list("aux-address")),
      });
    } catch (error) {
      throw new Failure(messageOf(error), 1, error);
    }
    const from = flags.string("config-from");
    const { Id, Warning } = await context.client.call("POST /networks/create", {
      body: {
        Name: name!,
        Driver: flags.string("driver"),
        Scope: flags.string("scope"),
        Internal: flags.bool("internal"),
        Attachable: flags.bool("attachable"),
        Ingress: flags.bool("ingress"),
        ConfigOnly: flags.bool("config-only"),
        ...(from !== "" && { ConfigFrom: { Network: from } }),
        ...(flags.changed("ipv4") && { EnableIPv4: flags.bool("ipv4") }),
        ...(flags.changed("ipv6") && { EnableIPv6: flags.bool("ipv6") }),
        IPAM: { Driver: flags.string("ipam-driver"), Options: toMap(flags.list("ipam-opt")), Config: pools },
        Options: toMap(flags.list("opt")),
        Labels: toMap(flags.list("label")),
      },
    });
    if (Warning) context.warn(`WARNING: ${Warning}\n`);
    context.print(`${Id}\n`);
  },
};
