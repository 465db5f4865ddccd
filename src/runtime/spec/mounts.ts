import { statSync } from "node:fs";
import { invalid } from "../../base/errors.ts";
import type { HostConfig } from "../../client/endpoints/container-config.ts";
import type { SpecMount } from "../../oci/runtime-spec.ts";
import type { HostFeatures } from "./host.ts";

/** A mount of the user's, with the host path that it comes from. A container's `MountPoint` fits as it is. */
export interface ResolvedMount {
  readonly type: "bind" | "volume" | "tmpfs" | "image";
  /** On the host; not looked at for tmpfs. */
  readonly source: string;
  readonly destination: string;
  readonly rw: boolean;
  /** Empty: the runtime's default, which is private. */
  readonly propagation: string;
  /** mount(8) options of a tmpfs. */
  readonly options?: readonly string[];
  /** Bind the folder alone, without the mounts below it. */
  readonly nonRecursive?: boolean;
  /** What is mounted below stays writable. */
  readonly readOnlyNonRecursive?: boolean;
  /** Fail where the mounts below cannot be made read-only too. */
  readonly readOnlyForceRecursive?: boolean;
}

/** Host paths of the files that the engine keeps for a container; one that is absent is not mounted. */
export interface ContainerFiles {
  readonly resolvConf?: string;
  readonly hostname?: string;
  readonly hosts?: string;
}

export interface MountRequest {
  readonly hostConfig: HostConfig;
  readonly mounts: readonly ResolvedMount[];
  readonly files: ContainerFiles;
  /** A host folder that several containers share as /dev/shm (`IpcMode` shareable or `container:`). */
  readonly shm?: string;
  readonly initPath?: string;
  readonly writableCgroups?: boolean;
  readonly host: HostFeatures;
}

/** Where the init binary is inside, as in Docker. */
export const initDestination = "/sbin/docker-init";
const defaultShmSize = 64 * 1024 * 1024;

/**
 * Every mount of a container in the order they are made: the file systems of the system first, then the user's, the
 * less deep before the deeper. A user's mount takes the place of a default one at the same path; one at /dev takes the
 * place of all below it, too.
 */
export function specMounts(request: MountRequest): SpecMount[] {
  const user = userMounts(request);
  const taken = new Set(user.map(({ destination }) => destination));
  const defaults = defaultMounts(request).filter(
    ({ destination }) => !taken.has(destination) && !(taken.has("/dev") && destination.startsWith("/dev/")),
  );
  const init = request.initPath
    ? [{ destination: initDestination, type: "bind", source: request.initPath, options: ["bind", "ro"] }]
    : [];
  return [...defaults, ...init, ...user];
}

function defaultMounts({ hostConfig, writableCgroups, shm }: MountRequest): SpecMount[] {
  const quiet = ["nosuid", "noexec", "nodev"];
  const { Privileged, IpcMode, ShmSize } = hostConfig;
  const mounts: SpecMount[] = [
    { destination: "/proc", type: "proc", source: "proc", options: quiet },
    {
      destination: "/dev",
      type: "tmpfs",
      source: "tmpfs",
      options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
    },
    {
      destination: "/dev/pts",
      type: "devpts",
      source: "devpts",
      options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
    },
    { destination: "/sys", type: "sysfs", source: "sysfs", options: Privileged ? quiet : [...quiet, "ro"] },
    {
      destination: "/sys/fs/cgroup",
      type: "cgroup",
      source: "cgroup",
      options: Privileged || writableCgroups ? quiet : ["ro", ...quiet],
    },
    { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: quiet },
  ];
  // The host's, and one shared with other containers, are bound in below.
  const ownShm = !IpcMode || IpcMode === "private" || (IpcMode === "shareable" && shm === undefined);
  return ownShm ? [...mounts, shmMount(ShmSize)] : mounts;
}

function shmMount(size?: number): SpecMount {
  return {
    destination: "/dev/shm",
    type: "tmpfs",
    source: "shm",
    options: ["nosuid", "noexec", "nodev", "mode=1777", `size=${size || defaultShmSize}`],
  };
}

