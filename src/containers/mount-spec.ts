import { statSync } from "node:fs";
import { posix } from "node:path";
import { invalid, type KeelsonError } from "../base/errors.ts";
import type { Mount } from "../client/endpoints/container-config.ts";
import type { MountPoint } from "./containers.ts";
import { isPropagation } from "./mount-mode.ts";

const defaultPropagation = "rprivate";
const options = ["BindOptions", "VolumeOptions", "ImageOptions", "TmpfsOptions", "ClusterOptions"] as const;
const ownOptions: Readonly<Record<string, (typeof options)[number]>> = {
  bind: "BindOptions",
  volume: "VolumeOptions",
  image: "ImageOptions",
  tmpfs: "TmpfsOptions",
};

/** Refuses options of another type than the mount's, as Docker's API does first of all. */
export function checkMountOptions(mount: Mount): void {
  const own = ownOptions[mount.Type ?? ""];
  if (own === undefined) return;
  const stray = options.find((name) => name !== own && mount[name] !== undefined);
  if (stray) throw invalid(`${stray} must not be specified on mount type ${JSON.stringify(mount.Type)}`);
}

/**
 * One entry of `HostConfig.Mounts` (or what a bind string means) as a mount point. Throws `invalid`
 * `invalid mount config for type "bind": …`. `mustExist` asks that a bind's source is there.
 */
export function mountOfSpec(mount: Mount, mustExist: boolean): MountPoint {
  const fail = (what: string): KeelsonError =>
    invalid(`invalid mount config for type ${JSON.stringify(mount.Type ?? "")}: ${what}`);
  const target = mount.Target ?? "";
  if (target === "") throw fail("field Target must not be empty");
  const wrong = badTarget(target);
  if (wrong !== undefined) throw fail(wrong);
  const common = { destination: cleanPath(target), mode: "", rw: !mount.ReadOnly, propagation: "", source: "" };
  switch (mount.Type) {
    case "bind":
      return { ...common, ...bind(mount, mustExist, fail) };
    case "volume":
      return { ...common, ...volume(mount, fail) };
    case "tmpfs":
      return { ...common, ...tmpfs(mount, fail) };
    case "image":
      return { ...common, ...image(mount, fail) };
    default:
      throw fail("mount type unknown");
  }
}

/** Why a path cannot be a mount's destination; undefined where it can. */
export function badTarget(target: string): string | undefined {
  if (cleanPath(target) === "/") return "invalid specification: destination can't be '/'";
  if (!target.startsWith("/")) return `invalid mount path: '${target}' mount path must be absolute`;
  return undefined;
}

/** Without `.`, `..`, doubled and trailing slashes. */
export function cleanPath(path: string): string {
  const clean = posix.normalize(path);
  return clean.length > 1 && clean.endsWith("/") ? clean.slice(0, -1) : clean;
}

type Fail = (what: string) => KeelsonError;
type Part = Partial<MountPoint> & Pick<MountPoint, "type">;

function bind(mount: Mount, mustExist: boolean, fail: Fail): Part {
  const { Source = "", BindOptions: asked = {} } = mount;
  if (Source === "") throw fail("field Source must not be empty");
  if (asked.Propagation && !isPropagation(asked.Propagation))
    throw fail(`invalid propagation mode: ${asked.Propagation}`);
  if (mount.VolumeOptions !== undefined) throw fail("field VolumeOptions must not be specified");
  if (!Source.startsWith("/")) throw fail(`invalid mount path: '${Source}' mount path must be absolute`);
  if (mustExist && !asked.CreateMountpoint && !exists(Source, fail))
    throw fail(`bind source path does not exist: ${Source}`);
  conflicting(mount);
  return {
    type: "bind",
    source: cleanPath(Source),
    propagation: asked.Propagation || defaultPropagation,
    ...set({
      createSource: !mustExist || asked.CreateMountpoint,
      nonRecursive: asked.NonRecursive,
      readOnlyNonRecursive: asked.ReadOnlyNonRecursive,
      readOnlyForceRecursive: asked.ReadOnlyForceRecursive,
    }),
  };
}

