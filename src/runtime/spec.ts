import { posix } from "node:path";
import { invalid } from "../base/errors.ts";
import type { ContainerConfig, ExecConfig, HostConfig } from "../client/endpoints/container-config.ts";
import type { CapabilitySet, Process, ProcessUser, RuntimeSpec } from "../oci/runtime-spec.ts";
import { effectiveCapabilities } from "./spec/capabilities.ts";
import { type DeviceSource, planDevices } from "./spec/devices.ts";
import { environment } from "./spec/env.ts";
import type { HostFeatures } from "./spec/host.ts";
import { type ContainerFiles, initDestination, type ResolvedMount, specMounts } from "./spec/mounts.ts";
import { namespaces, sysctls } from "./spec/namespaces.ts";
import { maskedPaths, readonlyPaths } from "./spec/paths.ts";
import { rootPropagation } from "./spec/propagation.ts";
import { resources, rlimits } from "./spec/resources.ts";
import { compileSeccomp } from "./spec/seccomp.ts";
import { parseSecurityOptions, type SecurityOptions } from "./spec/security.ts";

export { type DeviceSource, hostDevices } from "./spec/devices.ts";
export { type HostFeatures, probeHost } from "./spec/host.ts";
export type { ContainerFiles, ResolvedMount } from "./spec/mounts.ts";

/** The parent cgroup of every container that asks for no other. */
export const defaultCgroupParent = "/keelson";

/** Everything that decides how a container is run. */
export interface SpecInput {
  readonly id: string;
  /** Merged with the image's. */
  readonly config: ContainerConfig;
  readonly hostConfig: HostConfig;
  /** The mounted root file system. */
  readonly rootfs: string;
  /** The executable and its arguments. */
  readonly args: readonly string[];
  readonly user: ProcessUser;
  /** The home folder of the user's passwd entry: HOME, unless the environment has one. */
  readonly home?: string;
  /** As HOSTNAME shows it; the name of the container's own UTS namespace, where it has one. */
  readonly hostname: string;
  /** The user's mounts with their sources on the host. `HostConfig.Tmpfs` is added here. */
  readonly mounts: readonly ResolvedMount[];
  /** The path of the network namespace. */
  readonly network: string | "host";
  readonly files: ContainerFiles;
  /** Namespaces of other containers (`/proc/<pid>/ns/pid`), for `PidMode` and `IpcMode` `container:…`. */
  readonly joined?: { readonly pid?: string; readonly ipc?: string };
  /** The shared /dev/shm folder on the host, for `IpcMode` `shareable` and `container:…`. */
  readonly shm?: string;
  /** The init binary for `--init`. */
  readonly initPath?: string;
  /** The parent cgroup; `HostConfig.CgroupParent` goes before it, {@link defaultCgroupParent} after. */
  readonly cgroupParent?: string;
  readonly host: HostFeatures;
  /** This machine's own devices, unless a test gives others. */
  readonly devices?: DeviceSource;
}

/** What decides how a further process is run in a container. */
export interface ExecInput
  extends Pick<SpecInput, "config" | "hostConfig" | "user" | "home" | "hostname" | "args" | "host"> {
  readonly exec: ExecConfig;
}

/**
 * The OCI spec of a container, with Docker's defaults. Nothing on the host is changed, and read only where the request
 * names it: devices, and the propagation of mounts that are to be shared. Throws `invalid` in Docker's words.
 */
export function buildSpec(input: SpecInput): RuntimeSpec {
  const { config, hostConfig, host } = input;
  const security = parseSecurityOptions(hostConfig.SecurityOpt);
  const initPath = initOf(input);
  const devices = planDevices(hostConfig, input.devices);
  const process = containerProcess(input, security, initPath);
  const capabilities = process.capabilities?.bounding ?? [];
  const sysctl = sysctls(hostConfig, config.Domainname);
  return {
    ociVersion: "1.0.2",
    process,
    root: { path: input.rootfs, readonly: hostConfig.ReadonlyRootfs ? true : undefined },
    hostname: hostConfig.UTSMode === "host" ? undefined : input.hostname,
    mounts: specMounts({ ...input, initPath, writableCgroups: security.writableCgroups }),
    annotations: hostConfig.Annotations,
    linux: {
      namespaces: namespaces(input),
      devices: devices.devices.length > 0 ? devices.devices : undefined,
      cgroupsPath: cgroupsPath(input),
      resources: resources(hostConfig, devices.rules, host, input.devices),
      seccomp: seccompOf(hostConfig, security, capabilities, host),
      sysctl: Object.keys(sysctl).length > 0 ? sysctl : undefined,
      maskedPaths: maskedPaths(hostConfig, host),
      readonlyPaths: readonlyPaths(hostConfig),
      rootfsPropagation: rootPropagation(input.mounts),
    },
  };
}

