import { errnoOf } from "../../base/errors.ts";
import type { ElementChange, NftField } from "../kernel.ts";
import { addressBytes } from "../net/address.ts";
import { eachAttribute, NetlinkWriter, NLM_F_CREATE, NLM_F_REQUEST, parseAttributes } from "../net/netlink.ts";
import { NETLINK_NETFILTER, type NetlinkAck, NetlinkSocket } from "../net/socket.ts";
import { errnoName, failure } from "../sys/errno.ts";

/**
 * Elements of nftables maps and sets over nfnetlink (linux/netfilter/nfnetlink.h, nf_tables.h): one batch of messages
 * is one transaction.
 */
const NFNL_SUBSYS_NFTABLES = 10;
const NFNL_MSG_BATCH_BEGIN = 16;
const NFNL_MSG_BATCH_END = 17;
const NFT_MSG_NEWSETELEM = (NFNL_SUBSYS_NFTABLES << 8) | 12;
const NFT_MSG_GETSETELEM = (NFNL_SUBSYS_NFTABLES << 8) | 13;
const NFT_MSG_DELSETELEM = (NFNL_SUBSYS_NFTABLES << 8) | 14;
const NFPROTO_INET = 1;

const NFTA_SET_ELEM_LIST_TABLE = 1;
const NFTA_SET_ELEM_LIST_SET = 2;
const NFTA_SET_ELEM_LIST_ELEMENTS = 3;
const NFTA_LIST_ELEM = 1;
const NFTA_SET_ELEM_KEY = 1;
const NFTA_SET_ELEM_DATA = 2;
const NFTA_DATA_VALUE = 1;

/** An attribute holds less than 64 KiB; an element takes at most about 200 bytes. */
const elementsPerMessage = 250;

/**
 * Reads and changes elements in the namespace in which it is first used. Its socket stays open: closing one waits until
 * what was removed before has been freed, for an RCU grace period (`nft_rcv_nl_event` in net/netfilter/nf_tables_api.c).
 */
export class NftElements {
  #open: NetlinkSocket | undefined;

  /**
   * Applies the changes in order as one transaction. An element that is there with the same value is no error, nor is
   * removing one that is missing: those are left out and the rest is tried again.
   */
  change(table: string, changes: readonly ElementChange[]): void {
    const socket = this.#socket();
    // Each refused removal is answered on its own; the kernel counts about a kilobyte for an answer.
    socket.buffers(256 * 1024 + changes.length * 2048);
    let left = changes;
    while (left.length > 0) left = attempt(socket, table, left);
  }

  /** Keys and values of a set as hex text, which crosses threads cheaply; undefined where there is no such set. */
  read(table: string, set: string): HexElement[] | undefined {
    try {
      const step = `read elements of inet ${table} ${set}`;
      const replies = this.#socket().dump(step, NFT_MSG_GETSETELEM, (w) => setHeader(w, table, set));
      return replies.flatMap(({ payload }) => {
        const list = parseAttributes(payload, 4).get(NFTA_SET_ELEM_LIST_ELEMENTS);
        return list ? Array.from(eachAttribute(list), ([, one]) => parseElement(one)) : [];
      });
    } catch (error) {
      if (errnoOf(error) === "ENOENT") return undefined;
      throw error;
    }
  }

  close(): void {
    this.#open?.close();
    this.#open = undefined;
  }

  #socket(): NetlinkSocket {
    this.#open ??= new NetlinkSocket(NETLINK_NETFILTER);
    return this.#open;
  }
}

export interface HexElement {
  readonly key: string;
  readonly value?: string;
}

/** Sends one batch. Returns what to try again: nothing where it was applied. */
function attempt(socket: NetlinkSocket, table: string, changes: readonly ElementChange[]): readonly ElementChange[] {
  const step = `change elements of inet ${table}`;
  const sent = new Map<number, readonly ElementChange[]>();
  socket.send(step, batch(socket, table, changes, sent));
  const gone = new Set<ElementChange>();
  for (const ack of socket.drain(step).acks) {
    const message = sent.get(ack.sequence);
    if (ack.errno === 0 || message === undefined) continue;
    const [change] = message;
    if (change?.action !== "remove" || errnoName(ack.errno) !== "ENOENT") throw refused(table, change, ack);
    gone.add(change);
  }
  return gone.size === 0 ? [] : changes.filter((change) => !gone.has(change));
}

function refused(table: string, change: ElementChange | undefined, ack: NetlinkAck): Error {
  const step = change ? `${change.action} elements of inet ${table} ${change.set}` : `change elements of inet ${table}`;
  const errno = errnoName(ack.errno);
  const words =
    (errno === "EEXIST" || errno === "EBUSY") && change?.action === "add"
      ? "the key is there with another value"
      : ack.detail;
  return failure(step, errno, words);
}

