import { type Static, Type } from "@sinclair/typebox";
import { ContainerSummary } from "./containers.ts";
import { Answer, endpoint, Filters, Int, Nullable, StringMap, Strings } from "./endpoint.ts";
import { ImageSummary } from "./images.ts";
import { VolumeInspect } from "./volumes.ts";

/** engine-api, SystemVersion. */
export const Version = Answer({
  Platform: Answer({ Name: Type.String() }),
  Components: Type.Array(
    Answer({ Name: Type.String(), Version: Type.String(), Details: Type.Optional(Nullable(StringMap)) }),
  ),
  Version: Type.String(),
  ApiVersion: Type.String(),
  MinAPIVersion: Type.String(),
  GitCommit: Type.String(),
  /** The version of the language; Node's, here. */
  GoVersion: Type.String(),
  Os: Type.String(),
  Arch: Type.String(),
  KernelVersion: Type.String(),
  Experimental: Type.Optional(Type.Boolean()),
  BuildTime: Type.Optional(Type.String()),
});
export type Version = Static<typeof Version>;

const Commit = Answer({ ID: Type.String(), Expected: Type.Optional(Type.String()) });

/** engine-api, SystemInfo. */
export const Info = Answer({
  ID: Type.String(),
  Containers: Int,
  ContainersRunning: Int,
  ContainersPaused: Int,
  ContainersStopped: Int,
  Images: Int,
  Driver: Type.String(),
  DriverStatus: Type.Array(Type.Tuple([Type.String(), Type.String()])),
  Plugins: Answer({
    Volume: Strings,
    Network: Strings,
    Authorization: Nullable(Strings),
    Log: Strings,
  }),
  MemoryLimit: Type.Boolean(),
  SwapLimit: Type.Boolean(),
  KernelMemory: Type.Optional(Type.Boolean()),
  KernelMemoryTCP: Type.Optional(Type.Boolean()),
  CpuCfsPeriod: Type.Boolean(),
  CpuCfsQuota: Type.Boolean(),
  CPUShares: Type.Boolean(),
  CPUSet: Type.Boolean(),
  PidsLimit: Type.Boolean(),
  IPv4Forwarding: Type.Boolean(),
  /** Before 1.50. */
  BridgeNfIptables: Type.Optional(Type.Boolean()),
  BridgeNfIp6tables: Type.Optional(Type.Boolean()),
  Debug: Type.Boolean(),
  NFd: Int,
  OomKillDisable: Type.Boolean(),
  NGoroutines: Int,
  SystemTime: Type.String(),
  LoggingDriver: Type.String(),
  CgroupDriver: Type.String(),
  CgroupVersion: Type.String(),
  NEventsListener: Int,
  KernelVersion: Type.String(),
  OperatingSystem: Type.String(),
  OSVersion: Type.String(),
  OSType: Type.String(),
  Architecture: Type.String(),
  IndexServerAddress: Type.String(),
  RegistryConfig: Answer({
    /** Before 1.47. */
    AllowNondistributableArtifactsCIDRs: Type.Optional(Nullable(Strings)),
    AllowNondistributableArtifactsHostnames: Type.Optional(Nullable(Strings)),
    InsecureRegistryCIDRs: Strings,
    IndexConfigs: Type.Record(
      Type.String(),
      Answer({ Name: Type.String(), Mirrors: Strings, Secure: Type.Boolean(), Official: Type.Boolean() }),
    ),
    Mirrors: Nullable(Strings),
  }),
  NCPU: Int,
  MemTotal: Int,
  GenericResources: Type.Null(),
  DockerRootDir: Type.String(),
  HttpProxy: Type.String(),
  HttpsProxy: Type.String(),
  NoProxy: Type.String(),
  Name: Type.String(),
  Labels: Strings,
  ExperimentalBuild: Type.Boolean(),
  ServerVersion: Type.String(),
  Runtimes: Type.Record(
    Type.String(),
    Answer({ path: Type.String(), runtimeArgs: Type.Optional(Strings), status: Type.Optional(StringMap) }),
  ),
  DefaultRuntime: Type.String(),
  Swarm: Answer({
    NodeID: Type.String(),
    NodeAddr: Type.String(),
    LocalNodeState: Type.String(),
    ControlAvailable: Type.Boolean(),
    Error: Type.String(),
    RemoteManagers: Type.Null(),
  }),
  LiveRestoreEnabled: Type.Boolean(),
  Isolation: Type.String(),
  InitBinary: Type.String(),
  ContainerdCommit: Commit,
  RuncCommit: Commit,
  InitCommit: Commit,
  SecurityOptions: Strings,
  FirewallBackend: Type.Optional(Answer({ Driver: Type.String() })),
  CDISpecDirs: Nullable(Strings),
  /** Where the engine stands on a containerd. */
  Containerd: Type.Optional(
    Answer({ Address: Type.String(), Namespaces: Answer({ Containers: Type.String(), Plugins: Type.String() }) }),
  ),
  Warnings: Nullable(Strings),
});
export type Info = Static<typeof Info>;

export const ping = endpoint({ method: "GET", path: "/_ping", kind: "raw", responses: { 200: null } });
export const pingHead = endpoint({ method: "HEAD", path: "/_ping", kind: "raw", responses: { 200: null } });
export const systemVersion = endpoint({ method: "GET", path: "/version", responses: { 200: Version } });
export const systemInfo = endpoint({ method: "GET", path: "/info", responses: { 200: Info } });

export const AuthConfig = Type.Partial(
  Type.Object({
    username: Type.String(),
    password: Type.String(),
    auth: Type.String(),
    email: Type.String(),
    serveraddress: Type.String(),
    identitytoken: Type.String(),
    registrytoken: Type.String(),
  }),
);
export type AuthConfig = Static<typeof AuthConfig>;

export const systemAuth = endpoint({
  method: "POST",
  path: "/auth",
  body: AuthConfig,
  responses: { 200: Answer({ Status: Type.String(), IdentityToken: Type.String() }) },
});

/** engine-api, `GET /system/df`. */
export const DiskUsage = Answer({
  LayersSize: Int,
  Images: Nullable(Type.Array(ImageSummary)),
  Containers: Nullable(Type.Array(ContainerSummary)),
  Volumes: Nullable(Type.Array(VolumeInspect)),
  BuildCache: Nullable(Type.Array(Type.Object({}))),
  /** Before 1.42. */
  BuilderSize: Type.Optional(Int),
});
export type DiskUsage = Static<typeof DiskUsage>;

export const systemDf = endpoint({
  method: "GET",
  path: "/system/df",
  since: "1.25",
  query: Type.Partial(Type.Object({ type: Strings })),
  responses: { 200: DiskUsage },
});

/** There is no build cache yet, so there is nothing to prune; `docker system prune` asks all the same. */
export const buildPrune = endpoint({
  method: "POST",
  path: "/build/prune",
  since: "1.31",
  query: Type.Partial(Type.Object({ filters: Filters, all: Type.Boolean() })),
  responses: { 200: Answer({ CachesDeleted: Nullable(Strings), SpaceReclaimed: Int }) },
});

export const systemEndpoints = [ping, pingHead, systemVersion, systemInfo, systemAuth, systemDf, buildPrune] as const;
