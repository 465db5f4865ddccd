import { type Static, Type } from "@sinclair/typebox";
import { EndpointConfig } from "./container-config.ts";
import { Answer, endpoint, Filters, Nullable, StringMap, Strings } from "./endpoint.ts";

const IpamPool = Type.Partial(
  Type.Object({
    Subnet: Type.String(),
    IPRange: Type.String(),
    Gateway: Type.String(),
    AuxiliaryAddresses: StringMap,
  }),
);

/** engine-api, Network. */
export const NetworkInspect = Answer({
  Name: Type.String(),
  Id: Type.String(),
  Created: Type.String(),
  Scope: Type.String(),
  Driver: Type.String(),
  EnableIPv4: Type.Optional(Type.Boolean()),
  EnableIPv6: Type.Boolean(),
  IPAM: Answer({
    Driver: Type.String(),
    Options: Nullable(StringMap),
    Config: Nullable(Type.Array(IpamPool)),
  }),
  Internal: Type.Boolean(),
  Attachable: Type.Boolean(),
  Ingress: Type.Boolean(),
  ConfigFrom: Answer({ Network: Type.String() }),
  ConfigOnly: Type.Boolean(),
  Containers: Type.Optional(
    Type.Record(
      Type.String(),
      Answer({
        Name: Type.String(),
        EndpointID: Type.String(),
        MacAddress: Type.String(),
        IPv4Address: Type.String(),
        IPv6Address: Type.String(),
      }),
    ),
  ),
  Options: Nullable(StringMap),
  Labels: Nullable(StringMap),
});
export type NetworkInspect = Static<typeof NetworkInspect>;

export const networkList = endpoint({
  method: "GET",
  path: "/networks",
  query: Type.Partial(Type.Object({ filters: Filters })),
  responses: { 200: Type.Array(NetworkInspect) },
});

export const networkInspect = endpoint({
  method: "GET",
  path: "/networks/{id}",
  query: Type.Partial(Type.Object({ verbose: Type.Boolean(), scope: Type.String() })),
  responses: { 200: NetworkInspect },
});

export const networkCreate = endpoint({
  method: "POST",
  path: "/networks/create",
  body: Type.Partial(
    Type.Object({
      Name: Type.String(),
      CheckDuplicate: Type.Boolean(),
      Driver: Type.String(),
      Scope: Type.String(),
      Internal: Type.Boolean(),
      Attachable: Type.Boolean(),
      Ingress: Type.Boolean(),
      ConfigOnly: Type.Boolean(),
      ConfigFrom: Type.Partial(Type.Object({ Network: Type.String() })),
      IPAM: Type.Partial(Type.Object({ Driver: Type.String(), Options: StringMap, Config: Type.Array(IpamPool) })),
      EnableIPv4: Type.Boolean(),
      EnableIPv6: Type.Boolean(),
      Options: StringMap,
      Labels: StringMap,
    }),
  ),
  responses: { 201: Answer({ Id: Type.String(), Warning: Type.String() }) },
});

export const networkRemove = endpoint({
  method: "DELETE",
  path: "/networks/{id}",
  responses: { 204: null },
  finishes: true,
});

export const networkConnect = endpoint({
  method: "POST",
  path: "/networks/{id}/connect",
  body: Type.Partial(Type.Object({ Container: Type.String(), EndpointConfig })),
  responses: { 200: null },
  finishes: true,
});

export const networkDisconnect = endpoint({
  method: "POST",
  path: "/networks/{id}/disconnect",
  body: Type.Partial(Type.Object({ Container: Type.String(), Force: Type.Boolean() })),
  responses: { 200: null },
  finishes: true,
});

export const networkPrune = endpoint({
  method: "POST",
  path: "/networks/prune",
  since: "1.25",
  query: Type.Partial(Type.Object({ filters: Filters })),
  responses: { 200: Answer({ NetworksDeleted: Nullable(Strings) }) },
});

export const networkEndpoints = [
  networkList,
  networkInspect,
  networkCreate,
  networkRemove,
  networkConnect,
  networkDisconnect,
  networkPrune,
] as const;
