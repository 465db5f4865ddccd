import type { Container } from "../../containers/containers.ts";
import type { Image } from "../../images/images.ts";
import type { Network } from "../../networks/networks.ts";
import type { Volume } from "../../volumes/volumes.ts";
import type { SystemInfo } from "../system.ts";

/** Objects as the services hand them out, for tests of the HTTP face. */
const hex = (digit: string): string => digit.repeat(64);

export const image: Image = {
  id: `sha256:${hex("a")}`,
  config: {
    os: "linux",
    architecture: "amd64",
    created: "2026-01-02T03:04:05.678901234Z",
    config: { Cmd: ["sh"], Labels: { kind: "small" } },
    rootfs: { type: "layers", diff_ids: [`sha256:${hex("b")}`] },
    history: [{ created: "2026-01-02T03:04:05Z", created_by: "import", comment: "Imported from -" }],
  },
  manifest: { mediaType: "application/vnd.oci.image.manifest.v1+json", digest: `sha256:${hex("c")}`, size: 400 },
  tags: ["busybox:latest"],
  digests: [`busybox@sha256:${hex("c")}`],
  size: 1982312,
  lastTagged: 1_795_348_730_384_266_000,
};

export const bridge: Network = {
  id: hex("1"),
  name: "bridge",
  driver: "bridge",
  scope: "local",
  created: "2026-01-01T00:00:00.5Z",
  internal: false,
  attachable: false,
  enableIPv4: true,
  enableIPv6: false,
  ipam: { driver: "default", config: [{ subnet: "172.17.0.0/16", gateway: "172.17.0.1" }] },
  options: { "com.docker.network.driver.mtu": "1500" },
  labels: {},
};

export const volume: Volume = {
  name: "vol1",
  driver: "local",
  mountpoint: "/data/volumes/vol1/_data",
  labels: {},
  options: {},
  scope: "local",
  createdAt: "2026-01-01T00:00:00Z",
  anonymous: false,
};

export const running: Container = {
  id: hex("d"),
  name: "web",
  created: "2026-01-03T00:00:00.123456789Z",
  image: image.id,
  imageName: "busybox",
  platform: { os: "linux", architecture: "amd64" },
  config: {
    Hostname: "dddddddddddd",
    Cmd: ["httpd", "-f", "-h", "/a b"],
    Image: "busybox",
    Env: ["A=b"],
    ExposedPorts: { "80/tcp": {}, "81/tcp": {} },
    Labels: { tier: "front" },
  },
  hostConfig: {
    NetworkMode: "bridge",
    Binds: ["vol1:/data"],
    PortBindings: { "80/tcp": [{ HostIp: "", HostPort: "8080" }] },
  },
  networking: {},
  mounts: [
    {
      type: "volume",
      name: "vol1",
      source: "/data/volumes/vol1/_data",
      destination: "/data",
      driver: "local",
      mode: "z",
      rw: true,
      propagation: "",
    },
  ],
  path: "httpd",
  args: ["-f", "-h", "/a b"],
  state: {
    status: "running",
    pid: 4242,
    exitCode: 0,
    oomKilled: false,
    error: "",
    startedAt: "2026-01-03T00:00:01Z",
    finishedAt: "0001-01-01T00:00:00Z",
  },
  sandbox: {
    id: hex("d"),
    containerName: "web",
    kind: "own",
    namespace: "/run/netns/d",
    endpoints: [
      {
        id: hex("e"),
        networkId: bridge.id,
        networkName: "bridge",
        request: { network: "bridge" },
        ifname: "eth0",
        mac: "02:42:ac:11:00:02",
        ipv4: "172.17.0.2/16",
        gateway4: "172.17.0.1",
        dnsNames: [],
      },
    ],
    ports: [
      { containerPort: 80, protocol: "tcp", hostIp: "0.0.0.0", hostPort: 8080 },
      { containerPort: 80, protocol: "tcp", hostIp: "::", hostPort: 8080 },
    ],
    hostsFile: "",
    hostNames: "web",
    resolvConf: "",
  },
  restartCount: 0,
  stoppedByUser: false,
  execIds: [],
};

export const exited: Container = {
  ...running,
  id: hex("f"),
  name: "job",
  created: "2026-01-02T00:00:00Z",
  config: { Cmd: ["false"], Image: "busybox" },
  hostConfig: {},
  mounts: [],
  path: "false",
  args: [],
  state: { ...running.state, status: "exited", pid: 0, exitCode: 1, finishedAt: "2026-01-02T00:00:02Z" },
  sandbox: undefined,
};

export const system: SystemInfo = {
  facts: {
    id: "7a2f8d1e-0000-4000-8000-000000000000",
    version: "0.1.0",
    gitCommit: "abc",
    buildTime: "2026-01-01T00:00:00Z",
    dataRoot: "/data",
    storageDriver: "overlay2",
    storageStatus: [["Backing Filesystem", "extfs"]],
    volumeDrivers: ["local"],
    networkDrivers: ["bridge", "host", "null"],
    logDrivers: ["json-file"],
    runtimes: { crun: "/usr/bin/crun" },
    defaultRuntime: "crun",
    initBinary: "",
    components: [{ name: "crun", version: "1.28" }],
    labels: [],
    insecureRegistries: ["10.0.0.0/8", "registry.test:5000"],
    registryMirrors: [],
    securityOptions: ["name=seccomp,profile=builtin"],
    debug: false,
  },
  host: async () => ({
    hostname: "vm",
    kernelVersion: "6.18.0",
    operatingSystem: "Debian GNU/Linux 12 (bookworm)",
    osVersion: "12",
    machine: "x86_64",
    cpus: 2,
    memory: 4 * 1024 ** 3,
    cgroupDriver: "cgroupfs",
    cgroupVersion: "2",
    ipv4Forwarding: true,
    limits: { memory: true, swap: true, cpu: true, cpuset: true, pids: true, oomKillDisable: false },
    openFiles: 30,
    warnings: [],
  }),
  container: ({ id }) => ({
    resolvConf: `/run/${id}/resolv.conf`,
    hostname: `/run/${id}/hostname`,
    hosts: `/run/${id}/hosts`,
    log: `/data/containers/${id}/${id}-json.log`,
    graph: { name: "overlay2", data: { UpperDir: "/data/snapshots/upper" } },
  }),
  image: () => ({ name: "overlay2", data: { UpperDir: "/data/snapshots/layer" } }),
  layersSize: async () => image.size,
  volumeSize: async () => 4096,
};
