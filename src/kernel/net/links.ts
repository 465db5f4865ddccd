import type { LinkInfo } from "../kernel.ts";
import { failure } from "../sys/errno.ts";
import { macBytes, macText } from "./address.ts";
import {
  eachAttribute,
  type NetlinkReply,
  type NetlinkWriter,
  NLM_F_CREATE,
  NLM_F_EXCL,
  parseAttributes,
  textOf,
  u32Of,
} from "./netlink.ts";
import type { NetlinkSocket } from "./socket.ts";

/** Links over rtnetlink(7): linux/rtnetlink.h, linux/if_link.h. */
const RTM_NEWLINK = 16;
const RTM_DELLINK = 17;
const RTM_GETLINK = 18;

const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_LINKINFO = 18;
const IFLA_IFALIAS = 20;
const IFLA_NET_NS_FD = 28;
const IFLA_EXT_MASK = 29;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_INFO_SLAVE_KIND = 4;
const IFLA_INFO_SLAVE_DATA = 5;
const IFLA_BRPORT_MODE = 4;
const IFLA_BRPORT_ISOLATED = 33;
const IFF_UP = 1;

/** What a new link, or a change of one, sets. */
export interface LinkSettings {
  readonly name?: string;
  readonly up?: boolean;
  readonly mtu?: number;
  readonly mac?: string;
  /** The index of the bridge; 0 for none. */
  readonly master?: number;
  /** The index of the link beneath (macvlan, vxlan). */
  readonly parent?: number;
  /** A descriptor of the namespace that it is made in or moves to. */
  readonly namespace?: number;
}

export interface NewLink extends LinkSettings {
  readonly name: string;
  readonly kind: string;
  /** Writes the kind's own attributes. */
  readonly data?: (writer: NetlinkWriter) => void;
}

/** A link with what is needed to put it back as it was. */
export interface LinkState extends LinkInfo {
  readonly hairpin: boolean | undefined;
  readonly isolated: boolean | undefined;
}

export function newLink(socket: NetlinkSocket, link: NewLink): void {
  socket.request(`add ${link.kind} ${link.name}`, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, (w) => {
    header(w, 0, link.up);
    settings(w, link);
    w.nested(IFLA_LINKINFO, () => {
      w.attributeText(IFLA_INFO_KIND, link.kind);
      if (link.data) w.nested(IFLA_INFO_DATA, () => link.data?.(w));
    });
  });
}

/** The data of a veth: its other end, a link message of its own (linux/veth.h, `VETH_INFO_PEER`). */
export function vethPeer(peer: LinkSettings): (writer: NetlinkWriter) => void {
  return (w) =>
    w.nested(1, () => {
      header(w, 0, peer.up);
      settings(w, peer);
    });
}

const macvlanModes = { private: 1, vepa: 2, bridge: 4, passthru: 8 } as const;

export function macvlanMode(mode: keyof typeof macvlanModes): (writer: NetlinkWriter) => void {
  return (w) => w.attributeU32(1, macvlanModes[mode]);
}

export function changeLink(socket: NetlinkSocket, step: string, index: number, change: LinkSettings): void {
  socket.request(step, RTM_NEWLINK, 0, (w) => {
    header(w, index, change.up);
    settings(w, change);
  });
}

/** Sets what a bridge keeps for one of its ports; `EOPNOTSUPP` where the link is none. */
export function changePort(
  socket: NetlinkSocket,
  step: string,
  index: number,
  port: { readonly hairpin?: boolean; readonly isolated?: boolean },
): void {
  socket.request(step, RTM_NEWLINK, 0, (w) => {
    header(w, index, undefined);
    w.nested(IFLA_LINKINFO, () => {
      w.attributeText(IFLA_INFO_SLAVE_KIND, "bridge");
      w.nested(IFLA_INFO_SLAVE_DATA, () => {
        if (port.hairpin !== undefined) w.attributeU8(IFLA_BRPORT_MODE, port.hairpin ? 1 : 0);
        if (port.isolated !== undefined) w.attributeU8(IFLA_BRPORT_ISOLATED, port.isolated ? 1 : 0);
      });
    });
  });
}

export function deleteLink(socket: NetlinkSocket, name: string): void {
  const step = `remove link ${name}`;
  socket.request(step, RTM_DELLINK, 0, (w) => {
    header(w, 0, undefined);
    w.attributeText(IFLA_IFNAME, checkName(step, name));
  });
}