/** The mounts that the user or the engine's own files bring, sorted by depth. */
function userMounts(request: MountRequest): SpecMount[] {
  const { hostConfig, mounts, files, host } = request;
  const own = mounts.map((mount) => (mount.type === "tmpfs" ? tmpfsMount(mount) : bindMount(mount, host)));
  const taken = new Set(own.map(({ destination }) => destination));
  const tmpfs = Object.entries(hostConfig.Tmpfs ?? {}).map(([destination, options]) =>
    tmpfsMount({ destination: clean(destination), rw: true, options: options ? options.split(",") : [] }),
  );
  const engine: Array<[string, string | undefined]> = [
    ["/etc/resolv.conf", files.resolvConf],
    ["/etc/hostname", files.hostname],
    ["/etc/hosts", files.hosts],
  ];
  const shm = sharedShm(request);
  if (shm !== undefined) engine.unshift(["/dev/shm", shm]);
  const rw = !hostConfig.ReadonlyRootfs;
  const bound = engine.flatMap(([destination, source]) =>
    source === undefined || taken.has(destination)
      ? []
      : bindMount(
          { type: "bind", source, destination, rw: rw || destination === "/dev/shm", propagation: "rprivate" },
          host,
        ),
  );
  const all = [...own, ...tmpfs.filter(({ destination }) => !taken.has(destination)), ...bound];
  return all.sort((a, b) => depth(a.destination) - depth(b.destination));
}

function sharedShm({ hostConfig, shm }: MountRequest): string | undefined {
  const mode = hostConfig.IpcMode ?? "";
  if (mode === "host") return "/dev/shm";
  return mode === "shareable" || mode.startsWith("container:") ? shm : undefined;
}

function bindMount(mount: ResolvedMount, host: Pick<HostFeatures, "recursiveReadOnly">): SpecMount {
  const options = [mount.nonRecursive ? "bind" : "rbind"];
  if (!mount.rw) options.push(readOnlyOption(mount, host));
  if (mount.propagation) options.push(mount.propagation);
  return { destination: mount.destination, type: "bind", source: mount.source, options };
}

/**
 * Read-only with everything mounted below, as Docker's binds are since 25. A file has nothing below it, and crun (1.8)
 * fails to make one recursively read-only.
 */
function readOnlyOption(mount: ResolvedMount, host: Pick<HostFeatures, "recursiveReadOnly">): string {
  if (mount.readOnlyForceRecursive && !host.recursiveReadOnly)
    throw invalid("failed to set recursive read-only mounts: this kernel is older than 5.12");
  const recursive = host.recursiveReadOnly && !mount.readOnlyNonRecursive && !isFile(mount.source);
  return recursive ? "rro" : "ro";
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === false;
}

/** Options of tmpfs that exclude each other: the later one wins (Docker's mount.MergeTmpfsOptions). */
const opposites: Readonly<Record<string, string>> = {
  exec: "noexec",
  suid: "nosuid",
  dev: "nodev",
  ro: "rw",
  sync: "async",
  remount: "remount",
  mand: "nomand",
  atime: "noatime",
  diratime: "nodiratime",
  relatime: "norelatime",
  strictatime: "nostrictatime",
};
const groups = new Map<string, string>(
  Object.entries(opposites).flatMap(([a, b]) => [
    [a, a],
    [b, a],
  ]),
);
const propagations = new Set([
  "private",
  "rprivate",
  "shared",
  "rshared",
  "slave",
  "rslave",
  "unbindable",
  "runbindable",
]);
for (const name of propagations) groups.set(name, "propagation");
const dataOptions = new Set(["size", "mode", "uid", "gid", "nr_inodes", "nr_blocks", "mpol", "huge", "noswap"]);
const defaultTmpfs = ["noexec", "nosuid", "nodev", "rprivate"];

function tmpfsMount(mount: Pick<ResolvedMount, "destination" | "rw" | "options">): SpecMount {
  const options = mergeTmpfsOptions([...(mount.rw ? [] : ["ro"]), ...(mount.options ?? [])]);
  return { destination: mount.destination, type: "tmpfs", source: "tmpfs", options };
}

/** Docker's defaults (noexec, nosuid, nodev, rprivate) with the user's over them. `invalid` for an unknown one. */
export function mergeTmpfsOptions(options: readonly string[]): string[] {
  const kept = new Map<string, string>();
  for (const option of [...defaultTmpfs, ...options]) {
    if (option === "" || option === "defaults") continue;
    const [name = ""] = option.split("=", 1);
    const key = groups.get(option) ?? (dataOptions.has(name) ? name : undefined);
    if (key === undefined) throw invalid(`invalid tmpfs option ${JSON.stringify(option)}`);
    kept.delete(key);
    kept.set(key, option);
  }
  return [...kept.values()];
}

const depth = (path: string): number => path.split("/").filter(Boolean).length;
const clean = (path: string): string => `/${path.split("/").filter(Boolean).join("/")}`;
