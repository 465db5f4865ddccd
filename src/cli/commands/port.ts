import { messageOf } from "../../base/errors.ts";
import { between, type Command } from "../command.ts";
import { Failure } from "../failure.ts";
import { joinHostPort } from "../format/ports.ts";
import { parseUnsigned } from "../parse/sizes.ts";

interface Binding {
  readonly HostIp: string;
  readonly HostPort: string;
}

export const command: Command = {
  usage: "CONTAINER [PRIVATE_PORT[/PROTO]]",
  summary: "List the published ports of a container",
  args: between(1, 2),
  flags: [],
  async run({ context, args: [id, asked] }) {
    const { NetworkSettings } = await context.client.call("GET /containers/{id}/json", { params: { id: id! } });
    const ports = NetworkSettings.Ports ?? {};
    if (asked === undefined) {
      context.print(allPorts(ports));
      return;
    }
    const [number, protocol = "tcp"] = asked.split("/");
    checkPort(number!);
    const found = ports[`${number}/${protocol}`];
    if (!found || found.length === 0) throw new Failure(`Error: No public port '${asked}' published for ${id}`);
    context.print(found.map((binding) => `${address(binding)}\n`).join(""));
  },
};

function allPorts(ports: Readonly<Record<string, readonly Binding[] | null>>): string {
  return Object.entries(ports)
    .sort(([a], [b]) => Number.parseInt(a, 10) - Number.parseInt(b, 10) || (a < b ? -1 : 1))
    .flatMap(([port, bindings]) => (bindings ?? []).map((binding) => `${port} -> ${address(binding)}\n`))
    .join("");
}

function address({ HostIp, HostPort }: Binding): string {
  return joinHostPort(HostIp, HostPort);
}

function checkPort(text: string): void {
  try {
    parseUnsigned(text, 65535);
  } catch (error) {
    throw new Failure(`Error: invalid port (${text}): ${messageOf(error)}`, 1, error);
  }
}
