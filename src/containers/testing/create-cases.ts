import type { ContainerConfig, HostConfig } from "../../client/endpoints/container-config.ts";

/** One request to create a container, and what must come of it. */
export interface CreateCase {
  readonly config?: ContainerConfig;
  readonly hostConfig?: HostConfig;
  /** The message of the refusal; absent where the request is good. */
  readonly refused?: string;
  readonly warnings?: readonly string[];
  /**
   * How Docker 28 differs: it says the same only at the `start`, says it in its `own` words (or refuses in the runtime,
   * or not at all), or the engine `lacks` what Docker has.
   */
  readonly docker?: "start" | "own" | "lacks";
}

const M = 1024 * 1024;
const refused = (hostConfig: HostConfig, message: string, docker?: CreateCase["docker"]): CreateCase => ({
  hostConfig,
  refused: message,
  docker,
});
const config = (own: ContainerConfig, message?: string, docker?: CreateCase["docker"]): CreateCase => ({
  config: own,
  refused: message,
  docker,
});
const good = (hostConfig: HostConfig, ...warnings: string[]): CreateCase => ({ hostConfig, warnings });
const both = (
  hostConfig: HostConfig,
  own: ContainerConfig,
  message?: string,
  docker?: CreateCase["docker"],
): CreateCase => ({
  hostConfig,
  config: own,
  refused: message,
  docker,
});

