import { invalid, notImplemented } from "../../base/errors.ts";
import {
  networkConnect,
  networkCreate,
  networkDisconnect,
  networkInspect,
  networkList,
  networkPrune,
  networkRemove,
} from "../../client/endpoints/networks.ts";
import type { Network } from "../../networks/networks.ts";
import { networkRequest } from "../decode/network.ts";
import { networkFilter } from "../filters/networks.ts";
import { pruneNetworks } from "../prune.ts";
import { type Route, route } from "../route.ts";
import type { ApiServices, NetworkMembership } from "../services.ts";
import { networkToWire } from "../wire/networks.ts";

/** Endpoints of networks. */
export function networkRoutes({ networks, membership }: Pick<ApiServices, "networks" | "membership">): Route[] {
  const inUse = ({ id }: Network): boolean => networks.endpoints(id).length > 0;
  return [
    route(networkList, ({ query }) =>
      networks
        .list()
        .filter(networkFilter(query.filters ?? {}, inUse))
        .map((network) => networkToWire(network)),
    ),
    route(networkInspect, ({ params, query }) => {
      const network = networks.get(params.id);
      if (query.scope && query.scope !== network.scope) networks.get(`${params.id}@${query.scope}`);
      return networkToWire(network, networks.endpoints(network.id));
    }),
    route(networkCreate, async ({ op, body = {} }) => {
      const { id } = await networks.create(op, networkRequest(body));
      return { Id: id, Warning: "" };
    }),
    route(networkRemove, ({ op, params }) => networks.remove(op, params.id)),
    route(networkConnect, async ({ op, params, body = {} }) => {
      const container = containerOf(body.Container);
      await needed(membership).connect(op, networks.get(params.id).id, container, body.EndpointConfig ?? {});
    }),
    route(networkDisconnect, async ({ op, params, body = {} }) => {
      const container = containerOf(body.Container);
      await needed(membership).disconnect(op, networks.get(params.id).id, container, { force: body.Force ?? false });
    }),
    route(networkPrune, async ({ op, query }) => {
      const removed = await pruneNetworks(op, networks, inUse, query.filters ?? {});
      return { NetworksDeleted: removed.length > 0 ? removed : null };
    }),
  ];
}

function containerOf(container: string | undefined): string {
  if (!container) throw invalid('invalid name or ID supplied: ""');
  return container;
}

function needed(membership: NetworkMembership | undefined): NetworkMembership {
  if (!membership) throw notImplemented("connecting containers to networks is not implemented yet");
  return membership;
}
