import type { ContainerConfig } from "../../client/endpoints/container-config.ts";
import type { ConfigShown, ContainerInspect, NetworkSettings } from "../../client/endpoints/container-inspect.ts";
import type { Container, ContainerState } from "../../containers/containers.ts";
import type { SystemInfo } from "../system.ts";
import { hasNetwork, networkModeOf, networksOf } from "./endpoints.ts";
import { hostConfigToWire } from "./host-config.ts";
import { mountToWire } from "./mounts.ts";

/** A container as inspect shows it. */
export function containerInspect(
  container: Container,
  system: SystemInfo,
  size?: { readonly rw: number; readonly rootFs: number },
): ContainerInspect {
  const files = system.container(container);
  return {
    Id: container.id,
    Created: container.created,
    Path: container.path,
    Args: [...container.args],
    State: stateToWire(container.state),
    Image: container.image,
    ResolvConfPath: files.resolvConf,
    HostnamePath: files.hostname,
    HostsPath: files.hosts,
    LogPath: files.log,
    Name: `/${container.name}`,
    RestartCount: container.restartCount,
    Driver: files.graph.name,
    Platform: container.platform.os,
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: "",
    ExecIDs: container.execIds.length > 0 ? [...container.execIds] : null,
    HostConfig: hostConfigToWire(container.hostConfig, networkModeOf(container), system.facts.defaultRuntime),
    GraphDriver: { Data: { ...files.graph.data }, Name: files.graph.name },
    ...(size && { SizeRw: size.rw, SizeRootFs: size.rootFs }),
    Mounts: container.mounts.map(mountToWire),
    Config: configToWire(container),
    NetworkSettings: networkSettings(container),
  };
}

function stateToWire(state: ContainerState): ContainerInspect["State"] {
  const { status } = state;
  return {
    Status: status,
    // A container that is paused or about to be started again counts as running (engine-api, ContainerState).
    Running: status === "running" || status === "paused" || status === "restarting",
    Paused: status === "paused",
    Restarting: status === "restarting",
    OOMKilled: state.oomKilled,
    Dead: status === "dead",
    Pid: state.pid,
    ExitCode: state.exitCode,
    Error: state.error,
    StartedAt: state.startedAt,
    FinishedAt: state.finishedAt,
  };
}

function configToWire({ config, imageName, id, networking, hostConfig }: Container): ConfigShown {
  const mac = config.MacAddress ?? networking.EndpointsConfig?.[hostConfig.NetworkMode ?? ""]?.MacAddress;
  return {
    Hostname: config.Hostname ?? id.slice(0, 12),
    Domainname: config.Domainname ?? "",
    User: config.User ?? "",
    AttachStdin: config.AttachStdin ?? false,
    AttachStdout: config.AttachStdout ?? false,
    AttachStderr: config.AttachStderr ?? false,
    ...(nonEmpty(config.ExposedPorts) && { ExposedPorts: config.ExposedPorts }),
    Tty: config.Tty ?? false,
    OpenStdin: config.OpenStdin ?? false,
    StdinOnce: config.StdinOnce ?? false,
    Env: config.Env ?? null,
    Cmd: commandList(config.Cmd),
    ...(config.Healthcheck && { Healthcheck: config.Healthcheck }),
    ...(config.ArgsEscaped && { ArgsEscaped: true }),
    Image: config.Image ?? imageName,
    Volumes: nonEmpty(config.Volumes) ? config.Volumes! : null,
    WorkingDir: config.WorkingDir ?? "",
    Entrypoint: commandList(config.Entrypoint),
    ...(config.NetworkDisabled && { NetworkDisabled: true }),
    ...(mac && { MacAddress: mac }),
    OnBuild: config.OnBuild ?? null,
    Labels: config.Labels ?? {},
    ...(config.StopSignal && { StopSignal: config.StopSignal }),
    ...(config.StopTimeout !== undefined && { StopTimeout: config.StopTimeout }),
    ...(config.Shell && { Shell: config.Shell }),
  };
}

function nonEmpty(value: object | undefined): boolean {
  return value !== undefined && Object.keys(value).length > 0;
}

function commandList(command: ContainerConfig["Cmd"]): string[] | null {
  if (command === undefined || command === null) return null;
  return typeof command === "string" ? [command] : [...command];
}

function networkSettings(container: Container): NetworkSettings {
  const networks = networksOf(container);
  const sandbox = hasNetwork(container) ? container.sandbox : undefined;
  // The addresses at the top are those of the default bridge only.
  const main = networks["bridge"];
  return {
    Bridge: "",
    SandboxID: sandbox?.kind === "own" ? sandbox.id : "",
    SandboxKey: sandbox?.namespace ?? "",
    Ports: sandbox ? portMap(container) : {},
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    EndpointID: main?.EndpointID ?? "",
    Gateway: main?.Gateway ?? "",
    GlobalIPv6Address: main?.GlobalIPv6Address ?? "",
    GlobalIPv6PrefixLen: main?.GlobalIPv6PrefixLen ?? 0,
    IPAddress: main?.IPAddress ?? "",
    IPPrefixLen: main?.IPPrefixLen ?? 0,
    IPv6Gateway: main?.IPv6Gateway ?? "",
    MacAddress: main?.MacAddress ?? "",
    Networks: networks,
  };
}

function portMap(container: Container): NetworkSettings["Ports"] {
  const ports: NetworkSettings["Ports"] = {};
  if (container.sandbox?.kind !== "own") return ports;
  for (const exposed of Object.keys(container.config.ExposedPorts ?? {}))
    ports[exposed.includes("/") ? exposed : `${exposed}/tcp`] = null;
  for (const port of container.sandbox.ports) {
    const key = `${port.containerPort}/${port.protocol}`;
    ports[key] = [...(ports[key] ?? []), { HostIp: port.hostIp, HostPort: String(port.hostPort) }];
  }
  return ports;
}