/** Requests on a cgroup v1 host with processors 0 and 1, memory node 0, and no weights for block devices. */
export const createCases: readonly CreateCase[] = [
  // Config
  config({ Env: ["=x"] }, "invalid environment variable: =x"),
  config({ Env: [""] }, "invalid environment variable: "),
  config({ Env: ["A", "A=1", "A=2", "A B=1"] }),
  config({ Env: ["X=\0"] }, 'invalid environment variable "X=\\u0000": contains nul byte (\\x00)', "own"),
  config({ Cmd: ["a\0b"] }, 'invalid command "a\\u0000b": contains nul byte (\\x00)', "own"),
  config({ StopSignal: "X" }, "invalid signal: X"),
  config({ StopSignal: "0" }, "invalid signal: 0"),
  config({ StopSignal: "99" }, "invalid signal: 99", "own"),
  config({ StopSignal: "term" }),
  config({ StopSignal: "SIGRTMIN+3" }),
  config({ Hostname: "a b" }),
  config({ Hostname: "a".repeat(65) }, `invalid hostname ${"a".repeat(65)}: it is longer than 64 bytes`, "own"),
  config({ Hostname: "a\nb" }, "invalid hostname format: a\nb", "own"),
  config({ Healthcheck: { Test: ["CMD", "true"], Interval: 5 } }, "Interval in Healthcheck cannot be less than 1ms"),
  config({ Healthcheck: { Test: ["CMD", "true"], Interval: -5 } }, "Interval in Healthcheck cannot be less than 1ms"),
  config({ Healthcheck: { Timeout: 5 } }, "Timeout in Healthcheck cannot be less than 1ms"),
  config({ Healthcheck: { StartPeriod: 5 } }, "StartPeriod in Healthcheck cannot be less than 1ms"),
  config({ Healthcheck: { StartInterval: 5 } }, "StartInterval in Healthcheck cannot be less than 1ms"),
  config({ Healthcheck: { Retries: -1 } }, "Retries in Healthcheck cannot be negative"),
  config({ Healthcheck: { Test: ["NONE"] } }),
  {
    config: { MacAddress: "02:42:ac:11:00:22" },
    warnings: [
      "The container-wide MacAddress field is now deprecated. It should be specified in EndpointsConfig instead.",
    ],
  },
  // Resources
  refused({ Memory: 5 * M }, "Minimum memory limit allowed is 6MB"),
  refused({ Memory: -1 }, "Minimum memory limit allowed is 6MB"),
  refused(
    { Memory: 64 * M, MemorySwap: 32 * M },
    "Minimum memoryswap limit should be larger than memory limit, see usage",
  ),
  refused({ MemorySwap: 32 * M }, "You should always set the Memory limit when using Memoryswap limit, see usage"),
  good({ Memory: 64 * M, MemorySwap: -1 }),
  refused({ MemorySwappiness: 101 }, "Invalid value: 101, valid memory swappiness range is 0-100"),
  refused({ MemorySwappiness: -2 }, "Invalid value: -2, valid memory swappiness range is 0-100"),
  good({ MemorySwappiness: -1 }),
  refused({ MemoryReservation: M }, "Minimum memory reservation allowed is 6MB"),
  refused(
    { Memory: 64 * M, MemoryReservation: 65 * M },
    "Minimum memory limit can not be less than memory reservation limit, see usage",
  ),
  good(
    { OomKillDisable: true },
    "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.",
  ),
  good({ OomKillDisable: true, Memory: 64 * M }),
  good({ PidsLimit: -1 }),
  refused({ NanoCpus: 1e9, CpuPeriod: 1000 }, "Conflicting options: Nano CPUs and CPU Period cannot both be set"),
  refused({ NanoCpus: 1e9, CpuQuota: 1000 }, "Conflicting options: Nano CPUs and CPU Quota cannot both be set"),
  refused({ NanoCpus: -1 }, "range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available"),
  refused({ NanoCpus: 3e9 }, "range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available"),
  refused({ CpuPeriod: 1 }, "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)"),
  refused({ CpuQuota: 1 }, "CPU cfs quota can not be less than 1ms (i.e. 1000)"),
  good({ CpuQuota: -1 }),
  good({ CpuPercent: 10 }, "linux does not support CPU percent. Percent discarded."),
  refused({ CpuShares: -1 }, "invalid CPU shares (-1): value must be a positive integer"),
  refused({ CpuShares: 1 }, "the minimum allowed cpu-shares is 2", "own"),
  refused({ CpuShares: 1e9 }, "the maximum allowed cpu-shares is 262144", "own"),
  refused({ CpusetCpus: "x" }, "Invalid value x for cpuset cpus: invalid format: x"),
  refused({ CpusetCpus: "1-0" }, "Invalid value 1-0 for cpuset cpus: invalid format: 1-0"),
  refused({ CpusetCpus: "0-9" }, "Requested CPUs are not available - requested 0-9, available: 0-1"),
  good({ CpusetCpus: "0,1", CpusetMems: "0" }),
  refused({ CpusetMems: "3" }, "Requested memory nodes are not available - requested 3, available: 0"),
  good(
    { BlkioWeight: 5 },
    "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.",
  ),
  good(
    { BlkioWeightDevice: [{ Path: "/dev/vda", Weight: 50 }] },
    "Your kernel does not support Block I/O weight_device or the cgroup is not mounted. Weight-device discarded.",
  ),
  refused({ IOMaximumIOps: 1 }, "invalid option: QoS maximum IOPs configuration is not supported on linux"),
  refused({ IOMaximumBandwidth: 1 }, "invalid option: QoS maximum bandwidth configuration is not supported on linux"),
  refused({ ShmSize: -1 }, "SHM size can not be less than 0"),
  refused({ OomScoreAdj: 1001 }, "Invalid value 1001, range for oom score adj is [-1000, 1000]"),
  refused({ OomScoreAdj: -1001 }, "Invalid value -1001, range for oom score adj is [-1000, 1000]"),
  refused({ Ulimits: [{ Name: "foo", Soft: 1, Hard: 1 }] }, "invalid ulimit type: foo", "own"),
  refused(
    { Ulimits: [{ Name: "nofile", Soft: 10, Hard: 1 }] },
    "ulimit soft limit must be less than or equal to hard limit: 10 > 1",
    "own",
  ),
  refused(
    { Ulimits: [{ Name: "core", Soft: -1, Hard: 0 }] },
    "ulimit soft limit must be less than or equal to hard limit: -1 > 0",
    "own",
  ),
  good({ Ulimits: [{ Name: "NOFILE", Soft: 100, Hard: 100 }] }),
  good({ Ulimits: [{ Name: "core", Soft: 0, Hard: -1 }] }),
  // Restart policies
  refused(
    { RestartPolicy: { Name: "foo" } },
    "invalid restart policy: unknown policy 'foo'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
  ),
  ...["", "no", "always", "unless-stopped"].map((Name) =>
    refused(
      { RestartPolicy: { Name, MaximumRetryCount: 3 } },
      "invalid restart policy: maximum retry count can only be used with 'on-failure'",
    ),
  ),
  refused(
    { RestartPolicy: { Name: "no", MaximumRetryCount: -3 } },
    "invalid restart policy: maximum retry count can only be used with 'on-failure' and cannot be negative",
  ),
  refused(
    { RestartPolicy: { Name: "on-failure", MaximumRetryCount: -1 } },
    "invalid restart policy: maximum retry count cannot be negative",
  ),
  good({ RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 } }),
  refused(
    { AutoRemove: true, RestartPolicy: { Name: "always" } },
    "can't create 'AutoRemove' container with restart policy",
  ),
  good({ AutoRemove: true, RestartPolicy: { Name: "no" } }),
  // Namespaces
  refused({ PidMode: "foo" }, "invalid PID mode: foo"),
  refused({ PidMode: "container:" }, "invalid PID mode: container:"),
  refused({ PidMode: "private" }, "invalid PID mode: private"),
  refused({ IpcMode: "foo" }, "invalid IPC mode: foo"),
  refused({ IpcMode: "container:" }, "invalid IPC mode: container:", "own"),
  refused({ UTSMode: "foo" }, "invalid UTS mode: foo"),
  refused({ UTSMode: "container:x" }, "invalid UTS mode: container:x"),
  refused({ CgroupnsMode: "foo" }, "invalid cgroup namespace mode: foo"),
  refused({ UsernsMode: "foo" }, "invalid user namespace mode: foo", "own"),
  good({ UsernsMode: "host", CgroupnsMode: "private", IpcMode: "none", PidMode: "host" }),
  refused({ Isolation: "process" }, "invalid isolation (process): linux only supports 'default'"),
  good({ Isolation: "default" }),
  refused({ Runtime: "nope" }, "unknown or invalid runtime name: nope"),
  good({ Runtime: "runc" }),
  refused({ Annotations: { "": "x" } }, "invalid Annotations: the empty string is not permitted as an annotation key"),
  // Networks
  refused({ NetworkMode: "container:" }, "invalid network mode: invalid container format container:<name|id>"),
  refused(
    { NetworkMode: "host", Links: ["base:x"] },
    "conflicting options: host type networking can't be used with links. This would result in undefined behavior",
  ),
  refused(
    { NetworkMode: "container:base", Links: ["base:x"] },
    "conflicting options: container type network can't be used with links. This would result in undefined behavior",
  ),
  refused(
    { NetworkMode: "container:base", PortBindings: { "80/tcp": [{ HostPort: "8080" }] } },
    "conflicting options: port publishing and the container type network mode",
  ),
  refused(
    { NetworkMode: "container:base", PublishAllPorts: true },
    "conflicting options: port publishing and the container type network mode",
  ),
  refused({ NetworkMode: "container:base", Dns: ["1.1.1.1"] }, "conflicting options: dns and the network mode"),
  refused(
    { NetworkMode: "container:base", ExtraHosts: ["a:1.1.1.1"] },
    "conflicting options: custom host-to-IP mapping and the network mode",
  ),
  both({ NetworkMode: "container:base" }, { Hostname: "x" }, "conflicting options: hostname and the network mode"),
  both(
    { NetworkMode: "container:base" },
    { ExposedPorts: { "80/tcp": {} } },
    "conflicting options: port exposing and the container type network mode",
  ),
  both({ NetworkMode: "host" }, { Hostname: "x" }),
  both({ UTSMode: "host" }, { Hostname: "x" }, "conflicting options: hostname and the UTS mode"),
  both({ UTSMode: "host" }, { Domainname: "x" }, "conflicting options: domain name and the UTS mode", "own"),
  good(
    { NetworkMode: "host", PortBindings: { "80/tcp": [{ HostPort: "8080" }] } },
    "Published ports are discarded when using host network mode",
  ),
  refused({ Dns: ["x"] }, "bad nameserver address x", "own"),
  good({ Dns: ["1.1.1.1", "fe80::1%eth0"] }),
  refused({ ExtraHosts: ["foo"] }, 'bad format for add-host: "foo"'),
  refused({ ExtraHosts: [":1.1.1.1"] }, 'bad format for add-host: ":1.1.1.1"'),
  refused({ ExtraHosts: ["foo=1.1.1.1"] }, 'bad format for add-host: "foo=1.1.1.1"'),
  refused({ ExtraHosts: ["foo:bar"] }, 'invalid IP address in add-host: "bar"'),
  good({ ExtraHosts: ["a:host-gateway", "b:1.1.1.1", "c:::1"] }),
  // Mounts
  good({ Mounts: [{ Type: "image", Source: "busybox", Target: "/i" }] }, "Image mount is an experimental feature"),
  // Kernel parameters
  good({ Sysctls: { "net.ipv4.ip_forward": "1", "kernel.shmmax": "1000", "fs.mqueue.msg_max": "100" } }),
  good({ Sysctls: { "net/ipv4/ip_forward": "1" } }),
  refused({ Sysctls: { "kernel.foo": "1" } }, 'sysctl "kernel.foo" is not in a separate kernel namespace', "own"),
  refused({ Sysctls: { "": "" } }, 'sysctl "" is not in a separate kernel namespace', "own"),
  refused(
    { Sysctls: { "net.ipv4.ip_forward": "1" }, NetworkMode: "host" },
    'sysctl "net.ipv4.ip_forward" not allowed in host network namespace',
    "own",
  ),
  refused(
    { Sysctls: { "kernel.shmmax": "1" }, IpcMode: "host" },
    'sysctl "kernel.shmmax" is not allowed in the hosts ipc namespace',
    "own",
  ),
  // Security
  refused({ CapAdd: ["FOO"] }, 'invalid CapAdd: unknown capability: "CAP_FOO"'),
  refused({ CapDrop: ["CAP_FOO"] }, 'invalid CapDrop: unknown capability: "CAP_FOO"'),
  good({ CapAdd: ["net_admin"], CapDrop: ["ALL"] }),
  refused({ SecurityOpt: ["foo"] }, 'invalid --security-opt 1: "foo"'),
  refused({ SecurityOpt: ["foo=bar"] }, 'invalid --security-opt 2: "foo=bar"'),
  refused({ SecurityOpt: ["no-new-privileges=x"] }, 'invalid --security-opt 2: "no-new-privileges=x"'),
  refused({ SecurityOpt: ["systempaths=unconfined"] }, 'invalid --security-opt 2: "systempaths=unconfined"'),
  refused(
    { SecurityOpt: ['seccomp={"syscalls":[{"name":"a","names":["b"],"action":"SCMP_ACT_ERRNO"}]}'] },
    "both 'name' and 'names' are specified in the seccomp profile, use either 'name' or 'names'",
    "start",
  ),
  good({ SecurityOpt: ["no-new-privileges", "seccomp=unconfined", "apparmor=x", "label=type:foo", "label=disable"] }),
  refused({ DeviceCgroupRules: ["foo"] }, "invalid device cgroup rule format: 'foo'", "start"),
  refused({ DeviceCgroupRules: ["c 1:* q"] }, "invalid device cgroup rule format: 'c 1:* q'", "start"),
  good({ DeviceCgroupRules: ["c 1:2 rwm", "a *:* rwm", "b *:1 r"] }),
  // Logs
  refused({ LogConfig: { Type: "nope" } }, 'error looking up logging plugin nope: plugin "nope" not found'),
  refused({ LogConfig: { Type: "json-file", Config: { foo: "x" } } }, "unknown log opt 'foo' for json-file log driver"),
  refused({ LogConfig: { Config: { mode: "x" } } }, "logger: logging mode not supported: x"),
  refused(
    { LogConfig: { Config: { mode: "non-blocking", "max-buffer-size": "x" } } },
    "error parsing option max-buffer-size: invalid size: 'x'",
  ),
  refused(
    { LogConfig: { Config: { "max-buffer-size": "1m" } } },
    "logger: max-buffer-size option is only supported with 'mode=non-blocking'",
  ),
  refused(
    { LogConfig: { Config: { "max-size": "x" } } },
    "failed to initialize logging driver: invalid size: 'x'",
    "own",
  ),
  refused(
    { LogConfig: { Config: { "max-size": "10m", "max-file": "0" } } },
    "failed to initialize logging driver: max-file cannot be less than 1",
    "own",
  ),
  refused(
    { LogConfig: { Config: { "max-file": "x" } } },
    'failed to initialize logging driver: strconv.Atoi: parsing "x": invalid syntax',
    "own",
  ),
  good({ LogConfig: { Type: "json-file", Config: { "max-size": "1.5m", "max-file": "3" } } }),
  good({ LogConfig: { Type: "none", Config: { a: "b" } } }),
  good({ LogConfig: { Type: "" } }),
  // What is not there yet
  refused({ LogConfig: { Type: "syslog" } }, 'the log driver "syslog" is not implemented yet', "lacks"),
  refused({ LogConfig: { Config: { compress: "true" } } }, 'the log option "compress" is not implemented yet', "lacks"),
  refused(
    { DeviceRequests: [{ Count: -1, Capabilities: [["gpu"]] }] },
    "HostConfig.DeviceRequests (GPUs and CDI devices) is not implemented yet",
    "lacks",
  ),
  refused({ StorageOpt: { size: "10G" } }, "HostConfig.StorageOpt is not implemented yet", "lacks"),
  refused({ Links: ["base:x"] }, "HostConfig.Links (links between containers) is not implemented yet", "lacks"),
  refused({ Cgroup: "x" }, "HostConfig.Cgroup is not implemented yet", "lacks"),
];
