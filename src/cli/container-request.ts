import type { ContainerConfig, HostConfig, Mount, NetworkingConfig } from "../client/endpoints/container-config.ts";
import type { Flags } from "./flags.ts";
import { toMap } from "./parse/csv.ts";
import { readEnvFile, readLabelFile } from "./parse/env.ts";
import { parseTmpfs, parseVolumes } from "./parse/mounts.ts";
import { checkMac, endpointOf, joinNetworkFlags, type NetworkRequest } from "./parse/network.ts";
import {
  checkMode,
  parseCapabilities,
  parseLogOptions,
  parseRestart,
  parseSecurity,
  parseStorageOptions,
} from "./parse/policies.ts";
import { parsePorts } from "./parse/ports.ts";
import { isCdiDevice, parseDevice } from "./parse/resources.ts";

/** What `create` sends. */
export interface ContainerRequest {
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  readonly networkingConfig: NetworkingConfig;
}

type Draft<T> = { -readonly [K in keyof T]: T[K] };

/** The request that the flags and words of `run` or `create` mean. Throws an Error with Docker's words. */
export function containerRequest(flags: Flags, [image, ...command]: readonly string[]): ContainerRequest {
  if (flags.changed("mac-address")) checkMac(flags.string("mac-address"));
  const swappiness = flags.number("memory-swappiness");
  if (swappiness !== -1 && (swappiness < 0 || swappiness > 100))
    throw new Error(`invalid value: ${swappiness}. Valid memory swappiness range is 0-100`);
  const ports = parsePorts(flags.list("publish"), flags.list("expose"));
  const volumes = parseVolumes(flags.list("volume"));
  const config: ContainerConfig = {
    ...streams(flags),
    ...identity(flags),
    Image: image,
    ...(command.length > 0 && { Cmd: command }),
    ...(flags.changed("entrypoint") && { Entrypoint: [flags.string("entrypoint")] }),
    Env: [...flags.list("env-file").flatMap((path) => readEnvFile(path)), ...flags.list("env")],
    ...(Object.keys(ports.exposed).length > 0 && { ExposedPorts: ports.exposed }),
    ...(Object.keys(volumes.anonymous).length > 0 && { Volumes: volumes.anonymous }),
    ...healthcheck(flags),
  };
  const hostConfig = hostConfigOf(flags, volumes.binds);
  if (Object.keys(ports.bindings).length > 0) hostConfig.PortBindings = ports.bindings;
  return { config, hostConfig, networkingConfig: networking(flags, hostConfig) };
}

function streams(flags: Flags): ContainerConfig {
  const attach = flags.list("attach");
  const open = flags.bool("interactive");
  const AttachStdin = open || attach.includes("stdin");
  return {
    AttachStdin,
    AttachStdout: attach.length === 0 || attach.includes("stdout"),
    AttachStderr: attach.length === 0 || attach.includes("stderr"),
    Tty: flags.bool("tty"),
    OpenStdin: open,
    StdinOnce: open && AttachStdin,
  };
}

function identity(flags: Flags): ContainerConfig {
  const labels = toMap([...flags.list("label-file").flatMap(readLabelFile), ...flags.list("label")]);
  return {
    Labels: labels,
    ...given(flags, { hostname: "Hostname", domainname: "Domainname", user: "User", workdir: "WorkingDir" }),
    ...given(flags, { "stop-signal": "StopSignal", "stop-timeout": "StopTimeout" }),
  };
}

/** The flags that were given, under the names of the API. */
function given(flags: Flags, names: Readonly<Record<string, string>>): Record<string, unknown> {
  const entries = Object.entries(names).filter(([flag]) => flags.changed(flag));
  return Object.fromEntries(entries.map(([flag, name]) => [name, flags.get(flag)]));
}

/** As {@link given}, for lists: those with something in them. */
function filled(flags: Flags, names: Readonly<Record<string, string>>): Record<string, unknown> {
  const entries = Object.entries(names).filter(([flag]) => flags.list(flag).length > 0);
  return Object.fromEntries(entries.map(([flag, name]) => [name, flags.list(flag)]));
}

