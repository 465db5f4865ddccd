import { invalid, notImplemented } from "../../base/errors.ts";
import {
  buildPrune,
  ping,
  pingHead,
  systemAuth,
  systemDf,
  systemInfo,
  systemVersion,
} from "../../client/endpoints/system.ts";
import { diskUsage } from "../disk-usage.ts";
import { type Bytes, type Route, route } from "../route.ts";
import type { ApiServices } from "../services.ts";
import { shape } from "../versions.ts";
import { infoToWire, versionToWire } from "../wire/system.ts";

const usageTypes = ["container", "image", "volume", "build-cache"];

/** Endpoints of the engine itself. */
export function systemRoutes(services: ApiServices): Route[] {
  const { containers, images, system, login } = services;
  return [
    route(ping, () => pong("OK")),
    route(pingHead, () => pong("")),
    route(systemVersion, async ({ op }) => versionToWire(system.facts, await system.host(op))),
    route(systemInfo, async ({ op, version }) => {
      const counts = { containers: containers.list({ all: true }), images: images.list().length, listeners: 0 };
      return shape("Info", version, infoToWire(system.facts, await system.host(op), counts));
    }),
    route(systemAuth, async ({ op, body = {} }) => {
      if (!login) throw notImplemented("registry login is not implemented yet");
      const { status, identityToken } = await login.login(op, body);
      return { Status: status, IdentityToken: identityToken };
    }),
    route(buildPrune, () => ({ CachesDeleted: null, SpaceReclaimed: 0 })),
    route(systemDf, async ({ op, query, version }) => {
      for (const type of query.type ?? [])
        if (!usageTypes.includes(type)) throw invalid(`unknown object type: ${type}`);
      const usage = await diskUsage(op, services, new Set(query.type ?? usageTypes), version);
      return shape("DiskUsage", version, usage);
    }),
  ];
}

function pong(source: string): Bytes {
  return {
    type: "text/plain; charset=utf-8",
    source,
    headers: {
      "Builder-Version": "1",
      "Cache-Control": "no-cache, no-store, must-revalidate",
      Pragma: "no-cache",
      Swarm: "inactive",
    },
  };
}
