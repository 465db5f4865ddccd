import type { MountPoint as WireMount } from "../../client/endpoints/container-parts.ts";
import type { MountPoint } from "../../containers/containers.ts";

/** A mount as inspect and lists show it. */
export function mountToWire(mount: MountPoint): WireMount {
  return {
    Type: mount.type,
    ...(mount.name !== undefined && { Name: mount.name }),
    Source: mount.type === "tmpfs" ? "" : mount.source,
    Destination: mount.destination,
    ...(mount.driver !== undefined && { Driver: mount.driver }),
    Mode: mount.mode,
    RW: mount.rw,
    Propagation: mount.propagation,
  };
}
