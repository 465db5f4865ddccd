import type { HostConfig } from "../../client/endpoints/container-config.ts";
import type { HostConfigShown } from "../../client/endpoints/container-inspect.ts";
import { defaultMaskedPaths, defaultReadonlyPaths } from "../../runtime/spec/paths.ts";

/** What Docker 28 shows where the user said nothing. */
const defaults: HostConfigShown = {
  Binds: null,
  ContainerIDFile: "",
  LogConfig: { Type: "json-file", Config: {} },
  NetworkMode: "bridge",
  PortBindings: {},
  RestartPolicy: { Name: "no", MaximumRetryCount: 0 },
  AutoRemove: false,
  VolumeDriver: "",
  VolumesFrom: null,
  ConsoleSize: [0, 0],
  CapAdd: null,
  CapDrop: null,
  CgroupnsMode: "private",
  Dns: [],
  DnsOptions: [],
  DnsSearch: [],
  ExtraHosts: null,
  GroupAdd: null,
  IpcMode: "private",
  Cgroup: "",
  Links: null,
  OomScoreAdj: 0,
  PidMode: "",
  Privileged: false,
  PublishAllPorts: false,
  ReadonlyRootfs: false,
  SecurityOpt: null,
  UTSMode: "",
  UsernsMode: "",
  ShmSize: 64 * 1024 * 1024,
  Runtime: "runc",
  Isolation: "",
  CpuShares: 0,
  Memory: 0,
  NanoCpus: 0,
  CgroupParent: "",
  BlkioWeight: 0,
  BlkioWeightDevice: [],
  BlkioDeviceReadBps: [],
  BlkioDeviceWriteBps: [],
  BlkioDeviceReadIOps: [],
  BlkioDeviceWriteIOps: [],
  CpuPeriod: 0,
  CpuQuota: 0,
  CpuRealtimePeriod: 0,
  CpuRealtimeRuntime: 0,
  CpusetCpus: "",
  CpusetMems: "",
  Devices: [],
  DeviceCgroupRules: null,
  DeviceRequests: null,
  MemoryReservation: 0,
  MemorySwap: 0,
  MemorySwappiness: null,
  OomKillDisable: false,
  PidsLimit: null,
  Ulimits: [],
  CpuCount: 0,
  CpuPercent: 0,
  IOMaximumIOps: 0,
  IOMaximumBandwidth: 0,
  MaskedPaths: [...defaultMaskedPaths],
  ReadonlyPaths: [...defaultReadonlyPaths],
};

/** Shown with their default although the user gave them empty. */
const emptyMeansDefault = ["NetworkMode", "CgroupnsMode", "IpcMode", "Runtime", "ShmSize"] as const;

/** The host configuration as inspect shows it: what the user said over Docker's defaults. */
export function hostConfigToWire(given: HostConfig, networkMode: string, defaultRuntime: string): HostConfigShown {
  const { RestartPolicy: restart, LogConfig: log, PidsLimit: pids = 0, ...others } = given;
  const rest = Object.fromEntries(Object.entries(others).filter(([, value]) => value !== undefined));
  const shown: HostConfigShown = {
    ...defaults,
    Runtime: defaultRuntime,
    ...(given.Privileged && { MaskedPaths: null, ReadonlyPaths: null }),
    ...rest,
    // Clients say 0 or -1 for "no limit", which Docker shows as none.
    PidsLimit: pids > 0 ? pids : null,
    RestartPolicy: { Name: restart?.Name || "no", MaximumRetryCount: restart?.MaximumRetryCount ?? 0 },
    LogConfig: { Type: log?.Type || "json-file", Config: log?.Config ?? {} },
  };
  const fallback: HostConfigShown = { ...defaults, Runtime: defaultRuntime };
  for (const field of emptyMeansDefault) if (!shown[field]) Object.assign(shown, { [field]: fallback[field] });
  return { ...shown, NetworkMode: networkMode };
}