function healthcheck(flags: Flags): ContainerConfig {
  const names = ["cmd", "interval", "retries", "start-interval", "start-period", "timeout"].map((n) => `health-${n}`);
  const asked = names.filter((name) => flags.get(name) !== 0 && flags.get(name) !== "");
  if (flags.bool("no-healthcheck")) {
    if (asked.length > 0) throw new Error("--no-healthcheck conflicts with --health-* options");
    return { Healthcheck: { Test: ["NONE"] } };
  }
  for (const name of asked)
    if (typeof flags.get(name) === "number" && flags.number(name) < 0) throw new Error(`--${name} cannot be negative`);
  if (asked.length === 0) return {};
  const command = flags.string("health-cmd");
  return {
    Healthcheck: {
      ...(command !== "" && { Test: ["CMD-SHELL", command] }),
      Interval: flags.number("health-interval"),
      Timeout: flags.number("health-timeout"),
      Retries: flags.number("health-retries"),
      StartPeriod: flags.number("health-start-period"),
      StartInterval: flags.number("health-start-interval"),
    },
  };
}

function hostConfigOf(flags: Flags, binds: string[]): Draft<HostConfig> {
  const restart = parseRestart(flags.string("restart"));
  if (flags.bool("rm") && !["no", ""].includes(restart.Name))
    throw new Error("conflicting options: cannot specify both --restart and --rm");
  const security = parseSecurity(flags.list("security-opt"));
  const { options, ...paths } = security;
  return {
    ...(binds.length > 0 && { Binds: binds }),
    ContainerIDFile: flags.string("cidfile"),
    LogConfig: parseLogOptions(flags.string("log-driver"), flags.list("log-opt")),
    RestartPolicy: restart,
    AutoRemove: flags.bool("rm"),
    Privileged: flags.bool("privileged"),
    PublishAllPorts: flags.bool("publish-all"),
    ReadonlyRootfs: flags.bool("read-only"),
    ...(options.length > 0 && { SecurityOpt: options }),
    ...(paths.maskedPaths && { MaskedPaths: paths.maskedPaths, ReadonlyPaths: paths.readonlyPaths }),
    ...modes(flags),
    ...maps(flags),
    ...resources(flags),
    ...given(flags, { "volume-driver": "VolumeDriver", runtime: "Runtime", isolation: "Isolation", init: "Init" }),
    ...given(flags, { "shm-size": "ShmSize", "oom-score-adj": "OomScoreAdj", ipc: "IpcMode" }),
    ...filled(flags, { "volumes-from": "VolumesFrom", dns: "Dns" }),
    ...filled(flags, { "dns-search": "DnsSearch", "group-add": "GroupAdd", link: "Links" }),
    ...filled(flags, { "add-host": "ExtraHosts", mount: "Mounts" }),
    ...parseCapabilities(flags.list("cap-add"), flags.list("cap-drop")),
    ...dnsOptions(flags),
  } as Draft<HostConfig>;
}

function dnsOptions(flags: Flags): HostConfig {
  const all = [...flags.list("dns-opt"), ...flags.list("dns-option")];
  return all.length > 0 ? { DnsOptions: all } : {};
}

function modes(flags: Flags): HostConfig {
  return {
    PidMode: checkMode("pid", "PID", flags.string("pid"), ["host", "container:"]),
    UTSMode: checkMode("uts", "UTS", flags.string("uts"), ["host"]),
    UsernsMode: checkMode("userns", "USER", flags.string("userns"), ["host"]),
    CgroupnsMode: checkMode("cgroupns", "CGROUP", flags.string("cgroupns"), ["host", "private"]),
  };
}

function maps(flags: Flags): HostConfig {
  const some = (name: string, map: Record<string, string>) => (Object.keys(map).length > 0 ? { [name]: map } : {});
  return {
    ...some("Tmpfs", parseTmpfs(flags.list("tmpfs"))),
    ...some("StorageOpt", parseStorageOptions(flags.list("storage-opt"))),
    ...some("Sysctls", toMap(flags.list("sysctl"))),
    ...some("Annotations", toMap(flags.list("annotation").map(checkAnnotation))),
  };
}

