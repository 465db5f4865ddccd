import { isKind, notImplemented } from "../../base/errors.ts";
import { volumeCreate, volumeInspect, volumeList, volumePrune, volumeRemove } from "../../client/endpoints/volumes.ts";
import { volumeFilter, volumeUsers } from "../filters/volumes.ts";
import { pruneVolumes } from "../prune.ts";
import { type Route, route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { volumeToWire } from "../wire/volumes.ts";

/** Endpoints of volumes. */
export function volumeRoutes({
  volumes,
  containers,
  system,
}: Pick<ApiServices, "volumes" | "containers" | "system">): Route[] {
  const users = (): Map<string, number> => volumeUsers(containers.list({ all: true }));
  return [
    route(volumeList, ({ query }) => ({
      Volumes: volumes
        .list()
        .filter(volumeFilter(query.filters ?? {}, users()))
        .map((volume) => volumeToWire(volume)),
      Warnings: null,
    })),
    route(volumeCreate, async ({ op, body = {} }) => {
      if (body.ClusterVolumeSpec) throw notImplemented("cluster volumes are not implemented yet");
      const volume = await volumes.create(op, {
        ...(body.Name && { name: body.Name }),
        ...(body.Driver && { driver: body.Driver }),
        ...(body.DriverOpts && { driverOptions: body.DriverOpts }),
        ...(body.Labels && { labels: body.Labels }),
      });
      return volumeToWire(volume);
    }),
    route(volumeInspect, ({ params }) => volumeToWire(volumes.get(params.name))),
    route(volumeRemove, async ({ op, params, query }) => {
      try {
        await volumes.remove(op, params.name, { force: query.force ?? false });
      } catch (error) {
        // Forced, a volume that is not there is as good as removed.
        if (!query.force || !isKind(error, "notFound")) throw error;
      }
    }),
    route(volumePrune, async ({ op, query, version }) => {
      const { removed, bytes } = await pruneVolumes(op, volumes, users(), system, query.filters ?? {}, version);
      return { VolumesDeleted: removed, SpaceReclaimed: bytes };
    }),
  ];
}
