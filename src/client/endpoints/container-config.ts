import { type Static, Type } from "@sinclair/typebox";

/*
 * What a container is asked to be, in the Engine API's vocabulary (engine-api v1.51: ContainerConfig, HostConfig,
 * NetworkingConfig). Every field may be absent. `null` means absent, as in Go's JSON: the API's decoder drops it.
 */

const Strings = Type.Array(Type.String());
const StringMap = Type.Record(Type.String(), Type.String());
const Empty = Type.Object({});
/** A command: a list, or one string that is split by a shell. */
const Command = Type.Union([Strings, Type.String(), Type.Null()]);
const Int = Type.Integer();

export const HealthConfig = Type.Partial(
  Type.Object({
    Test: Strings,
    Interval: Int,
    Timeout: Int,
    Retries: Int,
    StartPeriod: Int,
    StartInterval: Int,
  }),
);

export const ContainerConfig = Type.Partial(
  Type.Object({
    Hostname: Type.String(),
    Domainname: Type.String(),
    User: Type.String(),
    AttachStdin: Type.Boolean(),
    AttachStdout: Type.Boolean(),
    AttachStderr: Type.Boolean(),
    ExposedPorts: Type.Record(Type.String(), Empty),
    Tty: Type.Boolean(),
    OpenStdin: Type.Boolean(),
    StdinOnce: Type.Boolean(),
    Env: Strings,
    Cmd: Command,
    Healthcheck: HealthConfig,
    ArgsEscaped: Type.Boolean(),
    Image: Type.String(),
    Volumes: Type.Record(Type.String(), Empty),
    WorkingDir: Type.String(),
    Entrypoint: Command,
    NetworkDisabled: Type.Boolean(),
    MacAddress: Type.String(),
    OnBuild: Strings,
    Labels: StringMap,
    StopSignal: Type.String(),
    StopTimeout: Int,
    Shell: Strings,
  }),
);
export type ContainerConfig = Static<typeof ContainerConfig>;

const ThrottleDevice = Type.Partial(Type.Object({ Path: Type.String(), Rate: Int }));

export const Resources = Type.Partial(
  Type.Object({
    CpuShares: Int,
    Memory: Int,
    CgroupParent: Type.String(),
    BlkioWeight: Int,
    BlkioWeightDevice: Type.Array(Type.Partial(Type.Object({ Path: Type.String(), Weight: Int }))),
    BlkioDeviceReadBps: Type.Array(ThrottleDevice),
    BlkioDeviceWriteBps: Type.Array(ThrottleDevice),
    BlkioDeviceReadIOps: Type.Array(ThrottleDevice),
    BlkioDeviceWriteIOps: Type.Array(ThrottleDevice),
    CpuPeriod: Int,
    CpuQuota: Int,
    CpuRealtimePeriod: Int,
    CpuRealtimeRuntime: Int,
    CpusetCpus: Type.String(),
    CpusetMems: Type.String(),
    Devices: Type.Array(
      Type.Partial(
        Type.Object({ PathOnHost: Type.String(), PathInContainer: Type.String(), CgroupPermissions: Type.String() }),
      ),
    ),
    DeviceCgroupRules: Strings,
    DeviceRequests: Type.Array(
      Type.Partial(
        Type.Object({
          Driver: Type.String(),
          Count: Int,
          DeviceIDs: Strings,
          Capabilities: Type.Array(Strings),
          Options: StringMap,
        }),
      ),
    ),
    KernelMemory: Int,
    KernelMemoryTCP: Int,
    MemoryReservation: Int,
    MemorySwap: Int,
    MemorySwappiness: Int,
    NanoCpus: Int,
    OomKillDisable: Type.Boolean(),
    Init: Type.Boolean(),
    PidsLimit: Int,
    Ulimits: Type.Array(Type.Partial(Type.Object({ Name: Type.String(), Soft: Int, Hard: Int }))),
    CpuCount: Int,
    CpuPercent: Int,
    IOMaximumIOps: Int,
    IOMaximumBandwidth: Int,
  }),
);

export const PortBinding = Type.Partial(Type.Object({ HostIp: Type.String(), HostPort: Type.String() }));
export const PortMap = Type.Record(Type.String(), Type.Union([Type.Array(PortBinding), Type.Null()]));
export type PortMap = Static<typeof PortMap>;

