import { isIP } from "node:net";
import { invalid, notImplemented } from "../base/errors.ts";
import type { ContainerConfig, HostConfig } from "../client/endpoints/container-config.ts";

/** Restart policy, and that `--rm` needs none. */
export function checkRestartPolicy({ RestartPolicy, AutoRemove }: HostConfig): void {
  const { Name = "", MaximumRetryCount: count = 0 } = RestartPolicy ?? {};
  const fail = (why: string): never => {
    throw invalid(`invalid restart policy: ${why}`);
  };
  if (Name === "on-failure") {
    if (count < 0) fail("maximum retry count cannot be negative");
  } else if (["", "no", "always", "unless-stopped"].includes(Name)) {
    const negative = count < 0 ? " and cannot be negative" : "";
    if (count !== 0) fail(`maximum retry count can only be used with 'on-failure'${negative}`);
  } else fail(`unknown policy '${Name}'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'`);
  if (AutoRemove && Name !== "" && Name !== "no")
    throw invalid("can't create 'AutoRemove' container with restart policy");
}

/** The modes of the namespaces, each for itself. */
export function checkNamespaceModes(hostConfig: HostConfig): void {
  const { PidMode = "", IpcMode = "", UTSMode = "", CgroupnsMode = "", UsernsMode = "", NetworkMode = "" } = hostConfig;
  const joins = (mode: string): boolean => /^container:./.test(mode);
  if (PidMode !== "" && PidMode !== "host" && !joins(PidMode)) throw invalid(`invalid PID mode: ${PidMode}`);
  if (!["", "none", "private", "shareable", "host"].includes(IpcMode) && !joins(IpcMode))
    throw invalid(`invalid IPC mode: ${IpcMode}`);
  if (UTSMode !== "" && UTSMode !== "host") throw invalid(`invalid UTS mode: ${UTSMode}`);
  if (!["", "private", "host"].includes(CgroupnsMode)) throw invalid(`invalid cgroup namespace mode: ${CgroupnsMode}`);
  if (UsernsMode !== "" && UsernsMode !== "host") throw invalid(`invalid user namespace mode: ${UsernsMode}`);
  if (NetworkMode === "container:") throw invalid("invalid network mode: invalid container format container:<name|id>");
}

/** What cannot go together with the network mode or with the host's UTS namespace. */
export function checkNetworkConflicts(
  config: ContainerConfig,
  hostConfig: HostConfig,
  warn: (text: string) => void,
): void {
  const { NetworkMode: mode = "", UTSMode } = hostConfig;
  const conflict = (what: string): never => {
    throw invalid(`conflicting options: ${what}`);
  };
  const ports = Object.keys(hostConfig.PortBindings ?? {}).length > 0;
  if (UTSMode === "host" && config.Hostname) conflict("hostname and the UTS mode");
  if (UTSMode === "host" && config.Domainname) conflict("domain name and the UTS mode");
  if (mode === "host") {
    if (hostConfig.Links?.length)
      conflict("host type networking can't be used with links. This would result in undefined behavior");
    if (ports) warn("Published ports are discarded when using host network mode");
  }
  if (!mode.startsWith("container:")) return;
  if (config.Hostname) conflict("hostname and the network mode");
  if (hostConfig.Links?.length)
    conflict("container type network can't be used with links. This would result in undefined behavior");
  if (hostConfig.Dns?.length) conflict("dns and the network mode");
  if (hostConfig.ExtraHosts?.length) conflict("custom host-to-IP mapping and the network mode");
  if (ports || hostConfig.PublishAllPorts) conflict("port publishing and the container type network mode");
  if (Object.keys(config.ExposedPorts ?? {}).length > 0) conflict("port exposing and the container type network mode");
}

/** Name servers and additional hosts. */
export function checkNames({ Dns = [], ExtraHosts = [] }: HostConfig): void {
  for (const server of Dns) if (isIP(server.split("%")[0]!) === 0) throw invalid(`bad nameserver address ${server}`);
  for (const line of ExtraHosts) {
    const at = line.indexOf(":");
    const [host, address] = [line.slice(0, at), line.slice(at + 1)];
    if (at <= 0) throw invalid(`bad format for add-host: ${JSON.stringify(line)}`);
    const bare = address.replace(/^\[(.*)\]$/, "$1");
    if (host === "" || (address !== "host-gateway" && isIP(bare) === 0))
      throw invalid(`invalid IP address in add-host: ${JSON.stringify(address)}`);
  }
}

