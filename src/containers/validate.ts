import { invalid, notImplemented } from "../base/errors.ts";
import type { ContainerConfig, HostConfig } from "../client/endpoints/container-config.ts";
import { normalizeCapabilities } from "../runtime/spec/capabilities.ts";
import { parseDeviceRule } from "../runtime/spec/devices.ts";
import { maskedPaths, readonlyPaths } from "../runtime/spec/paths.ts";
import { compileSeccomp } from "../runtime/spec/seccomp.ts";
import { parseSecurityOptions } from "../runtime/spec/security.ts";
import { type HostLimits, probeLimits } from "./limits-of-host.ts";
import { checkConfig } from "./validate-config.ts";
import {
  checkLogConfig,
  checkNames,
  checkNamespaceModes,
  checkNetworkConflicts,
  checkRestartPolicy,
  checkSysctls,
  checkUlimits,
} from "./validate-options.ts";
import { checkResources } from "./validate-resources.ts";

export interface ValidateInput {
  /** As the user sent it: what comes from the image conflicts with nothing. */
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  /** Names of the OCI runtimes that the engine knows. */
  readonly runtimes: readonly string[];
  /** This host's, unless a test gives others. */
  readonly limits?: HostLimits;
}

export interface Validated {
  /** With Docker's defaults filled in, and without what this host cannot do. */
  readonly hostConfig: HostConfig;
  readonly warnings: readonly string[];
}

const defaultShmSize = 64 * 1024 * 1024;

/**
 * Checks what a container is asked to be, before anything is made. Throws `invalid` in Docker's words (some of which
 * Docker says only at the start) and `notImplemented`, by name, for what is not there yet.
 */
export function validateCreate({ config, hostConfig, runtimes, limits }: ValidateInput): Validated {
  const warnings: string[] = [];
  const warn = (text: string): void => void warnings.push(text);
  checkConfig(config, warn);
  // Kept and shown by inspect; said, because nothing acts on it.
  const [kind] = config.Healthcheck?.Test ?? [];
  if (kind !== undefined && kind !== "NONE")
    warn("Health checks are not there yet: the one given is kept and not run.");
  checkRestartPolicy(hostConfig);
  checkNamespaceModes(hostConfig);
  checkNetworkConflicts(config, hostConfig, warn);
  checkNames(hostConfig);
  checkSysctls(hostConfig);
  checkUlimits(hostConfig);
  checkLogConfig(hostConfig);
  checkSecurity(hostConfig);
  if (hostConfig.Mounts?.some(({ Type }) => Type === "image")) warn("Image mount is an experimental feature");
  checkPlatform(hostConfig, runtimes);
  refuseMissing(hostConfig);
  const host = limits ?? hostLimits();
  return { hostConfig: withDefaults(checkResources(hostConfig, host, warn), host), warnings };
}

let probed: HostLimits | undefined;
function hostLimits(): HostLimits {
  probed ??= probeLimits();
  return probed;
}

/** Docker's rule for names; returns it without the leading slash that it may have. */
export function validateName(name: string): string {
  if (!/^\/?[a-zA-Z0-9][a-zA-Z0-9_.-]+$/.test(name))
    throw invalid(`Invalid container name (${name}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`);
  return name.replace(/^\//, "");
}

function checkSecurity(hostConfig: HostConfig): void {
  normalizeCapabilities("CapAdd", hostConfig.CapAdd ?? []);
  normalizeCapabilities("CapDrop", hostConfig.CapDrop ?? []);
  const { seccomp } = parseSecurityOptions(hostConfig.SecurityOpt);
  if (typeof seccomp === "object") compileSeccomp([], { arch: process.arch, kernel: [0, 0] }, seccomp.json);
  for (const rule of hostConfig.DeviceCgroupRules ?? []) parseDeviceRule(rule);
}

function checkPlatform(
  { Isolation = "", Runtime = "", Annotations = {} }: HostConfig,
  runtimes: readonly string[],
): void {
  if (Isolation !== "" && Isolation !== "default")
    throw invalid(`invalid isolation (${Isolation}): linux only supports 'default'`);
  if (Runtime !== "" && !runtimes.includes(Runtime)) throw invalid(`unknown or invalid runtime name: ${Runtime}`);
  if (Object.hasOwn(Annotations, ""))
    throw invalid("invalid Annotations: the empty string is not permitted as an annotation key");
}

/** What Docker has and this engine does not have yet is never passed over in silence. */
function refuseMissing(hostConfig: HostConfig): void {
  const refuse = (asked: unknown, what: string): void => {
    if (asked) throw notImplemented(`${what} is not implemented yet`);
  };
  refuse(hostConfig.DeviceRequests?.length, "HostConfig.DeviceRequests (GPUs and CDI devices)");
  refuse(Object.keys(hostConfig.StorageOpt ?? {}).length, "HostConfig.StorageOpt");
  refuse(hostConfig.Links?.length, "HostConfig.Links (links between containers)");
  refuse(hostConfig.Cgroup, "HostConfig.Cgroup");
  refuse(hostConfig.KernelMemoryTCP, "HostConfig.KernelMemoryTCP");
}

const list = (paths: readonly string[] | undefined): string[] | undefined => paths && [...paths];

/** What inspect shows for what the user left open. */
function withDefaults(hostConfig: HostConfig, host: HostLimits): HostConfig {
  const { NetworkMode = "", LogConfig, RestartPolicy } = hostConfig;
  return {
    ...hostConfig,
    NetworkMode: NetworkMode === "" || NetworkMode === "default" ? "bridge" : NetworkMode,
    RestartPolicy: { Name: RestartPolicy?.Name || "no", MaximumRetryCount: RestartPolicy?.MaximumRetryCount ?? 0 },
    LogConfig: { Type: LogConfig?.Type || "json-file", Config: LogConfig?.Config ?? {} },
    IpcMode: hostConfig.IpcMode || "private",
    CgroupnsMode: hostConfig.CgroupnsMode || (host.cgroup === "v2" ? "private" : "host"),
    ShmSize: hostConfig.ShmSize || defaultShmSize,
    MaskedPaths: hostConfig.MaskedPaths ?? list(maskedPaths(hostConfig, host)),
    ReadonlyPaths: hostConfig.ReadonlyPaths ?? list(readonlyPaths(hostConfig)),
  };
}
