import type { PortSummary } from "../../client/endpoints/container-parts.ts";
import type { ContainerSummary } from "../../client/endpoints/containers.ts";
import type { Container } from "../../containers/containers.ts";
import { hasNetwork, networkModeOf, networksOf } from "./endpoints.ts";
import { mountToWire } from "./mounts.ts";
import { statusText } from "./status.ts";

/** A container as `docker ps` lists it. `now` is in milliseconds since the epoch. */
export function containerSummary(
  container: Container,
  now: number,
  size?: { readonly rw: number; readonly rootFs: number },
): ContainerSummary {
  const annotations = container.hostConfig.Annotations;
  return {
    Id: container.id,
    Names: [`/${container.name}`],
    Image: container.imageName,
    ImageID: container.image,
    Command: commandText(container),
    Created: Math.floor(Date.parse(container.created) / 1000),
    Ports: portsOf(container),
    // Docker leaves a size of zero out.
    ...(size && size.rw > 0 && { SizeRw: size.rw }),
    ...(size && { SizeRootFs: size.rootFs }),
    Labels: container.config.Labels ?? {},
    State: container.state.status,
    Status: statusText(container.state, now),
    HostConfig: { NetworkMode: networkModeOf(container), ...(annotations && { Annotations: annotations }) },
    NetworkSettings: { Networks: networksOf(container) },
    Mounts: container.mounts.map(mountToWire),
  };
}

/** The published ports and, while it runs, those that are only exposed. */
export function portsOf(container: Container): PortSummary[] {
  if (!hasNetwork(container)) return [];
  const published = container.sandbox?.ports ?? [];
  const ports: PortSummary[] = published.map((port) => ({
    IP: port.hostIp,
    PrivatePort: port.containerPort,
    PublicPort: port.hostPort,
    Type: port.protocol,
  }));
  if (container.sandbox?.kind !== "own") return ports;
  for (const exposed of Object.keys(container.config.ExposedPorts ?? {})) {
    const [port, protocol = "tcp"] = exposed.split("/");
    const isPublished = published.some((one) => one.containerPort === Number(port) && one.protocol === protocol);
    if (!isPublished) ports.push({ PrivatePort: Number(port), Type: protocol });
  }
  return ports;
}

function commandText(container: Container): string {
  return [container.path, ...container.args.map((arg) => (arg.includes(" ") ? `'${arg}'` : arg))].join(" ");
}
