import type { AddressInfo, NetworkOperation, RouteInfo } from "../kernel.ts";
import { addressBytes, addressText, broadcastOf, macBytes, parsePrefix } from "./address.ts";
import {
  type NetlinkReply,
  type NetlinkWriter,
  NLM_F_CREATE,
  NLM_F_EXCL,
  NLM_F_REPLACE,
  parseAttributes,
  u32Of,
} from "./netlink.ts";
import type { NetlinkSocket } from "./socket.ts";

/** Addresses, routes and neighbours over rtnetlink(7): linux/if_addr.h, linux/rtnetlink.h, linux/neighbour.h. */
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;
const RTM_NEWNEIGH = 28;
const RTM_DELNEIGH = 29;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const IFA_FLAGS = 8;
const IFA_F_NODAD = 2;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_MULTIPATH = 9;
const RTA_TABLE = 15;
const RT_TABLE_MAIN = 254;
const RTPROT_BOOT = 3;
const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RT_SCOPE_HOST = 254;
const RT_SCOPE_NOWHERE = 255;
const RTN_UNICAST = 1;
const RTM_F_CLONED = 0x200;
const NUD_PERMANENT = 0x80;

export function addAddress(socket: NetlinkSocket, link: number, address: string, label: string, noDad = false): void {
  const prefix = parsePrefix(address);
  socket.request(`add address ${address} to ${label}`, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, (w) => {
    addressHeader(w, link, address);
    const broadcast = broadcastOf(prefix);
    if (broadcast) w.attributeBytes(IFA_BROADCAST, broadcast);
    if (noDad) w.attributeU32(IFA_FLAGS, IFA_F_NODAD);
  });
}

export function removeAddress(socket: NetlinkSocket, link: number, address: string, label: string): void {
  const step = `remove address ${address} from ${label}`;
  socket.request(step, RTM_DELADDR, 0, (w) => addressHeader(w, link, address));
}

/** `struct ifaddrmsg` and the address itself. */
function addressHeader(w: NetlinkWriter, link: number, address: string): void {
  const { family, length, bytes } = parsePrefix(address);
  const loopback = family === 2 && bytes[0] === 127;
  w.u8(family)
    .u8(length)
    .u8(0)
    .u8(loopback ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE)
    .u32(link);
  w.attributeBytes(IFA_LOCAL, bytes).attributeBytes(IFA_ADDRESS, bytes);
}

const scopes = new Map([
  [RT_SCOPE_UNIVERSE, "global"],
  [200, "site"],
  [RT_SCOPE_LINK, "link"],
  [RT_SCOPE_HOST, "host"],
] as const);

export function listAddresses(socket: NetlinkSocket): AddressInfo[] {
  const replies = socket.dump("list addresses", RTM_GETADDR, (w) => w.u32(0).u32(0));
  return replies.flatMap(({ type, payload }) => {
    const found = parseAttributes(payload, 8);
    const bytes = found.get(IFA_LOCAL) ?? found.get(IFA_ADDRESS);
    if (type !== RTM_NEWADDR || !bytes) return [];
    const scope = (scopes as ReadonlyMap<number, AddressInfo["scope"]>).get(payload[3] ?? 0) ?? "nowhere";
    return [{ link: payload.readUInt32LE(4), address: `${addressText(bytes)}/${payload[1]}`, scope }];
  });
}

type AddRoute = Extract<NetworkOperation, { readonly op: "addRoute" }>;
type RemoveRoute = Extract<NetworkOperation, { readonly op: "removeRoute" }>;

export function addRoute(socket: NetlinkSocket, route: AddRoute, link: number | undefined): void {
  socket.request(`add route ${routeText(route)}`, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, (w) => {
    const scope = route.via === undefined ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    routeHeader(w, route, { scope, protocol: RTPROT_BOOT, type: RTN_UNICAST });
    if (link !== undefined) w.attributeU32(RTA_OIF, link);
    if (route.source !== undefined) w.attributeBytes(RTA_PREFSRC, addressBytes(route.source));
    if (route.metric !== undefined) w.attributeU32(RTA_PRIORITY, route.metric);
  });
}

