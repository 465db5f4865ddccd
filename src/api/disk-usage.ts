import type { Operation } from "../base/operation.ts";
import type { DiskUsage } from "../client/endpoints/system.ts";
import { volumeUsers } from "./filters/volumes.ts";
import type { ApiServices } from "./services.ts";
import { sharedSizes } from "./shared-sizes.ts";
import { shape } from "./versions.ts";
import { containerSummary } from "./wire/container-summary.ts";
import { imageSummary } from "./wire/images.ts";
import { volumeToWire } from "./wire/volumes.ts";

/** `docker system df`, for the types of objects that were asked for. */
export async function diskUsage(
  op: Operation,
  services: ApiServices,
  types: ReadonlySet<string>,
  version: string,
): Promise<DiskUsage> {
  return {
    LayersSize: types.has("image") ? await services.system.layersSize(op) : 0,
    Images: types.has("image") ? imageUsage(services, version) : null,
    Containers: types.has("container") ? await containerUsage(op, services) : null,
    Volumes: types.has("volume") ? await volumeUsage(op, services) : null,
    BuildCache: types.has("build-cache") ? [] : null,
    BuilderSize: 0,
  };
}

function imageUsage({ images, containers }: ApiServices, version: string): NonNullable<DiskUsage["Images"]> {
  const all = images.list();
  const shared = sharedSizes(all);
  const users = containers.list({ all: true });
  return all.map((image) => {
    const count = users.filter((container) => container.image === image.id).length;
    const counts = { containers: count, shared: shared.get(image.id) ?? 0 };
    return shape("ImageSummary", version, imageSummary(image, counts, version));
  });
}

function containerUsage(op: Operation, { containers }: ApiServices): Promise<NonNullable<DiskUsage["Containers"]>> {
  const now = Date.now();
  return Promise.all(
    containers
      .list({ all: true })
      .map(async (container) => containerSummary(container, now, await containers.size(op, container.id))),
  );
}

function volumeUsage(
  op: Operation,
  { volumes, containers, system }: ApiServices,
): Promise<NonNullable<DiskUsage["Volumes"]>> {
  const users = volumeUsers(containers.list({ all: true }));
  return Promise.all(
    volumes.list().map(async (volume) =>
      volumeToWire(volume, {
        size: await system.volumeSize(op, volume.name),
        users: users.get(volume.name) ?? 0,
      }),
    ),
  );
}