/** As {@link deleteLink} without holding this thread: taking a link down waits for RCU, for 20 ms and more. */
export async function deleteLinkElsewhere(socket: NetlinkSocket, name: string): Promise<void> {
  const step = `remove link ${name}`;
  await socket.requestElsewhere(step, RTM_DELLINK, 0, (w) => {
    header(w, 0, undefined);
    w.attributeText(IFLA_IFNAME, checkName(step, name));
  });
}

/** A link by its name. Throws `ENODEV` where there is none. */
export function getLink(socket: NetlinkSocket, name: string): LinkState {
  const step = `look up link ${name}`;
  const [reply] = socket.request(step, RTM_GETLINK, 0, (w) => {
    header(w, 0, undefined);
    w.attributeText(IFLA_IFNAME, checkName(step, name));
    w.attributeU32(IFLA_EXT_MASK, 8 /* RTEXT_FILTER_SKIP_STATS */);
  });
  if (!reply) throw failure(step, "ENODEV");
  return parseLink(reply);
}

export function listLinks(socket: NetlinkSocket): LinkInfo[] {
  const replies = socket.dump("list links", RTM_GETLINK, (w) => {
    header(w, 0, undefined);
    w.attributeU32(IFLA_EXT_MASK, 8);
  });
  return replies
    .filter((reply) => reply.type === RTM_NEWLINK)
    .map((reply) => {
      const { hairpin: _, isolated: __, ...link } = parseLink(reply);
      return link;
    });
}

/** `struct ifinfomsg`. */
function header(w: NetlinkWriter, index: number, up: boolean | undefined): void {
  w.u8(0).u8(0).u16(0).u32(index);
  w.u32(up ? IFF_UP : 0).u32(up === undefined ? 0 : IFF_UP);
}

function settings(w: NetlinkWriter, link: LinkSettings): void {
  if (link.name !== undefined) w.attributeText(IFLA_IFNAME, checkName("name a link", link.name));
  if (link.mtu !== undefined) w.attributeU32(IFLA_MTU, link.mtu);
  if (link.mac !== undefined) w.attributeBytes(IFLA_ADDRESS, macBytes(link.mac));
  if (link.parent !== undefined) w.attributeU32(IFLA_LINK, link.parent);
  if (link.master !== undefined) w.attributeU32(IFLA_MASTER, link.master);
  if (link.namespace !== undefined) w.attributeU32(IFLA_NET_NS_FD, link.namespace);
}

/** The kernel takes at most 15 bytes, and would fill a `%d` in. */
function checkName(step: string, name: string): string {
  if (!/^[^\s/:%\0]+$/.test(name) || Buffer.byteLength(name) > 15) throw failure(`${step} ${name}`, "EINVAL");
  return name;
}

function parseLink(reply: NetlinkReply): LinkState {
  const { payload } = reply;
  const found = parseAttributes(payload, 16);
  const info = found.get(IFLA_LINKINFO);
  const kind = info && parseAttributes(info);
  const port = kind?.get(IFLA_INFO_SLAVE_DATA);
  const options =
    textOf(kind?.get(IFLA_INFO_SLAVE_KIND)) === "bridge" && port ? new Map(eachAttribute(port)) : undefined;
  const optional = { kind: textOf(kind?.get(IFLA_INFO_KIND)), master: u32Of(found.get(IFLA_MASTER)) };
  const alias = textOf(found.get(IFLA_IFALIAS));
  return {
    index: payload.readInt32LE(4),
    name: textOf(found.get(IFLA_IFNAME)) ?? "",
    mac: macText(found.get(IFLA_ADDRESS) ?? []),
    mtu: u32Of(found.get(IFLA_MTU)) ?? 0,
    up: (payload.readUInt32LE(8) & IFF_UP) !== 0,
    ...(optional.kind === undefined ? {} : { kind: optional.kind }),
    ...(optional.master === undefined ? {} : { master: optional.master }),
    ...(alias === undefined ? {} : { alias }),
    hairpin: flag(options?.get(IFLA_BRPORT_MODE)),
    isolated: flag(options?.get(IFLA_BRPORT_ISOLATED)),
  };
}

const flag = (value: Buffer | undefined): boolean | undefined => (value ? value[0] !== 0 : undefined);