export function removeRoute(socket: NetlinkSocket, route: RemoveRoute, link: number | undefined): void {
  socket.request(`remove route ${routeText(route)}`, RTM_DELROUTE, 0, (w) => {
    // Nowhere, and no protocol or type, match any.
    routeHeader(w, route, { scope: RT_SCOPE_NOWHERE, protocol: 0, type: 0 });
    if (link !== undefined) w.attributeU32(RTA_OIF, link);
  });
}

/** `struct rtmsg`, destination and gateway. */
function routeHeader(
  w: NetlinkWriter,
  route: { readonly to: string; readonly via?: string; readonly source?: string },
  header: { readonly scope: number; readonly protocol: number; readonly type: number },
): void {
  const v6 = (route.via ?? route.source ?? "").includes(":");
  const to = parsePrefix(route.to !== "default" ? route.to : v6 ? "::/0" : "0.0.0.0/0");
  w.u8(to.family).u8(to.length).u8(0).u8(0);
  w.u8(RT_TABLE_MAIN).u8(header.protocol).u8(header.scope).u8(header.type).u32(0);
  if (to.length > 0) w.attributeBytes(RTA_DST, to.bytes);
  if (route.via !== undefined) w.attributeBytes(RTA_GATEWAY, addressBytes(route.via));
}

function routeText(route: RemoveRoute | AddRoute): string {
  return `${route.to}${route.via ? ` via ${route.via}` : ""}${route.link ? ` on ${route.link}` : ""}`;
}

/** The unicast routes of every table. */
export function listRoutes(socket: NetlinkSocket): RouteInfo[] {
  return [2, 10].flatMap((family) =>
    socket.dump("list routes", RTM_GETROUTE, (w) => w.u8(family).u8(0).u16(0).u32(0).u32(0)).flatMap(parseRoute),
  );
}

function parseRoute({ type, payload }: NetlinkReply): RouteInfo[] {
  if (type !== RTM_NEWROUTE || payload[7] !== RTN_UNICAST || (payload.readUInt32LE(8) & RTM_F_CLONED) !== 0) return [];
  const found = parseAttributes(payload, 12);
  const hop = found.get(RTA_MULTIPATH);
  const first = hop && parseAttributes(hop.subarray(0, hop.readUInt16LE(0)), 8);
  const via = found.get(RTA_GATEWAY) ?? first?.get(RTA_GATEWAY);
  const link = u32Of(found.get(RTA_OIF)) ?? (hop ? hop.readInt32LE(4) : undefined);
  const source = found.get(RTA_PREFSRC);
  const metric = u32Of(found.get(RTA_PRIORITY));
  const to = found.get(RTA_DST) ?? Buffer.alloc(payload[0] === 2 ? 4 : 16);
  return [
    {
      to: `${addressText(to)}/${payload[1]}`,
      ...(via ? { via: addressText(via) } : {}),
      ...(link !== undefined ? { link } : {}),
      ...(source ? { source: addressText(source) } : {}),
      table: u32Of(found.get(RTA_TABLE)) ?? payload[4] ?? 0,
      ...(metric !== undefined ? { metric } : {}),
    },
  ];
}

export function addNeighbour(socket: NetlinkSocket, link: number, address: string, mac: string, label: string): void {
  const step = `add neighbour ${address} to ${label}`;
  socket.request(step, RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE, (w) => {
    neighbourHeader(w, link, address);
    w.attributeBytes(2, macBytes(mac));
  });
}

export function removeNeighbour(socket: NetlinkSocket, link: number, address: string, label: string): void {
  const step = `remove neighbour ${address} from ${label}`;
  socket.request(step, RTM_DELNEIGH, 0, (w) => neighbourHeader(w, link, address));
}

/** `struct ndmsg` and the address. */
function neighbourHeader(w: NetlinkWriter, link: number, address: string): void {
  const bytes = addressBytes(address);
  w.u8(bytes.length === 4 ? 2 : 10)
    .u8(0)
    .u16(0)
    .u32(link)
    .u16(NUD_PERMANENT)
    .u8(0)
    .u8(0);
  w.attributeBytes(1, bytes);
}
