import { type Static, Type } from "@sinclair/typebox";
import { HealthConfig, Mount, PortBinding, Resources, RestartPolicy } from "./container-config.ts";
import { GraphDriver, MountPoint, NetworkEndpoint } from "./container-parts.ts";
import { Answer, Int, Nullable, nullableFields, StringMap, Strings } from "./endpoint.ts";

const Empty = Type.Object({});
const { KernelMemory, KernelMemoryTCP, Init, ...resources } = Resources.properties;

/** HostConfig as it is shown: every field there, with Docker's defaults; a few only where they are set. */
export const HostConfigShown = Answer({
  ...nullableFields(resources),
  KernelMemory,
  KernelMemoryTCP,
  Init: Type.Optional(Nullable(Type.Boolean())),
  Binds: Nullable(Strings),
  ContainerIDFile: Type.String(),
  LogConfig: Answer({ Type: Type.String(), Config: Nullable(StringMap) }),
  NetworkMode: Type.String(),
  PortBindings: Nullable(Type.Record(Type.String(), Nullable(Type.Array(PortBinding)))),
  RestartPolicy: Type.Required(RestartPolicy),
  AutoRemove: Type.Boolean(),
  VolumeDriver: Type.String(),
  VolumesFrom: Nullable(Strings),
  Mounts: Type.Optional(Type.Array(Mount)),
  ConsoleSize: Type.Array(Int),
  Annotations: Type.Optional(StringMap),
  CapAdd: Nullable(Strings),
  CapDrop: Nullable(Strings),
  CgroupnsMode: Type.String(),
  Dns: Nullable(Strings),
  DnsOptions: Nullable(Strings),
  DnsSearch: Nullable(Strings),
  ExtraHosts: Nullable(Strings),
  GroupAdd: Nullable(Strings),
  IpcMode: Type.String(),
  Cgroup: Type.String(),
  Links: Nullable(Strings),
  OomScoreAdj: Int,
  PidMode: Type.String(),
  Privileged: Type.Boolean(),
  PublishAllPorts: Type.Boolean(),
  ReadonlyRootfs: Type.Boolean(),
  SecurityOpt: Nullable(Strings),
  StorageOpt: Type.Optional(StringMap),
  Tmpfs: Type.Optional(StringMap),
  UTSMode: Type.String(),
  UsernsMode: Type.String(),
  ShmSize: Int,
  Sysctls: Type.Optional(StringMap),
  Runtime: Type.String(),
  Isolation: Type.String(),
  MaskedPaths: Nullable(Strings),
  ReadonlyPaths: Nullable(Strings),
});
export type HostConfigShown = Static<typeof HostConfigShown>;

/** ContainerConfig as it is shown. */
export const ConfigShown = Answer({
  Hostname: Type.String(),
  Domainname: Type.String(),
  User: Type.String(),
  AttachStdin: Type.Boolean(),
  AttachStdout: Type.Boolean(),
  AttachStderr: Type.Boolean(),
  ExposedPorts: Type.Optional(Type.Record(Type.String(), Empty)),
  Tty: Type.Boolean(),
  OpenStdin: Type.Boolean(),
  StdinOnce: Type.Boolean(),
  Env: Nullable(Strings),
  Cmd: Nullable(Strings),
  Healthcheck: Type.Optional(HealthConfig),
  ArgsEscaped: Type.Optional(Type.Boolean()),
  Image: Type.String(),
  Volumes: Nullable(Type.Record(Type.String(), Empty)),
  WorkingDir: Type.String(),
  Entrypoint: Nullable(Strings),
  NetworkDisabled: Type.Optional(Type.Boolean()),
  MacAddress: Type.Optional(Type.String()),
  OnBuild: Nullable(Strings),
  Labels: Nullable(StringMap),
  StopSignal: Type.Optional(Type.String()),
  StopTimeout: Type.Optional(Int),
  Shell: Type.Optional(Strings),
});
export type ConfigShown = Static<typeof ConfigShown>;

/** engine-api, Health. */
export const Health = Answer({
  Status: Type.String(),
  FailingStreak: Int,
  Log: Nullable(Type.Array(Answer({ Start: Type.String(), End: Type.String(), ExitCode: Int, Output: Type.String() }))),
});

/** engine-api, ContainerState. */
export const State = Answer({
  Status: Type.String(),
  Running: Type.Boolean(),
  Paused: Type.Boolean(),
  Restarting: Type.Boolean(),
  OOMKilled: Type.Boolean(),
  Dead: Type.Boolean(),
  Pid: Int,
  ExitCode: Int,
  Error: Type.String(),
  StartedAt: Type.String(),
  FinishedAt: Type.String(),
  Health: Type.Optional(Health),
});

const Address = Answer({ Addr: Type.String(), PrefixLen: Int });

/** engine-api, NetworkSettings. */
export const NetworkSettings = Answer({
  Bridge: Type.String(),
  SandboxID: Type.String(),
  SandboxKey: Type.String(),
  Ports: Type.Record(Type.String(), Nullable(Type.Array(Answer({ HostIp: Type.String(), HostPort: Type.String() })))),
  HairpinMode: Type.Boolean(),
  LinkLocalIPv6Address: Type.String(),
  LinkLocalIPv6PrefixLen: Int,
  SecondaryIPAddresses: Nullable(Type.Array(Address)),
  SecondaryIPv6Addresses: Nullable(Type.Array(Address)),
  EndpointID: Type.String(),
  Gateway: Type.String(),
  GlobalIPv6Address: Type.String(),
  GlobalIPv6PrefixLen: Int,
  IPAddress: Type.String(),
  IPPrefixLen: Int,
  IPv6Gateway: Type.String(),
  MacAddress: Type.String(),
  Networks: Type.Record(Type.String(), NetworkEndpoint),
});
export type NetworkSettings = Static<typeof NetworkSettings>;

/** engine-api, ContainerInspectResponse. */
export const ContainerInspect = Answer({
  Id: Type.String(),
  Created: Type.String(),
  Path: Type.String(),
  Args: Strings,
  State,
  Image: Type.String(),
  ResolvConfPath: Type.String(),
  HostnamePath: Type.String(),
  HostsPath: Type.String(),
  LogPath: Type.String(),
  Name: Type.String(),
  RestartCount: Int,
  Driver: Type.String(),
  Platform: Type.String(),
  MountLabel: Type.String(),
  ProcessLabel: Type.String(),
  AppArmorProfile: Type.String(),
  ExecIDs: Nullable(Strings),
  HostConfig: HostConfigShown,
  GraphDriver,
  SizeRw: Type.Optional(Int),
  SizeRootFs: Type.Optional(Int),
  Mounts: Type.Array(MountPoint),
  Config: ConfigShown,
  NetworkSettings,
});
export type ContainerInspect = Static<typeof ContainerInspect>;
