import { check, errnoName, failure, lastErrno } from "../sys/errno.ts";
import { close, recv, send, sendElsewhere, setsockopt, socket } from "../sys/libc.ts";
import {
  type NetlinkReply,
  NetlinkWriter,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_DUMP_INTR,
  NLM_F_REQUEST,
  parseAttributes,
  splitMessages,
  textOf,
} from "./netlink.ts";

export const NETLINK_ROUTE = 0;
export const NETLINK_NETFILTER = 12;

const NLMSG_ERROR = 2;
const NLMSG_DONE = 3;
const SOL_SOCKET = 1;
const SOL_NETLINK = 270;
const MSG_DONTWAIT = 0x40;
const MSG_TRUNC = 0x20;

/** How the kernel answered one message: `errno` is 0 for an acknowledgement, `detail` its extended words. */
export interface NetlinkAck {
  readonly sequence: number;
  readonly errno: number;
  readonly detail: string | undefined;
}

/** Shared by all sockets of the worker, which reads from one at a time. A dump's datagrams are at most 32 KiB. */
const receiveBuffer = Buffer.alloc(256 * 1024);

/** The request that is being written; the kernel has read it when `send` returns. */
const scratch = new NetlinkWriter(4096);

/**
 * A netlink socket in the namespace that the thread is in when it is made, whichever the thread is in later. The
 * kernel carries out a message within `send`, so every answer is there when that returns and nothing here waits.
 */
export class NetlinkSocket {
  readonly #fd: number;
  #sequence = 1;

  constructor(protocol: number) {
    const SOCK_RAW = 3;
    const SOCK_CLOEXEC = 0x80000;
    this.#fd = check(socket(16, SOCK_RAW | SOCK_CLOEXEC, protocol), "open a netlink socket");
    for (const name of [11 /* NETLINK_EXT_ACK */, 10 /* NETLINK_CAP_ACK */]) this.#set(SOL_NETLINK, name, 1);
  }

  /** Lets the socket send and receive more at once than the system's default; needs CAP_NET_ADMIN. */
  buffers(bytes: number): void {
    this.#set(SOL_SOCKET, 32 /* SO_SNDBUFFORCE */, bytes);
    this.#set(SOL_SOCKET, 33 /* SO_RCVBUFFORCE */, bytes);
  }

  nextSequence(): number {
    this.#sequence = (this.#sequence + 1) >>> 0;
    return this.#sequence;
  }

  /** Sends one request and returns its replies. Throws {@link failure} of `step` where the kernel refuses. */
  request(step: string, type: number, flags: number, body: (writer: NetlinkWriter) => void): NetlinkReply[] {
    const sequence = this.#compose(scratch.reset(), NLM_F_ACK | flags, type, body);
    this.send(step, scratch.bytes);
    return this.#answer(step, sequence);
  }

  /** As {@link request}, with a thread of the pool in the system call: for what the kernel takes long over. */
  async requestElsewhere(
    step: string,
    type: number,
    flags: number,
    body: (writer: NetlinkWriter) => void,
  ): Promise<NetlinkReply[]> {
    const writer = new NetlinkWriter();
    const sequence = this.#compose(writer, NLM_F_ACK | flags, type, body);
    // errno is of the other thread: an answer tells what there is to know.
    await sendElsewhere(this.#fd, writer.bytes);
    return this.#answer(step, sequence);
  }

  /** Reads a whole table; again where it changed while it was read. */
  dump(step: string, type: number, body: (writer: NetlinkWriter) => void): NetlinkReply[] {
    for (let attempt = 0; attempt < 10; attempt++) {
      const sequence = this.#compose(scratch.reset(), NLM_F_DUMP, type, body);
      this.send(step, scratch.bytes);
      const { replies, acks } = this.drain(step);
      const ack = acks.find((one) => one.sequence === sequence && one.errno !== 0);
      if (ack) throw failure(step, errnoName(ack.errno), ack.detail);
      const mine = replies.filter((reply) => reply.sequence === sequence);
      if (mine.every((reply) => (reply.flags & NLM_F_DUMP_INTR) === 0)) return mine;
    }
    throw failure(step, "EINTR", "the table kept changing while it was read");
  }

  send(step: string, bytes: Uint8Array): void {
    check(send(this.#fd, bytes, bytes.length, 0), step);
  }

  /** Takes every answer that is there. */
  drain(step: string): { replies: NetlinkReply[]; acks: NetlinkAck[] } {
    const replies: NetlinkReply[] = [];
    const acks: NetlinkAck[] = [];
    for (;;) {
      const size = recv(this.#fd, receiveBuffer, receiveBuffer.length, MSG_DONTWAIT | MSG_TRUNC);
      if (size < 0) {
        const errno = errnoName(lastErrno());
        if (errno === "EINTR") continue;
        if (errno === "EAGAIN") return { replies, acks };
        throw failure(step, errno, "reading the kernel's answer");
      }
      if (size > receiveBuffer.length) throw failure(step, "EMSGSIZE", "reading the kernel's answer");
      for (const message of splitMessages(Buffer.from(receiveBuffer.subarray(0, size)))) {
        if (message.type === NLMSG_ERROR || message.type === NLMSG_DONE) acks.push(parseAck(message));
        else replies.push(message);
      }
    }
  }

  close(): void {
    close(this.#fd);
  }

  /** Writes a request and returns its number. */
  #compose(writer: NetlinkWriter, flags: number, type: number, body: (writer: NetlinkWriter) => void): number {
    const sequence = this.nextSequence();
    writer.message(type, NLM_F_REQUEST | flags, sequence, () => body(writer));
    return sequence;
  }

  #answer(step: string, sequence: number): NetlinkReply[] {
    const { replies, acks } = this.drain(step);
    const ack = acks.find((one) => one.sequence === sequence);
    if (!ack) throw failure(step, "EPROTO", "no answer of the kernel");
    if (ack.errno !== 0) throw failure(step, errnoName(ack.errno), ack.detail);
    return replies.filter((reply) => reply.sequence === sequence);
  }

  #set(level: number, name: number, value: number): void {
    const bytes = Buffer.alloc(4);
    bytes.writeInt32LE(value);
    setsockopt(this.#fd, level, name, bytes, bytes.length);
  }
}

function parseAck(message: NetlinkReply): NetlinkAck {
  const { payload, flags, sequence } = message;
  const errno = payload.length >= 4 ? -payload.readInt32LE(0) : 0;
  const NLM_F_CAPPED = 0x100;
  const NLM_F_ACK_TLVS = 0x200;
  if (message.type !== NLMSG_ERROR || (flags & NLM_F_ACK_TLVS) === 0) return { sequence, errno, detail: undefined };
  // The request's header follows the number, and its payload too unless it was cut off.
  const echoed = (flags & NLM_F_CAPPED) !== 0 ? 16 : (payload.readUInt32LE(4) + 3) & ~3;
  return { sequence, errno, detail: textOf(parseAttributes(payload, 4 + echoed).get(1)) };
}