/** Writes the batch. `sent` gets each message's changes by its number, for its answer; an edge of the batch has none. */
function batch(
  socket: NetlinkSocket,
  table: string,
  changes: readonly ElementChange[],
  sent: Map<number, readonly ElementChange[]>,
): Buffer {
  const w = new NetlinkWriter(changes.length * 64 + 512);
  const message = (type: number, flags: number, group: readonly ElementChange[], body: () => void): void => {
    const sequence = socket.nextSequence();
    sent.set(sequence, group);
    w.message(type, NLM_F_REQUEST | flags, sequence, body);
  };
  const edge = (type: number): void => message(type, 0, [], () => w.u8(0).u8(0).u16be(NFNL_SUBSYS_NFTABLES));
  edge(NFNL_MSG_BATCH_BEGIN);
  for (const group of groups(changes)) {
    const [first] = group;
    const [type, flags] = first?.action === "add" ? [NFT_MSG_NEWSETELEM, NLM_F_CREATE] : [NFT_MSG_DELSETELEM, 0];
    message(type, flags, group, () => {
      setHeader(w, table, first?.set ?? "");
      w.nested(NFTA_SET_ELEM_LIST_ELEMENTS, () => {
        for (const change of group) element(w, change);
      });
    });
  }
  edge(NFNL_MSG_BATCH_END);
  return w.bytes;
}

/** Neighbouring additions to one set share a message; a removal has its own, so that its answer names it. */
function* groups(changes: readonly ElementChange[]): Generator<readonly ElementChange[]> {
  let group: ElementChange[] = [];
  for (const change of changes) {
    const first = group[0];
    const joins =
      change.action === "add" &&
      first?.action === "add" &&
      first.set === change.set &&
      group.length < elementsPerMessage;
    if (!joins && group.length > 0) {
      yield group;
      group = [];
    }
    group.push(change);
  }
  if (group.length > 0) yield group;
}

function element(w: NetlinkWriter, change: ElementChange): void {
  const { key, value } = change;
  w.nested(NFTA_LIST_ELEM, () => {
    w.nested(NFTA_SET_ELEM_KEY, () => w.attributeBytes(NFTA_DATA_VALUE, fieldsBytes(key)));
    if (change.action !== "add" || value === undefined) return;
    w.nested(NFTA_SET_ELEM_DATA, () => w.attributeBytes(NFTA_DATA_VALUE, fieldsBytes(value)));
  });
}

/** `struct nfgenmsg` and the names of table and set. */
function setHeader(w: NetlinkWriter, table: string, set: string): void {
  w.u8(NFPROTO_INET).u8(0).u16be(0);
  w.attributeText(NFTA_SET_ELEM_LIST_TABLE, table).attributeText(NFTA_SET_ELEM_LIST_SET, set);
}

/** Bytes of a key or value. A concatenation pads each field to four bytes; a single field has its own length. */
export function fieldsBytes(fields: readonly NftField[]): Buffer {
  const parts = fields.map(fieldBytes);
  if (parts.length === 1) return parts[0]!;
  return Buffer.concat(parts.map(padded));
}

function fieldBytes(field: NftField): Buffer {
  switch (field.type) {
    case "ipv4":
    case "ipv6": {
      const bytes = addressBytes(field.value);
      if (bytes.length !== (field.type === "ipv4" ? 4 : 16)) throw failure(`${field.type} ${field.value}`, "EINVAL");
      return bytes;
    }
    case "port":
      return Buffer.from([field.value >> 8, field.value]);
    case "proto":
      return Buffer.from([field.value]);
    case "ifname": {
      const bytes = Buffer.alloc(16);
      if (Buffer.byteLength(field.value) > 15) throw failure(`interface name ${field.value}`, "EINVAL");
      bytes.write(field.value);
      return bytes;
    }
    case "mark": {
      const bytes = Buffer.alloc(4);
      bytes.writeUInt32LE(field.value >>> 0);
      return bytes;
    }
  }
}

function padded(bytes: Buffer): Buffer {
  const missing = -bytes.length & 3;
  return missing === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(missing)]);
}

function parseElement(bytes: Buffer): HexElement {
  const found = parseAttributes(bytes);
  const data = (type: number): string | undefined => {
    const outer = found.get(type);
    const value = outer && parseAttributes(outer).get(NFTA_DATA_VALUE);
    return value && padded(value).toString("hex");
  };
  const value = data(NFTA_SET_ELEM_DATA);
  return { key: data(NFTA_SET_ELEM_KEY) ?? "", ...(value === undefined ? {} : { value }) };
}
