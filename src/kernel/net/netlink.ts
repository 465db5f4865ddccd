import { endianness } from "node:os";

/**
 * Netlink messages as bytes (netlink(7), linux/netlink.h): building, and taking apart. Numbers are in the host's order,
 * which is little-endian on every machine that Node is built for and that this engine supports.
 */
if (endianness() !== "LE") throw new Error("netlink.ts is written for little-endian machines");

export const NLM_F_REQUEST = 1;
export const NLM_F_ACK = 4;
export const NLM_F_DUMP_INTR = 0x10;
export const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;

const NLA_F_NESTED = 0x8000;

/** Grows as it is written to. Attributes are padded to four bytes as they end. */
export class NetlinkWriter {
  #bytes: Buffer;
  #at = 0;

  constructor(size = 1024) {
    this.#bytes = Buffer.allocUnsafe(size);
  }

  /** What was written so far; valid until the next write. */
  get bytes(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  /** Starts anew in the same memory. */
  reset(): this {
    this.#at = 0;
    return this;
  }

  /** One message: header, then what `body` writes. */
  message(type: number, flags: number, sequence: number, body: () => void): this {
    const start = this.#reserve(16);
    this.#bytes.writeUInt16LE(type, start + 4);
    this.#bytes.writeUInt16LE(flags, start + 6);
    this.#bytes.writeUInt32LE(sequence, start + 8);
    body();
    this.#bytes.writeUInt32LE(this.#at - start, start);
    return this;
  }

  u8(value: number): this {
    const at = this.#reserve(1);
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    this.#bytes.writeUInt16LE(value, this.#reserve(2));
    return this;
  }

  u16be(value: number): this {
    this.#bytes.writeUInt16BE(value, this.#reserve(2));
    return this;
  }

  u32(value: number): this {
    this.#bytes.writeUInt32LE(value >>> 0, this.#reserve(4));
    return this;
  }

  raw(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length);
    this.#bytes.set(bytes, at);
    return this;
  }

  /** An attribute whose payload `body` writes. */
  attribute(type: number, body: () => void): this {
    const start = this.#reserve(4);
    this.#bytes.writeUInt16LE(type, start + 2);
    body();
    this.#bytes.writeUInt16LE(this.#at - start, start);
    this.#reserve(-(this.#at - start) & 3);
    return this;
  }

  nested(type: number, body: () => void): this {
    return this.attribute(type | NLA_F_NESTED, body);
  }

  attributeBytes(type: number, bytes: Uint8Array): this {
    return this.attribute(type, () => this.raw(bytes));
  }

  attributeU8(type: number, value: number): this {
    return this.attribute(type, () => this.u8(value));
  }

  attributeU32(type: number, value: number): this {
    return this.attribute(type, () => this.u32(value));
  }

  /** A string with its final NUL. */
  attributeText(type: number, text: string): this {
    return this.attributeBytes(type, Buffer.from(`${text}\0`));
  }

  /** Makes room for `size` zero bytes and returns where they start. */
  #reserve(size: number): number {
    const start = this.#at;
    const end = start + size;
    if (end > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(end, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, start);
      this.#bytes = larger;
    }
    this.#at = end;
    this.#bytes.fill(0, start, end);
    return start;
  }
}

/** A message of the kernel: its payload starts behind the netlink header. */
export interface NetlinkReply {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly payload: Buffer;
}

/** The messages of one datagram. */
export function* splitMessages(datagram: Buffer): Generator<NetlinkReply> {
  for (let at = 0; at + 16 <= datagram.length; ) {
    const length = datagram.readUInt32LE(at);
    if (length < 16 || at + length > datagram.length) return;
    yield {
      type: datagram.readUInt16LE(at + 4),
      flags: datagram.readUInt16LE(at + 6),
      sequence: datagram.readUInt32LE(at + 8),
      payload: datagram.subarray(at + 16, at + length),
    };
    at += (length + 3) & ~3;
  }
}

/** The attributes of a payload behind its fixed part of `skip` bytes; a later one of the same type wins. */
export function parseAttributes(payload: Buffer, skip = 0): Map<number, Buffer> {
  const found = new Map<number, Buffer>();
  for (const [type, value] of eachAttribute(payload, skip)) found.set(type, value);
  return found;
}

/** Every attribute in order, for lists that repeat a type. */
export function* eachAttribute(payload: Buffer, skip = 0): Generator<[number, Buffer]> {
  for (let at = skip; at + 4 <= payload.length; ) {
    const length = payload.readUInt16LE(at);
    if (length < 4 || at + length > payload.length) return;
    yield [payload.readUInt16LE(at + 2) & 0x3fff, payload.subarray(at + 4, at + length)];
    at += (length + 3) & ~3;
  }
}

/** A string attribute without its final NUL. */
export function textOf(value: Buffer | undefined): string | undefined {
  return value?.toString("utf8").replace(/\0.*$/s, "");
}

/** A 32-bit attribute. */
export function u32Of(value: Buffer | undefined): number | undefined {
  return value !== undefined && value.length >= 4 ? value.readUInt32LE(0) : undefined;
}
