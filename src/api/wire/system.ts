import type { Info, Version } from "../../client/endpoints/system.ts";
import type { Container } from "../../containers/containers.ts";
import type { EngineFacts, HostFacts } from "../system.ts";
import { maximumVersion, minimumVersion } from "../versions.ts";

const goArch: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64", i686: "386", armv7l: "arm" };

/** `docker version`'s server half. */
export function versionToWire(facts: EngineFacts, host: HostFacts): Version {
  const arch = goArch[host.machine] ?? host.machine;
  return {
    Platform: { Name: "Keelson" },
    Components: [
      {
        Name: "Engine",
        Version: facts.version,
        Details: {
          ApiVersion: maximumVersion,
          Arch: arch,
          BuildTime: facts.buildTime,
          Experimental: "false",
          GitCommit: facts.gitCommit,
          GoVersion: `node ${process.version}`,
          KernelVersion: host.kernelVersion,
          MinAPIVersion: minimumVersion,
          Os: "linux",
        },
      },
      ...facts.components.map(({ name, version }) => ({ Name: name, Version: version, Details: {} })),
    ],
    Version: facts.version,
    ApiVersion: maximumVersion,
    MinAPIVersion: minimumVersion,
    GitCommit: facts.gitCommit,
    GoVersion: `node ${process.version}`,
    Os: "linux",
    Arch: arch,
    KernelVersion: host.kernelVersion,
    BuildTime: facts.buildTime,
  };
}

export interface Counts {
  readonly containers: readonly Container[];
  readonly images: number;
  readonly listeners: number;
}

/** `docker info`. */
export function infoToWire(facts: EngineFacts, host: HostFacts, counts: Counts): Info {
  const among = (...states: string[]): number =>
    counts.containers.filter((container) => states.includes(container.state.status)).length;
  const running = among("running", "restarting");
  const paused = among("paused");
  return {
    ID: facts.id,
    Containers: counts.containers.length,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: counts.containers.length - running - paused,
    Images: counts.images,
    Driver: facts.storageDriver,
    DriverStatus: facts.storageStatus.map(([name, value]) => [name, value]),
    Plugins: {
      Volume: [...facts.volumeDrivers],
      Network: [...facts.networkDrivers],
      Authorization: null,
      Log: [...facts.logDrivers],
    },
    MemoryLimit: host.limits.memory,
    SwapLimit: host.limits.swap,
    CpuCfsPeriod: host.limits.cpu,
    CpuCfsQuota: host.limits.cpu,
    CPUShares: host.limits.cpu,
    CPUSet: host.limits.cpuset,
    PidsLimit: host.limits.pids,
    IPv4Forwarding: host.ipv4Forwarding,
    BridgeNfIptables: false,
    BridgeNfIp6tables: false,
    Debug: facts.debug,
    NFd: host.openFiles,
    OomKillDisable: host.limits.oomKillDisable,
    NGoroutines: 0,
    SystemTime: new Date().toISOString(),
    LoggingDriver: "json-file",
    CgroupDriver: host.cgroupDriver,
    CgroupVersion: host.cgroupVersion,
    NEventsListener: counts.listeners,
    KernelVersion: host.kernelVersion,
    OperatingSystem: host.operatingSystem,
    OSVersion: host.osVersion,
    OSType: "linux",
    Architecture: host.machine,
    IndexServerAddress: "https://index.docker.io/v1/",
    RegistryConfig: registryConfig(facts),
    NCPU: host.cpus,
    MemTotal: host.memory,
    GenericResources: null,
    DockerRootDir: facts.dataRoot,
    HttpProxy: "",
    HttpsProxy: "",
    NoProxy: "",
    Name: host.hostname,
    Labels: [...facts.labels],
    ExperimentalBuild: false,
    ServerVersion: facts.version,
    Runtimes: Object.fromEntries(Object.entries(facts.runtimes).map(([name, path]) => [name, { path }])),
    DefaultRuntime: facts.defaultRuntime,
    Swarm: {
      NodeID: "",
      NodeAddr: "",
      LocalNodeState: "inactive",
      ControlAvailable: false,
      Error: "",
      RemoteManagers: null,
    },
    // Containers outlive the daemon always.
    LiveRestoreEnabled: true,
    Isolation: "",
    InitBinary: facts.initBinary,
    ContainerdCommit: { ID: "" },
    RuncCommit: { ID: "" },
    InitCommit: { ID: "" },
    SecurityOptions: [...facts.securityOptions],
    FirewallBackend: { Driver: "nftables" },
    CDISpecDirs: null,
    Warnings: host.warnings.length > 0 ? [...host.warnings] : null,
  };
}

function registryConfig(facts: EngineFacts): Info["RegistryConfig"] {
  const isBlock = (name: string): boolean => /^[0-9a-f.:]+\/\d+$/i.test(name);
  const named = facts.insecureRegistries.filter((name) => !isBlock(name));
  return {
    AllowNondistributableArtifactsCIDRs: null,
    AllowNondistributableArtifactsHostnames: null,
    InsecureRegistryCIDRs: ["::1/128", "127.0.0.0/8", ...facts.insecureRegistries.filter(isBlock)],
    IndexConfigs: {
      "docker.io": { Name: "docker.io", Mirrors: [...facts.registryMirrors], Secure: true, Official: true },
      ...Object.fromEntries(named.map((name) => [name, { Name: name, Mirrors: [], Secure: false, Official: false }])),
    },
    Mirrors: facts.registryMirrors.length > 0 ? [...facts.registryMirrors] : null,
  };
}
