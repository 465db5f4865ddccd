import { invalid, notImplemented } from "../../base/errors.ts";
import type { BodyOf } from "../../client/endpoints/endpoint.ts";
import type { networkCreate } from "../../client/endpoints/networks.ts";
import type { Ipam, IpamPool, NetworkRequest } from "../../networks/networks.ts";

type Body = BodyOf<typeof networkCreate>;
type Pool = NonNullable<NonNullable<Body["IPAM"]>["Config"]>[number];

/** A request for a network from its body. */
export function networkRequest(body: Body): NetworkRequest {
  if (!body.Name) throw invalid("invalid name: name is empty");
  if (body.ConfigOnly || body.ConfigFrom?.Network) throw notImplemented("config-only networks are not implemented yet");
  if (body.Ingress) throw notImplemented("ingress networks are not implemented yet");
  const ipam = ipamOf(body.IPAM);
  return {
    name: body.Name,
    ...(body.Driver && { driver: body.Driver }),
    internal: body.Internal ?? false,
    attachable: body.Attachable ?? false,
    ...(body.EnableIPv4 !== undefined && { enableIPv4: body.EnableIPv4 }),
    ...(body.EnableIPv6 !== undefined && { enableIPv6: body.EnableIPv6 }),
    ...(ipam && { ipam }),
    options: body.Options ?? {},
    labels: body.Labels ?? {},
  };
}

function ipamOf(ipam: Body["IPAM"]): Ipam | undefined {
  if (!ipam) return undefined;
  return {
    driver: ipam.Driver || "default",
    ...(ipam.Options && { options: ipam.Options }),
    config: (ipam.Config ?? []).map(poolOf),
  };
}

function poolOf(pool: Pool): IpamPool {
  return {
    ...(pool.Subnet && { subnet: pool.Subnet }),
    ...(pool.IPRange && { ipRange: pool.IPRange }),
    ...(pool.Gateway && { gateway: pool.Gateway }),
    ...(pool.AuxiliaryAddresses && { auxAddresses: pool.AuxiliaryAddresses }),
  };
}
