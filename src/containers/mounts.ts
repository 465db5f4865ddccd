import { invalid, isKind, messageOf } from "../base/errors.ts";
import type { ContainerConfig, HostConfig, Mount } from "../client/endpoints/container-config.ts";
import { mergeTmpfsOptions } from "../runtime/spec/mounts.ts";
import type { MountPoint } from "./containers.ts";
import { isMountMode, parseMountMode } from "./mount-mode.ts";
import { badTarget, checkMountOptions, cleanPath, mountOfSpec } from "./mount-spec.ts";

export interface MountsRequest {
  /** Merged with the image's. */
  readonly config: Pick<ContainerConfig, "Volumes">;
  readonly hostConfig: Pick<HostConfig, "Binds" | "Mounts" | "Tmpfs" | "VolumesFrom" | "VolumeDriver">;
  /** The mounts of another container, by name or ID; `notFound` where there is none. */
  readonly mountsOf: (reference: string) => readonly MountPoint[];
}

/**
 * What a container mounts, by Docker's rules. Later sources win over earlier ones at the same path: `VolumesFrom`, then
 * `Binds`, then `Mounts`; the volumes of the image and the request fill what is left. The same path twice in `Binds`
 * and `Mounts`, or in `Binds` and `Tmpfs`, is `invalid` "Duplicate mount point: /x".
 *
 * An anonymous volume has no name yet and a named one no source: who makes the volumes fills them in. What
 * `HostConfig.Tmpfs` asks for is checked but not returned, for inspect shows it in the HostConfig only.
 */
export function parseMounts({ config, hostConfig, mountsOf }: MountsRequest): MountPoint[] {
  const tmpfs = checkTmpfs(hostConfig.Tmpfs ?? {});
  for (const mount of hostConfig.Mounts ?? []) checkMountOptions(mount);
  const points = new Map<string, MountPoint>();
  for (const spec of hostConfig.VolumesFrom ?? [])
    for (const point of volumesFrom(spec, mountsOf)) points.set(point.destination, point);
  const own = new Set<string>();
  const add = (point: MountPoint, target: string, others?: ReadonlySet<string>): void => {
    if (own.has(point.destination) || others?.has(point.destination)) throw invalid(`Duplicate mount point: ${target}`);
    own.add(point.destination);
    points.set(point.destination, point);
  };
  for (const bind of hostConfig.Binds ?? []) {
    const point = parseBind(bind, hostConfig.VolumeDriver);
    add(point, point.destination, tmpfs);
  }
  for (const mount of hostConfig.Mounts ?? []) add(mountOfSpec(mount, true), mount.Target ?? "");
  for (const point of imageVolumes(config.Volumes ?? {}, hostConfig.VolumeDriver))
    if (!points.has(point.destination) && !tmpfs.has(point.destination)) points.set(point.destination, point);
  return [...points.values()];
}

/** One entry of `HostConfig.Binds`: `[source-or-name:]destination[:mode]`. */
export function parseBind(raw: string, volumeDriver = ""): MountPoint {
  const specification = `invalid volume specification: '${raw}'`;
  const parts = raw.split(":");
  if (parts[0] === "" || parts.length > 3) throw invalid(specification);
  // One part alone is a destination: an anonymous volume.
  const [source = "", target = "", mode = ""] = parts.length === 1 ? ["", parts[0]] : parts;
  if (parts.length === 2 && isMountMode(target)) throw invalid(specification);
  const { rw, noCopy, propagation } = parseMountMode(mode);
  const mount: Mount = {
    Type: source.startsWith("/") ? "bind" : "volume",
    Source: source,
    Target: target,
    ReadOnly: !rw,
    ...(propagation === undefined ? {} : { BindOptions: { Propagation: propagation } }),
  };
  if (noCopy) mount.VolumeOptions = { NoCopy: true };
  else if (volumeDriver !== "" && mount.Type === "volume") mount.VolumeOptions = {};
  if (mount.VolumeOptions && volumeDriver !== "") mount.VolumeOptions.DriverConfig = { Name: volumeDriver };
  const point = parsed(mount, specification);
  return { ...point, mode: mode === "" ? point.mode : mode };
}

function parsed(mount: Mount, specification: string): MountPoint {
  try {
    return mountOfSpec(mount, false);
  } catch (error) {
    if (!isKind(error, "invalid")) throw error;
    throw invalid(`${specification}: ${messageOf(error)}`, { cause: error });
  }
}

/** `container[:mode]`; of modes only access and label may be given. */
export function parseVolumesFrom(spec: string): { readonly container: string; readonly rw: boolean } {
  if (spec === "") throw invalid("volumes-from specification cannot be an empty string");
  const [container = "", mode = ""] = spec.split(/:(.*)/s);
  const { rw, propagation, noCopy } = parseMountMode(mode);
  if (propagation !== undefined || noCopy) throw invalid(`invalid mode: ${mode}`);
  if (container === "") throw invalid(`invalid name or ID supplied: ${JSON.stringify(container)}`);
  return { container, rw };
}

function volumesFrom(spec: string, mountsOf: MountsRequest["mountsOf"]): MountPoint[] {
  const { container, rw } = parseVolumesFrom(spec);
  try {
    // The volume has its contents by now; the mode was the other container's.
    return mountsOf(container).map((point) => ({ ...point, mode: "", rw: point.rw && rw }));
  } catch (error) {
    if (!isKind(error, "notFound")) throw error;
    throw invalid(messageOf(error), { cause: error });
  }
}

/** An anonymous volume for each path that the image or `-v /path` of the API's `Volumes` names. */
function imageVolumes(volumes: Readonly<Record<string, object>>, driver: string | undefined): MountPoint[] {
  return Object.keys(volumes).map((path) => {
    const wrong = badTarget(path);
    if (wrong !== undefined) throw invalid(`invalid volume specification: '${path}': ${wrong}`);
    return {
      type: "volume",
      source: "",
      destination: cleanPath(path),
      driver: driver || "local",
      mode: "",
      rw: true,
      propagation: "",
      anonymous: true,
    };
  });
}

/** The destinations of `HostConfig.Tmpfs`, whose options are known and whose paths can be mounted at. */
function checkTmpfs(tmpfs: Readonly<Record<string, string>>): ReadonlySet<string> {
  return new Set(
    Object.entries(tmpfs).map(([path, options]) => {
      const wrong = badTarget(path);
      if (wrong !== undefined) throw invalid(wrong);
      mergeTmpfsOptions(options.split(","));
      return cleanPath(path);
    }),
  );
}
