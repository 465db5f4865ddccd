import { containerList, containerPrune } from "../../client/endpoints/containers.ts";
import { containerFilter } from "../filters/containers.ts";
import { pruneContainers } from "../prune.ts";
import { type Route, route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { containerSummary } from "../wire/container-summary.ts";

/** Endpoints about all containers. */
export function containerListRoutes({ containers, images }: Pick<ApiServices, "containers" | "images">): Route[] {
  return [
    route(containerList, async ({ op, query }) => {
      const filters = query.filters ?? {};
      const limit = query.limit !== undefined && query.limit > 0 ? query.limit : undefined;
      const test = containerFilter(filters, containers, images);
      const all = query.all || limit !== undefined || (filters["status"]?.length ?? 0) > 0;
      const found = containers.list({ all }).filter(test).slice(0, limit);
      const now = Date.now();
      return Promise.all(
        found.map(async (container) =>
          containerSummary(container, now, query.size ? await containers.size(op, container.id) : undefined),
        ),
      );
    }),
    route(containerPrune, async ({ op, query }) => {
      const { removed, bytes } = await pruneContainers(op, containers, query.filters ?? {});
      return { ContainersDeleted: removed.length > 0 ? removed : null, SpaceReclaimed: bytes };
    }),
  ];
}
