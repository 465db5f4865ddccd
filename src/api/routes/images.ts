import { invalid } from "../../base/errors.ts";
import {
  imageHistory,
  imageInspect,
  imageList,
  imagePrune,
  imageRemove,
  imageTag,
} from "../../client/endpoints/images.ts";
import type { FilterMap } from "../decode/filters.ts";
import { imageFilter, namedAs } from "../filters/images.ts";
import { pruneImages } from "../prune.ts";
import { type Route, route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { sharedSizes } from "../shared-sizes.ts";
import { shape } from "../versions.ts";
import { historyItem, imageSummary, imageInspect as imageToWire, removedToWire } from "../wire/images.ts";

/** Endpoints of the images that are here. */
export function imageRoutes({
  images,
  containers,
  system,
}: Pick<ApiServices, "images" | "containers" | "system">): Route[] {
  return [
    route(imageList, ({ query, version }) => {
      const legacy: FilterMap = query.filter ? { reference: [query.filter] } : {};
      const all = images.list();
      const filters = { ...legacy, ...query.filters };
      const found = all.filter(imageFilter(filters, images)).map((image) => namedAs(image, filters));
      const shared = query["shared-size"] ? sharedSizes(all) : undefined;
      const users = query["shared-size"] ? countUsers() : undefined;
      return found.map((image) =>
        shape(
          "ImageSummary",
          version,
          imageSummary(
            image,
            {
              ...(users && { containers: users.get(image.id) ?? 0 }),
              ...(shared && { shared: shared.get(image.id) ?? 0 }),
            },
            version,
          ),
        ),
      );
    }),
    route(imageInspect, ({ params, version }) => {
      const image = images.resolve(params.name);
      return shape("ImageInspect", version, imageToWire(image, system.image(image)));
    }),
    route(imageHistory, ({ params }) => images.history(params.name).map(historyItem)),
    route(imageTag, async ({ op, params, query }) => {
      if (!query.repo) throw invalid("invalid reference format: repository name must not be empty");
      await images.tag(op, params.name, query.tag ? `${query.repo}:${query.tag}` : query.repo);
    }),
    route(imageRemove, async ({ op, params, query }) => {
      const removed = await images.remove(op, params.name, {
        force: query.force ?? false,
        noPrune: query.noprune ?? false,
      });
      return removed.map(removedToWire);
    }),
    route(imagePrune, async ({ op, query }) => {
      const { removed, bytes } = await pruneImages(op, images, containers, query.filters ?? {});
      return { ImagesDeleted: removed.length > 0 ? removed.map(removedToWire) : null, SpaceReclaimed: bytes };
    }),
  ];

  function countUsers(): Map<string, number> {
    const users = new Map<string, number>();
    for (const { image } of containers.list({ all: true })) users.set(image, (users.get(image) ?? 0) + 1);
    return users;
  }
}