/**
 * The OCI process of an exec: what the container's own process may do and has around it, with the exec's command,
 * folder, variables and terminal. `--privileged` gives it every capability.
 */
export function buildExecProcess(input: ExecInput): Process {
  const { config, hostConfig, exec, host } = input;
  const security = parseSecurityOptions(hostConfig.SecurityOpt);
  const tty = exec.Tty ?? false;
  return {
    terminal: tty,
    consoleSize: consoleSize(tty, exec.ConsoleSize),
    user: input.user,
    args: input.args,
    env: environment({ ...input, tty, layers: [config.Env, exec.Env] }),
    cwd: exec.WorkingDir || config.WorkingDir || "/",
    capabilities: capabilitySets(hostConfig, host, exec.Privileged),
    rlimits: rlimits(hostConfig),
    noNewPrivileges: security.noNewPrivileges || undefined,
    oomScoreAdj: hostConfig.OomScoreAdj ?? 0,
    apparmorProfile: host.apparmor ? security.apparmor : undefined,
  };
}

function containerProcess(input: SpecInput, security: SecurityOptions, initPath: string | undefined): Process {
  const { config, hostConfig, host } = input;
  const tty = config.Tty ?? false;
  return {
    terminal: tty,
    consoleSize: consoleSize(tty, hostConfig.ConsoleSize),
    user: input.user,
    args: initPath === undefined ? input.args : [initDestination, "--", ...input.args],
    env: environment({ ...input, tty, layers: [config.Env] }),
    cwd: config.WorkingDir || "/",
    capabilities: capabilitySets(hostConfig, host),
    rlimits: rlimits(hostConfig),
    noNewPrivileges: security.noNewPrivileges || undefined,
    oomScoreAdj: hostConfig.OomScoreAdj ?? 0,
    apparmorProfile: host.apparmor ? security.apparmor : undefined,
  };
}

/** The same in bounding, permitted and effective, none inherited: what Docker gives since 20.10. */
function capabilitySets(
  { CapAdd, CapDrop, Privileged }: HostConfig,
  host: HostFeatures,
  execPrivileged = false,
): Readonly<Record<CapabilitySet, readonly string[]>> {
  const set = effectiveCapabilities(
    { add: CapAdd, drop: CapDrop, privileged: Privileged || execPrivileged },
    host.capabilities,
  );
  return { bounding: set, effective: set, permitted: set, inheritable: [], ambient: [] };
}

function seccompOf(
  { Privileged }: HostConfig,
  { seccomp }: SecurityOptions,
  capabilities: readonly string[],
  host: HostFeatures,
): object | undefined {
  if (seccomp === "unconfined" || Privileged) return undefined;
  if (!host.seccomp) {
    if (seccomp === "default") return undefined;
    throw invalid("seccomp is not enabled in your kernel, cannot run a custom seccomp profile");
  }
  return compileSeccomp(capabilities, host, seccomp === "default" ? undefined : seccomp.json);
}

/** An init of ours would not be the first process of a namespace that others have, so there it is left out (Docker). */
function initOf({ hostConfig, initPath }: SpecInput): string | undefined {
  if (!hostConfig.Init || hostConfig.PidMode) return undefined;
  if (initPath === undefined)
    throw invalid('exec: "docker-init": executable file not found in $PATH: this host has no init binary for --init');
  return initPath;
}

function cgroupsPath({ id, hostConfig, cgroupParent }: SpecInput): string {
  return posix.join("/", hostConfig.CgroupParent || cgroupParent || defaultCgroupParent, id);
}

function consoleSize(tty: boolean, size: readonly number[] | undefined): Process["consoleSize"] {
  const [height = 0, width = 0] = size ?? [];
  return tty && height > 0 && width > 0 ? { height, width } : undefined;
}