export const RestartPolicy = Type.Partial(Type.Object({ Name: Type.String(), MaximumRetryCount: Int }));

export const Mount = Type.Partial(
  Type.Object({
    Type: Type.String(),
    Source: Type.String(),
    Target: Type.String(),
    ReadOnly: Type.Boolean(),
    Consistency: Type.String(),
    BindOptions: Type.Partial(
      Type.Object({
        Propagation: Type.String(),
        NonRecursive: Type.Boolean(),
        CreateMountpoint: Type.Boolean(),
        ReadOnlyNonRecursive: Type.Boolean(),
        ReadOnlyForceRecursive: Type.Boolean(),
      }),
    ),
    VolumeOptions: Type.Partial(
      Type.Object({
        NoCopy: Type.Boolean(),
        Labels: StringMap,
        DriverConfig: Type.Partial(Type.Object({ Name: Type.String(), Options: StringMap })),
        Subpath: Type.String(),
      }),
    ),
    ImageOptions: Type.Partial(Type.Object({ Subpath: Type.String() })),
    TmpfsOptions: Type.Partial(
      Type.Object({ SizeBytes: Int, Mode: Int, Options: Type.Array(Type.Array(Type.String())) }),
    ),
    ClusterOptions: Empty,
  }),
);
export type Mount = Static<typeof Mount>;

export const HostConfig = Type.Intersect([
  Resources,
  Type.Partial(
    Type.Object({
      Binds: Strings,
      ContainerIDFile: Type.String(),
      LogConfig: Type.Partial(Type.Object({ Type: Type.String(), Config: StringMap })),
      NetworkMode: Type.String(),
      PortBindings: PortMap,
      RestartPolicy,
      AutoRemove: Type.Boolean(),
      VolumeDriver: Type.String(),
      VolumesFrom: Strings,
      Mounts: Type.Array(Mount),
      ConsoleSize: Type.Array(Int),
      Annotations: StringMap,
      CapAdd: Strings,
      CapDrop: Strings,
      CgroupnsMode: Type.String(),
      Dns: Strings,
      DnsOptions: Strings,
      DnsSearch: Strings,
      ExtraHosts: Strings,
      GroupAdd: Strings,
      IpcMode: Type.String(),
      Cgroup: Type.String(),
      Links: Strings,
      OomScoreAdj: Int,
      PidMode: Type.String(),
      Privileged: Type.Boolean(),
      PublishAllPorts: Type.Boolean(),
      ReadonlyRootfs: Type.Boolean(),
      SecurityOpt: Strings,
      StorageOpt: StringMap,
      Tmpfs: StringMap,
      UTSMode: Type.String(),
      UsernsMode: Type.String(),
      ShmSize: Int,
      Sysctls: StringMap,
      Runtime: Type.String(),
      Isolation: Type.String(),
      MaskedPaths: Strings,
      ReadonlyPaths: Strings,
    }),
  ),
]);
export type HostConfig = Static<typeof HostConfig>;

export const EndpointIpamConfig = Type.Partial(
  Type.Object({ IPv4Address: Type.String(), IPv6Address: Type.String(), LinkLocalIPs: Strings }),
);

/** What one endpoint is asked to be; the fields that only inspect fills are in the inspect schema. */
export const EndpointConfig = Type.Partial(
  Type.Object({
    IPAMConfig: EndpointIpamConfig,
    Links: Strings,
    MacAddress: Type.String(),
    Aliases: Strings,
    DriverOpts: StringMap,
    GwPriority: Int,
  }),
);
export type EndpointConfig = Static<typeof EndpointConfig>;

export const NetworkingConfig = Type.Partial(
  Type.Object({ EndpointsConfig: Type.Record(Type.String(), EndpointConfig) }),
);
export type NetworkingConfig = Static<typeof NetworkingConfig>;

export const ExecConfig = Type.Partial(
  Type.Object({
    AttachStdin: Type.Boolean(),
    AttachStdout: Type.Boolean(),
    AttachStderr: Type.Boolean(),
    ConsoleSize: Type.Array(Int),
    DetachKeys: Type.String(),
    Tty: Type.Boolean(),
    Env: Strings,
    Cmd: Type.Union([Strings, Type.String()]),
    Privileged: Type.Boolean(),
    User: Type.String(),
    WorkingDir: Type.String(),
  }),
);
export type ExecConfig = Static<typeof ExecConfig>;