/** Docker says these at the start only. */
function conflicting({ ReadOnly, BindOptions: asked = {} }: Mount): void {
  const conflict = (what: string): KeelsonError => invalid(`mount options conflict: ${what}`);
  if (asked.ReadOnlyNonRecursive && !ReadOnly) throw conflict("!ReadOnly && BindOptions.ReadOnlyNonRecursive");
  if (!asked.ReadOnlyForceRecursive) return;
  if (!ReadOnly) throw conflict("!ReadOnly && BindOptions.ReadOnlyForceRecursive");
  if (asked.ReadOnlyNonRecursive) throw conflict("ReadOnlyNonRecursive && BindOptions.ReadOnlyForceRecursive");
}

function volume(mount: Mount, fail: Fail): Part {
  const { Source = "", VolumeOptions: asked = {} } = mount;
  if (mount.BindOptions !== undefined) throw fail("field BindOptions must not be specified");
  if (asked.Subpath) {
    if (Source === "") throw fail("must not set Subpath when using anonymous volumes");
    if (!isLocal(asked.Subpath)) throw fail("subpath must be a relative path within the volume");
  }
  if (mount.ReadOnly && Source === "") throw fail("must not set ReadOnly mode when using anonymous volumes");
  return {
    type: "volume",
    mode: "z",
    driver: asked.DriverConfig?.Name || "local",
    ...set({
      name: Source || undefined,
      anonymous: Source === "",
      noCopy: asked.NoCopy,
      subpath: asked.Subpath || undefined,
      driverOptions: asked.DriverConfig?.Options,
      labels: asked.Labels,
    }),
  };
}

function tmpfs(mount: Mount, fail: Fail): Part {
  const { SizeBytes = 0, Mode = 0, Options = [] } = mount.TmpfsOptions ?? {};
  if (mount.BindOptions !== undefined) throw fail("field BindOptions must not be specified");
  if (mount.Source) throw fail("field Source must not be specified");
  if (SizeBytes < 0) throw fail(`invalid tmpfs size: ${SizeBytes}`);
  const extra = Options.map((option) => {
    if (option.length < 1 || option.length > 2) throw fail("invalid option array length");
    if (option[0] !== "exec" && option[0] !== "noexec") throw fail(`invalid option: ${option[0]}`);
    return option.join("=");
  });
  const mode = Mode === 0 ? [] : [`mode=${Mode.toString(8)}`];
  return { type: "tmpfs", options: [...mode, ...(SizeBytes === 0 ? [] : [`size=${SizeBytes}`]), ...extra] };
}

function image(mount: Mount, fail: Fail): Part {
  if (mount.BindOptions !== undefined) throw fail("field BindOptions must not be specified");
  if (!mount.Source) throw fail("field Source must not be empty");
  const { Subpath } = mount.ImageOptions ?? {};
  if (Subpath && !isLocal(Subpath)) throw fail("subpath must be a relative path within the image");
  return {
    type: "image",
    name: mount.Source,
    source: mount.Source,
    rw: false,
    propagation: defaultPropagation,
    ...set({ subpath: Subpath || undefined }),
  };
}

/** A relative path that does not climb out (Go's filepath.IsLocal). */
function isLocal(path: string): boolean {
  const clean = posix.normalize(path);
  return path !== "" && !path.startsWith("/") && clean !== ".." && !clean.startsWith("../");
}

function exists(path: string, fail: Fail): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOTDIR" || code === "ELOOP") return false;
    throw fail(`stat ${path}: ${code}`);
  }
}

/** The fields that say something: neither undefined nor false. */
function set<T extends object>(fields: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== undefined && value !== false),
  ) as Partial<T>;
}
