import type { Info } from "../../client/endpoints/system.ts";
import { binarySize } from "./human.ts";

/** What `GET /info` says; an engine may leave anything out. */
export type EngineInfo = Partial<Info>;

/** The engine's half of what `info` prints. */
export function infoText(info: EngineInfo): string {
  const blocks = [
    counts(info),
    storage(info),
    plugins(info),
    runtimes(info),
    security(info),
    host(info),
    settings(info),
  ];
  return blocks
    .flat()
    .map((line) => ` ${line}\n`)
    .join("");
}

export function infoWarnings(info: EngineInfo): string[] {
  return info.Warnings ?? [];
}

function counts(info: EngineInfo): string[] {
  return [
    `Containers: ${info.Containers}`,
    ` Running: ${info.ContainersRunning}`,
    ` Paused: ${info.ContainersPaused}`,
    ` Stopped: ${info.ContainersStopped}`,
    `Images: ${info.Images}`,
    ...text("Server Version", info.ServerVersion),
  ];
}

function storage(info: EngineInfo): string[] {
  const status: Array<[string, string]> = info.DriverStatus ?? [];
  return [
    ...text("Storage Driver", info.Driver),
    ...status.map(([name, value]) => ` ${name}: ${value}`),
    ...text("Logging Driver", info.LoggingDriver),
    ...text("Cgroup Driver", info.CgroupDriver),
    ...text("Cgroup Version", info.CgroupVersion),
  ];
}

function plugins(info: EngineInfo): string[] {
  const { Volume, Network, Authorization, Log }: Partial<NonNullable<EngineInfo["Plugins"]>> = info.Plugins ?? {};
  const join = (names: string[] | null | undefined): string => (names ?? []).join(" ");
  return [
    "Plugins:",
    ` Volume: ${join(Volume)}`,
    ` Network: ${join(Network)}`,
    ...(Authorization?.length ? [` Authorization: ${join(Authorization)}`] : []),
    ` Log: ${join(Log)}`,
    ...list("CDI spec directories", info.CDISpecDirs),
  ];
}

function runtimes(info: EngineInfo): string[] {
  const names = Object.keys(info.Runtimes ?? {}).sort();
  return [
    `Swarm: ${info.Swarm?.LocalNodeState ?? "inactive"}`,
    ...(names.length > 0 ? [`Runtimes: ${names.join(" ")}`, `Default Runtime: ${info.DefaultRuntime ?? ""}`] : []),
    ...(info.OSType === "linux"
      ? [
          `Init Binary: ${info.InitBinary ?? ""}`,
          `containerd version: ${info.ContainerdCommit?.ID ?? ""}`,
          `runc version: ${info.RuncCommit?.ID ?? ""}`,
          `init version: ${info.InitCommit?.ID ?? ""}`,
        ]
      : []),
  ];
}

/** `name=seccomp,profile=builtin` as a name with its options below. */
function security(info: EngineInfo): string[] {
  const options: string[] = info.SecurityOptions ?? [];
  if (options.length === 0) return [];
  const lines = options.flatMap((option) => {
    const pairs = option.split(",").map((pair) => pair.split("=", 2) as [string, string?]);
    const name = pairs.find(([key]) => key === "name")?.[1] ?? option;
    const others = pairs.filter(([key]) => key !== "name" && pairs.length > 1);
    return [` ${name}`, ...others.map(([key, value]) => `  ${key[0]!.toUpperCase()}${key.slice(1)}: ${value ?? ""}`)];
  });
  return ["Security Options:", ...lines];
}

function host(info: EngineInfo): string[] {
  return [
    ...text("Kernel Version", info.KernelVersion),
    ...text("Operating System", info.OperatingSystem),
    ...text("OSType", info.OSType),
    ...text("Architecture", info.Architecture),
    `CPUs: ${info.NCPU}`,
    `Total Memory: ${binarySize(info.MemTotal ?? 0)}`,
    ...text("Name", info.Name),
    ...text("ID", info.ID),
    `Docker Root Dir: ${info.DockerRootDir ?? ""}`,
    `Debug Mode: ${info.Debug ?? false}`,
    ...(info.Debug
      ? [
          ` File Descriptors: ${info.NFd}`,
          ` Goroutines: ${info.NGoroutines}`,
          ` System Time: ${info.SystemTime}`,
          ` EventsListeners: ${info.NEventsListener}`,
        ]
      : []),
  ];
}

function settings(info: EngineInfo): string[] {
  const registry: Partial<NonNullable<EngineInfo["RegistryConfig"]>> = info.RegistryConfig ?? {};
  const insecure = [
    ...Object.values(registry.IndexConfigs ?? {}).flatMap((own) => (own.Secure ? [] : [own.Name])),
    ...(registry.InsecureRegistryCIDRs ?? []),
  ];
  return [
    ...text("HTTP Proxy", info.HttpProxy),
    ...text("HTTPS Proxy", info.HttpsProxy),
    ...text("No Proxy", info.NoProxy),
    ...list("Labels", info.Labels),
    `Experimental: ${info.ExperimentalBuild ?? false}`,
    ...list("Insecure Registries", insecure),
    ...list("Registry Mirrors", registry.Mirrors),
    `Live Restore Enabled: ${info.LiveRestoreEnabled ?? false}`,
    ...text("Firewall Backend", info.FirewallBackend?.Driver),
  ];
}

function text(name: string, value: string | undefined): string[] {
  return value ? [`${name}: ${value}`] : [];
}

function list(name: string, values: readonly string[] | null | undefined): string[] {
  return values && values.length > 0 ? [`${name}:`, ...values.map((value) => ` ${value}`)] : [];
}
