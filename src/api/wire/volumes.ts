import type { VolumeInspect } from "../../client/endpoints/volumes.ts";
import type { Volume } from "../../volumes/volumes.ts";

/** A volume as inspect shows it. */
export function volumeToWire(volume: Volume, usage?: { readonly size: number; readonly users: number }): VolumeInspect {
  const labels = volume.anonymous ? { "com.docker.volume.anonymous": "", ...volume.labels } : volume.labels;
  return {
    CreatedAt: volume.createdAt,
    Driver: volume.driver,
    Labels: Object.keys(labels).length > 0 ? { ...labels } : null,
    Mountpoint: volume.mountpoint,
    Name: volume.name,
    Options: Object.keys(volume.options).length > 0 ? { ...volume.options } : null,
    Scope: volume.scope,
    ...(usage && { UsageData: { RefCount: usage.users, Size: usage.size } }),
  };
}
