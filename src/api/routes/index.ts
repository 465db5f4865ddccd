import type { Route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { containerListRoutes } from "./container-list.ts";
import { containerStreamRoutes } from "./container-streams.ts";
import { containerRoutes } from "./containers.ts";
import { eventRoutes } from "./events.ts";
import { execRoutes } from "./exec.ts";
import { imageTransferRoutes } from "./image-transfers.ts";
import { imageRoutes } from "./images.ts";
import { networkRoutes } from "./networks.ts";
import { systemRoutes } from "./system.ts";
import { volumeRoutes } from "./volumes.ts";

/** Every route of the API. */
export function allRoutes(services: ApiServices): Route[] {
  return [
    ...systemRoutes(services),
    ...eventRoutes(services),
    ...containerRoutes(services),
    ...containerListRoutes(services),
    ...containerStreamRoutes(services),
    ...execRoutes(services),
    ...imageRoutes(services),
    ...imageTransferRoutes(services),
    ...networkRoutes(services),
    ...volumeRoutes(services),
  ];
}