const ipcParameters = new Set(
  ["msgmax", "msgmnb", "msgmni", "sem", "shmall", "shmmax", "shmmni", "shm_rmid_forced"].map(
    (name) => `kernel.${name}`,
  ),
);

/** Kernel parameters: only those of a namespace that is the container's own (the OCI runtimes' rule). */
export function checkSysctls({ Sysctls = {}, NetworkMode = "", IpcMode, UTSMode }: HostConfig): void {
  for (const given of Object.keys(Sysctls)) {
    const name = given.includes("/") ? given.replaceAll("/", ".") : given;
    const sysctl = `sysctl ${JSON.stringify(given)}`;
    if (ipcParameters.has(name) || name.startsWith("fs.mqueue.")) {
      if (IpcMode === "host") throw invalid(`${sysctl} is not allowed in the hosts ipc namespace`);
    } else if (name.startsWith("net.")) {
      if (NetworkMode === "host") throw invalid(`${sysctl} not allowed in host network namespace`);
    } else if (name !== "kernel.domainname" || UTSMode === "host")
      throw invalid(`${sysctl} is not in a separate kernel namespace`);
  }
}

const ulimits = new Set(
  "as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack".split(" "),
);

/** `--ulimit`; -1 is no limit. */
export function checkUlimits({ Ulimits = [] }: HostConfig): void {
  for (const { Name = "", Soft = 0, Hard = 0 } of Ulimits) {
    if (!ulimits.has(Name.toLowerCase())) throw invalid(`invalid ulimit type: ${Name}`);
    const above = Soft < 0 ? Hard >= 0 : Hard >= 0 && Soft > Hard;
    if (above) throw invalid(`ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`);
  }
}

/** Log drivers that Docker has and this engine does not. */
const otherLogs = "local syslog journald gelf fluentd awslogs splunk gcplogs etwlogs".split(" ");
const jsonFileOptions =
  "max-size max-file compress labels labels-regex env env-regex tag mode max-buffer-size cache-disabled cache-max-size cache-max-file cache-compress".split(
    " ",
  );

/** The log driver and its options: `json-file` (also the default) and `none` are there. */
export function checkLogConfig({ LogConfig }: HostConfig): void {
  const { Type = "", Config = {} } = LogConfig ?? {};
  if (Type === "none") return;
  if (otherLogs.includes(Type)) throw notImplemented(`the log driver ${JSON.stringify(Type)} is not implemented yet`);
  if (Type !== "" && Type !== "json-file")
    throw invalid(`error looking up logging plugin ${Type}: plugin ${JSON.stringify(Type)} not found`);
  for (const name of Object.keys(Config))
    if (!jsonFileOptions.includes(name)) throw invalid(`unknown log opt '${name}' for json-file log driver`);
  checkLogMode(Config);
  checkLogSizes(Config);
  for (const name of ["compress", "labels", "labels-regex", "env", "env-regex", "tag"])
    if (Config[name] !== undefined && Config[name] !== "" && Config[name] !== "false")
      throw notImplemented(`the log option ${JSON.stringify(name)} is not implemented yet`);
}

function checkLogMode(options: Readonly<Record<string, string>>): void {
  const mode = options["mode"] ?? "";
  const buffer = options["max-buffer-size"];
  if (!["", "blocking", "non-blocking"].includes(mode)) throw invalid(`logger: logging mode not supported: ${mode}`);
  if (buffer === undefined) return;
  if (mode !== "non-blocking")
    throw invalid("logger: max-buffer-size option is only supported with 'mode=non-blocking'");
  if (sizeOf(buffer) === undefined) throw invalid(`error parsing option max-buffer-size: invalid size: '${buffer}'`);
}

function checkLogSizes(options: Readonly<Record<string, string>>): void {
  const fail = (why: string): never => {
    throw invalid(`failed to initialize logging driver: ${why}`);
  };
  const size = options["max-size"];
  const files = options["max-file"];
  if (size !== undefined && size !== "-1" && sizeOf(size) === undefined) fail(`invalid size: '${size}'`);
  if (files === undefined) return;
  if (!/^[+-]?\d+$/.test(files)) fail(`strconv.Atoi: parsing ${JSON.stringify(files)}: invalid syntax`);
  if (Number(files) < 1) fail("max-file cannot be less than 1");
}

/** Bytes of `10m`, `1.5 GiB` and their like (Docker's go-units, binary); undefined where it is no size. */
function sizeOf(text: string): number | undefined {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?) ?([kmgtp]?)i?b?$/i.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * 1024 ** " kmgtp".indexOf(unit.toLowerCase() || " ");
}
