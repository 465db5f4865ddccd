import { invalid } from "../../base/errors.ts";
import type { Network } from "../../networks/networks.ts";
import { checkFilters, type FilterMap, matchesExactly, matchesLabels, matchesPattern } from "../decode/filters.ts";

/** The networks that are always there. */
export function isPredefined(network: Network): boolean {
  return ["bridge", "host", "none"].includes(network.name);
}

/** The test that `docker network ls --filter` asks for; `inUse` tells whether a container is on it. */
export function networkFilter(filters: FilterMap, inUse: (network: Network) => boolean): (network: Network) => boolean {
  checkFilters(filters, ["dangling", "driver", "id", "label", "name", "scope", "type"]);
  const dangling = danglingOf(filters);
  for (const type of filters["type"] ?? [])
    if (type !== "custom" && type !== "builtin") throw invalid(`invalid filter: 'type'='${type}'`);
  return (network) =>
    matchesExactly(filters["driver"], network.driver) &&
    matchesPattern(filters["id"], network.id) &&
    matchesPattern(filters["name"], network.name) &&
    matchesExactly(filters["scope"], network.scope) &&
    matchesLabels(filters["label"], network.labels) &&
    matchesExactly(filters["type"], isPredefined(network) ? "builtin" : "custom") &&
    (dangling === undefined || dangling === (!isPredefined(network) && !inUse(network)));
}

function danglingOf(filters: FilterMap): boolean | undefined {
  const values = filters["dangling"];
  if (!values || values.length === 0) return undefined;
  if (values.length === 1 && (values[0] === "true" || values[0] === "1")) return true;
  if (values.length === 1 && (values[0] === "false" || values[0] === "0")) return false;
  throw invalid(`invalid value for filter 'dangling', must be "true" (or "1"), or "false" (or "0")`);
}
