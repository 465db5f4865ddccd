import type { Container } from "../../containers/containers.ts";
import type { Volume } from "../../volumes/volumes.ts";
import {
  booleanFilter,
  checkFilters,
  type FilterMap,
  matchesExactly,
  matchesLabels,
  matchesPattern,
} from "../decode/filters.ts";

/** How many containers use each volume, by its name. */
export function volumeUsers(containers: readonly Container[]): Map<string, number> {
  const users = new Map<string, number>();
  for (const container of containers) {
    const names = container.mounts.flatMap(({ type, name }) => (type === "volume" && name !== undefined ? [name] : []));
    for (const name of new Set(names)) users.set(name, (users.get(name) ?? 0) + 1);
  }
  return users;
}

/** The test that `docker volume ls --filter` asks for. */
export function volumeFilter(filters: FilterMap, users: ReadonlyMap<string, number>): (volume: Volume) => boolean {
  checkFilters(filters, ["dangling", "driver", "label", "name"]);
  const dangling = booleanFilter(filters, "dangling");
  return (volume) =>
    matchesExactly(filters["driver"], volume.driver) &&
    matchesPattern(filters["name"], volume.name) &&
    matchesLabels(filters["label"], volume.labels) &&
    (dangling === undefined || dangling === !users.has(volume.name));
}