function checkAnnotation(text: string): string {
  if (text.startsWith("=")) throw new Error(`invalid annotation: ${text}`);
  return text;
}

function resources(flags: Flags): HostConfig {
  const devices = flags.list("device");
  const cdi = devices.filter(isCdiDevice);
  const gpus = flags.get<object | undefined>("gpus");
  const requests = [...(gpus ? [gpus] : []), ...(cdi.length > 0 ? [{ Driver: "cdi", DeviceIDs: cdi }] : [])];
  const plain = devices.filter((device) => !isCdiDevice(device)).map(parseDevice);
  return {
    MemorySwappiness: flags.number("memory-swappiness"),
    ...given(flags, {
      "blkio-weight": "BlkioWeight",
      "cgroup-parent": "CgroupParent",
      "cpu-count": "CpuCount",
      "cpu-percent": "CpuPercent",
      "cpu-period": "CpuPeriod",
      "cpu-quota": "CpuQuota",
      "cpu-rt-period": "CpuRealtimePeriod",
      "cpu-rt-runtime": "CpuRealtimeRuntime",
      "cpu-shares": "CpuShares",
      cpus: "NanoCpus",
      "cpuset-cpus": "CpusetCpus",
      "cpuset-mems": "CpusetMems",
      "io-maxbandwidth": "IOMaximumBandwidth",
      "io-maxiops": "IOMaximumIOps",
      memory: "Memory",
      "memory-reservation": "MemoryReservation",
      "memory-swap": "MemorySwap",
      "oom-kill-disable": "OomKillDisable",
      "pids-limit": "PidsLimit",
    }),
    ...filled(flags, {
      "blkio-weight-device": "BlkioWeightDevice",
      "device-cgroup-rule": "DeviceCgroupRules",
      "device-read-bps": "BlkioDeviceReadBps",
      "device-read-iops": "BlkioDeviceReadIOps",
      "device-write-bps": "BlkioDeviceWriteBps",
      "device-write-iops": "BlkioDeviceWriteIOps",
      ulimit: "Ulimits",
    }),
    ...(plain.length > 0 && { Devices: plain }),
    ...(requests.length > 0 && { DeviceRequests: requests }),
  };
}

/** The networks, and in the host configuration the first one's name as the mode. */
function networking(flags: Flags, hostConfig: Draft<HostConfig>): NetworkingConfig {
  const asked = [...flags.get<NetworkRequest[]>("net"), ...flags.get<NetworkRequest[]>("network")];
  const networks = joinNetworkFlags(asked, {
    aliases: [...flags.list("net-alias"), ...flags.list("network-alias")],
    links: flags.list("link"),
    linkLocalIps: flags.list("link-local-ip"),
    ip: flags.string("ip"),
    ip6: flags.string("ip6"),
    mac: flags.string("mac-address"),
  });
  hostConfig.NetworkMode = networks[0]!.target;
  const shared = networks.some(({ target }) => target.startsWith("container:") || target === "host");
  if (networks.length > 1 && shared)
    throw new Error(`conflicting options: cannot attach both user-defined and non-user-defined network-modes`);
  const endpoints = networks.filter(({ target }) => !target.startsWith("container:"));
  const names = endpoints.map(({ target }) => target);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw new Error(`network ${JSON.stringify(twice)} is specified multiple times`);
  return { EndpointsConfig: Object.fromEntries(endpoints.map((own) => [own.target, endpointOf(own)])) };
}

/** The bind of the engine's socket that `--use-api-socket` asks for. */
export function apiSocketMount(host: string): Mount {
  if (!host.startsWith("unix://")) throw new Error(`flag --use-api-socket can't be used with host ${host}`);
  return { Type: "bind", Source: host.slice("unix://".length), Target: "/var/run/docker.sock" };
}
