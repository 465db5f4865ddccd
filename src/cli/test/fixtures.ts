import type { Answers } from "./fake-engine.ts";

const id = (digit: string): string => digit.repeat(64);
const sha = (digit: string): string => `sha256:${id(digit)}`;

const web = {
  Id: id("a"),
  Names: ["/web"],
  Image: "nginx:1.27",
  ImageID: sha("1"),
  Command: "/docker-entrypoint.sh nginx -g 'daemon off;'",
  Created: 1700000000,
  Ports: [
    { IP: "0.0.0.0", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
    { IP: "::", PrivatePort: 80, PublicPort: 8080, Type: "tcp" },
    { IP: "0.0.0.0", PrivatePort: 9000, PublicPort: 9000, Type: "udp" },
    { IP: "0.0.0.0", PrivatePort: 9001, PublicPort: 9001, Type: "udp" },
    { IP: "0.0.0.0", PrivatePort: 9003, PublicPort: 9003, Type: "udp" },
    { IP: "127.0.0.1", PrivatePort: 81, PublicPort: 32768, Type: "tcp" },
    { PrivatePort: 99, Type: "tcp" },
    { PrivatePort: 100, Type: "tcp" },
  ],
  SizeRw: 1234567,
  SizeRootFs: 187654321,
  Labels: { "com.example.some-name": "x", b: "2", a: "1" },
  State: "running",
  Status: "Up 3 hours",
  HostConfig: { NetworkMode: "bridge" },
  NetworkSettings: { Networks: { bridge: {} } },
  Mounts: [
    { Type: "volume", Name: "a-volume-with-a-long-name", Source: "/v", Destination: "/d", Driver: "local", Mode: "", RW: true, Propagation: "" },
    { Type: "bind", Source: "/tmp", Destination: "/x", Mode: "", RW: true, Propagation: "" },
  ],
};

const others = [
  { ...web, Id: id("b"), Names: ["/other", "/web/link"], Image: sha("2"), ImageID: sha("2"), Command: "true", Ports: [], Labels: {}, Mounts: [], State: "exited", Status: "Exited (0) 2 days ago", SizeRw: 0, SizeRootFs: 0, NetworkSettings: { Networks: {} } },
  { ...web, Id: id("c"), Names: ["/digest"], Image: `repo/x:1@${sha("3")}`, ImageID: sha("3"), Command: "sh -c \"echo é\"", Ports: null, Labels: null, Mounts: [], State: "created", Status: "Created", SizeRw: 12 },
];

const images = [
  { Id: sha("1"), ParentId: "", RepoTags: ["nginx:1.27", "nginx:latest"], RepoDigests: [`nginx@${sha("d")}`], Created: 1700000000, Size: 187654321, SharedSize: -1, Labels: null, Containers: -1 },
  { Id: sha("2"), ParentId: "", RepoTags: [], RepoDigests: [], Created: 1600000000, Size: 999, SharedSize: 12, Labels: {}, Containers: 2 },
  { Id: sha("3"), ParentId: "", RepoTags: [], RepoDigests: [`quay.io/x/y@${sha("e")}`], Created: 0, Size: 1000000, SharedSize: 0, Labels: {}, Containers: 0 },
  { Id: sha("4"), ParentId: "", RepoTags: ["localhost:5000/nginx:1.27"], RepoDigests: [], Created: 1650000000, Size: 4200000, SharedSize: -1, Labels: {}, Containers: -1 },
];

const networks = ["net10", "net2", "bridge"].map((Name, index) => ({
  Name,
  Id: id(String(index)),
  Created: ["2024-03-01T10:20:30.123456789Z", "2024-03-01T10:20:30.1Z", "2024-03-01T10:20:30Z"][index],
  Scope: "local",
  Driver: index === 2 ? "bridge" : "macvlan",
  EnableIPv4: true,
  EnableIPv6: index === 1,
  IPAM: { Driver: "default", Options: {}, Config: [{ Subnet: "172.18.0.0/16", Gateway: "172.18.0.1" }] },
  Internal: index === 0,
  Attachable: false,
  Ingress: false,
  ConfigFrom: { Network: "" },
  ConfigOnly: false,
  Containers: {},
  Options: { "com.docker.network.driver.mtu": "1500" },
  Labels: { z: "1" },
}));

const volumes = ["v10", "v2"].map((Name) => ({
  Name,
  Driver: "local",
  Mountpoint: `/var/lib/volumes/${Name}/_data`,
  CreatedAt: "2024-03-01T10:20:30Z",
  Labels: { k: "v" },
  Scope: "local",
  Options: null,
}));

const history = [
  { Id: sha("1"), Created: 1700000000, CreatedBy: "CMD [\"nginx\" \"-g\" \"daemon off;\"] and something that is long", Tags: ["nginx:1.27"], Size: 0, Comment: "buildkit.dockerfile.v0" },
  { Id: "<missing>", Created: 1600000000, CreatedBy: "/bin/sh -c #(nop) ADD file:1\tin / ", Tags: null, Size: 74812345, Comment: "" },
];

const container = {
  Id: id("a"),
  Created: "2024-03-01T10:20:30.123456789Z",
  Path: "/docker-entrypoint.sh",
  Args: ["nginx", "-g", "daemon off;"],
  State: { Status: "running", Running: true, Paused: false, Restarting: false, OOMKilled: false, Dead: false, Pid: 4242, ExitCode: 0, Error: "", StartedAt: "2024-03-01T10:20:31Z", FinishedAt: "0001-01-01T00:00:00Z" },
  Image: sha("1"),
  ResolvConfPath: "/r",
  HostnamePath: "/h",
  HostsPath: "/hosts",
  LogPath: "/log",
  Name: "/web",
  RestartCount: 0,
  Driver: "overlay2",
  Platform: "linux",
  MountLabel: "",
  ProcessLabel: "",
  AppArmorProfile: "",
  ExecIDs: null,
  HostConfig: {
    Binds: null,
    ContainerIDFile: "",
    LogConfig: { Type: "json-file", Config: {} },
    NetworkMode: "bridge",
    PortBindings: { "80/tcp": [{ HostIp: "", HostPort: "8080" }] },
    RestartPolicy: { Name: "on-failure", MaximumRetryCount: 3 },
    AutoRemove: false,
    CapAdd: ["NET_ADMIN"],
    CapDrop: null,
    Memory: 536870912,
    NanoCpus: 1500000000,
    MemorySwappiness: null,
    PidsLimit: null,
    Privileged: false,
    Ulimits: [],
  },
  GraphDriver: { Name: "overlay2", Data: { UpperDir: "/u", LowerDir: "/l" } },
  Mounts: [{ Type: "bind", Source: "/tmp", Destination: "/x", Mode: "ro", RW: false, Propagation: "rprivate" }],
  Config: {
    Hostname: "aaaaaaaaaaaa",
    User: "",
    Tty: false,
    Env: ["PATH=/usr/bin:/bin", "A=<b>&c"],
    Cmd: ["nginx", "-g", "daemon off;"],
    Image: "nginx:1.27",
    Volumes: null,
    WorkingDir: "",
    Entrypoint: ["/docker-entrypoint.sh"],
    OnBuild: null,
    Labels: { maintainer: "someone <x@y.z>", "com.example.x": "1" },
    ExposedPorts: { "80/tcp": {} },
  },
  NetworkSettings: {
    Bridge: "",
    SandboxID: id("5"),
    SandboxKey: "/n",
    Ports: { "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "8080" }, { HostIp: "::", HostPort: "8080" }], "99/tcp": null },
    IPAddress: "172.17.0.2",
    Gateway: "172.17.0.1",
    MacAddress: "02:42:ac:11:00:02",
    Networks: { bridge: { IPAMConfig: null, Links: null, Aliases: null, NetworkID: id("6"), IPAddress: "172.17.0.2", Gateway: "172.17.0.1", IPPrefixLen: 16 } },
  },
};

const version = {
  Platform: { Name: "An Engine" },
  Components: [
    { Name: "Engine", Version: "28.1.0", Details: { ApiVersion: "1.50", Arch: "amd64", BuildTime: "2025-05-03T12:07:14.000000000+00:00", Experimental: "false", GitCommit: "abc", GoVersion: "go1.24", KernelVersion: "6.1", MinAPIVersion: "1.24", Os: "linux" } },
    { Name: "runc", Version: "1.3", Details: { GitCommit: "v1.3-0", Another: "x" } },
  ],
  Version: "28.1.0",
  ApiVersion: "1.50",
  MinAPIVersion: "1.24",
  GitCommit: "abc",
  GoVersion: "go1.24",
  Os: "linux",
  Arch: "amd64",
  KernelVersion: "6.1",
  BuildTime: "2025-05-03T12:07:14.000000000+00:00",
};

const info = {
  ID: "an-id", Containers: 3, ContainersRunning: 1, ContainersPaused: 0, ContainersStopped: 2, Images: 4, Driver: "overlay2",
  DriverStatus: [["Backing Filesystem", "extfs"], ["Supports d_type", "true"]],
  Plugins: { Volume: ["local"], Network: ["bridge", "host"], Authorization: null, Log: ["json-file", "local"] },
  MemoryLimit: true, SwapLimit: true, CpuCfsPeriod: true, CpuCfsQuota: true, CPUShares: true, CPUSet: true, PidsLimit: true, IPv4Forwarding: true,
  Debug: false, NFd: 10, OomKillDisable: true, NGoroutines: 20, SystemTime: "2025-05-03T12:07:14Z", LoggingDriver: "json-file", CgroupDriver: "cgroupfs", CgroupVersion: "2",
  NEventsListener: 0, KernelVersion: "6.1", OperatingSystem: "Debian", OSVersion: "12", OSType: "linux", Architecture: "x86_64", IndexServerAddress: "https://index.docker.io/v1/",
  RegistryConfig: { IndexConfigs: { "docker.io": { Name: "docker.io", Mirrors: [], Secure: true, Official: true }, "reg:5000": { Name: "reg:5000", Mirrors: [], Secure: false, Official: false } }, InsecureRegistryCIDRs: ["127.0.0.0/8"], Mirrors: ["https://mirror/"] },
  NCPU: 2, MemTotal: 25276514304, GenericResources: null, DockerRootDir: "/var/lib/x", HttpProxy: "http://p", HttpsProxy: "", NoProxy: "", Name: "host", Labels: ["a=b"], ExperimentalBuild: false,
  ServerVersion: "28.1.0", Runtimes: { runc: { path: "runc" }, crun: { path: "crun" } }, DefaultRuntime: "runc",
  Swarm: { NodeID: "", NodeAddr: "", LocalNodeState: "inactive", ControlAvailable: false, Error: "", RemoteManagers: null },
  LiveRestoreEnabled: true, Isolation: "", InitBinary: "docker-init", ContainerdCommit: { ID: "c" }, RuncCommit: { ID: "r" }, InitCommit: { ID: "i" },
  SecurityOptions: ["name=apparmor", "name=seccomp,profile=builtin", "name=cgroupns"], CDISpecDirs: [], Warnings: ["WARNING: something"],
};

const events = [
  { status: "create", id: id("a"), from: "nginx", Type: "container", Action: "create", Actor: { ID: id("a"), Attributes: { name: "web", image: "nginx" } }, scope: "local", time: 1700000000, timeNano: 1700000000123456800 },
  { Type: "network", Action: "connect", Actor: { ID: id("6"), Attributes: { container: id("a"), name: "bridge", type: "bridge" } }, scope: "local", time: 1700000001, timeNano: 1700000001000000000 },
  { Type: "volume", Action: "prune", Actor: { ID: "", Attributes: {} }, scope: "local", time: 1700000002, timeNano: 1700000002500000000 },
];

const top = { Titles: ["UID", "PID", "CMD"], Processes: [["root", "1", "nginx: master process"], ["www-data-with-a-long-name", "22", "nginx"]] };

const disk = {
  LayersSize: 187654321,
  Images: images.map((image, index) => ({ ...image, SharedSize: index * 10, Containers: index % 2 })),
  Containers: [web, ...others],
  Volumes: volumes.map((volume, index) => ({ ...volume, UsageData: { Size: 1000 * (index + 1), RefCount: index } })),
  BuildCache: [],
  BuilderSize: 0,
};

const image = {
  Id: sha("1"), RepoTags: ["nginx:1.27"], RepoDigests: [], Parent: "", Comment: "", Created: "2024-03-01T10:20:30Z", DockerVersion: "", Author: "",
  Config: { Env: ["PATH=/bin"], Cmd: ["sh"], Labels: null, Entrypoint: null }, Architecture: "amd64", Os: "linux", Size: 187654321,
  GraphDriver: { Name: "overlay2", Data: null }, RootFS: { Type: "layers", Layers: [sha("7")] }, Metadata: { LastTagTime: "2024-03-01T10:20:30Z" },
};

/** An engine with a bit of everything. */
export const engine: Answers = {
  "GET /containers/json": [web, ...others],
  "GET /images/json": images,
  "GET /networks": networks,
  "GET /volumes": { Volumes: volumes, Warnings: null },
  "GET /images/nginx/history": history,
  "GET /containers/web/json": container,
  [`GET /containers/${id("a")}/json`]: container,
  "GET /images/nginx/json": image,
  "GET /networks/net2": networks[1],
  "GET /volumes/v2": volumes[1],
  "GET /version": version,
  "GET /info": info,
  "GET /events": events.map((event) => `${JSON.stringify(event)}\n`).join(""),
  "GET /containers/web/top": top,
  "GET /system/df": disk,
  "POST /containers/create": { Id: id("9"), Warnings: ["a warning"] },
  "POST /containers/web/rename": "",
  "POST /containers/web/stop": "",
  "POST /containers/web/restart": "",
  "POST /containers/web/kill": "",
  "POST /containers/web/start": "",
  "DELETE /containers/web": "",
  "POST /containers/web/wait": { StatusCode: 3 },
  "DELETE /images/nginx": [{ Untagged: "nginx:latest" }, { Deleted: sha("1") }],
  "POST /images/nginx/tag": "",
  "POST /networks/create": { Id: id("8"), Warning: "" },
  "DELETE /networks/net2": "",
  "POST /networks/net2/connect": "",
  "POST /networks/net2/disconnect": "",
  "POST /volumes/create": volumes[0],
  "DELETE /volumes/v2": "",
  "POST /containers/prune": { ContainersDeleted: [id("a"), id("b")], SpaceReclaimed: 1234567 },
  "POST /images/prune": { ImagesDeleted: [{ Untagged: "x:1" }, { Deleted: sha("2") }], SpaceReclaimed: 42 },
  "POST /networks/prune": { NetworksDeleted: ["net2"] },
  "POST /volumes/prune": { VolumesDeleted: ["v2"], SpaceReclaimed: 1000 },
  "POST /images/create": [
    { status: "Pulling from library/nginx", id: "1.27" },
    { status: "Pulling fs layer", progressDetail: {}, id: "aaaaaaaaaaaa" },
    { status: "Downloading", progressDetail: { current: 10, total: 100 }, progress: "[>  ]", id: "aaaaaaaaaaaa" },
    { status: "Pull complete", progressDetail: {}, id: "aaaaaaaaaaaa" },
    { status: `Digest: ${sha("d")}` },
    { status: "Status: Downloaded newer image for nginx:1.27" },
  ].map((line) => `${JSON.stringify(line)}\r\n`).join(""),
  "POST /images/load": [
    { status: "Loading layer", progressDetail: { current: 10, total: 100 }, id: "bbbbbbbbbbbb" },
    { stream: "Loaded image: nginx:1.27\n" },
  ].map((line) => `${JSON.stringify(line)}\n`).join(""),
};
