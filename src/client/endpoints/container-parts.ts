import { type Static, Type } from "@sinclair/typebox";
import { EndpointIpamConfig } from "./container-config.ts";
import { Answer, Int, Nullable, StringMap, Strings } from "./endpoint.ts";

/** A port of a running container (engine-api, Port). */
export const PortSummary = Answer({
  IP: Type.Optional(Type.String()),
  PrivatePort: Int,
  PublicPort: Type.Optional(Int),
  Type: Type.String(),
});
export type PortSummary = Static<typeof PortSummary>;

/** engine-api, MountPoint. */
export const MountPoint = Answer({
  Type: Type.String(),
  Name: Type.Optional(Type.String()),
  Source: Type.String(),
  Destination: Type.String(),
  Driver: Type.Optional(Type.String()),
  Mode: Type.String(),
  RW: Type.Boolean(),
  Propagation: Type.String(),
});
export type MountPoint = Static<typeof MountPoint>;

/** An endpoint as inspect shows it (engine-api, EndpointSettings). */
export const NetworkEndpoint = Answer({
  IPAMConfig: Nullable(EndpointIpamConfig),
  Links: Nullable(Strings),
  Aliases: Nullable(Strings),
  MacAddress: Type.String(),
  DriverOpts: Nullable(StringMap),
  GwPriority: Type.Optional(Int),
  NetworkID: Type.String(),
  EndpointID: Type.String(),
  Gateway: Type.String(),
  IPAddress: Type.String(),
  IPPrefixLen: Int,
  IPv6Gateway: Type.String(),
  GlobalIPv6Address: Type.String(),
  GlobalIPv6PrefixLen: Int,
  DNSNames: Type.Optional(Nullable(Strings)),
});
export type NetworkEndpoint = Static<typeof NetworkEndpoint>;

/** engine-api, DriverData. */
export const GraphDriver = Answer({ Name: Type.String(), Data: Nullable(StringMap) });
export type GraphDriver = Static<typeof GraphDriver>;
