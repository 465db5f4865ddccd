/** The frames that travel between the daemon and a shim; `native/shim/PROTOCOL.md` describes them. */

export const requests = {
  init: 1,
  start: 2,
  attach: 3,
  exec: 4,
  resize: 5,
  signal: 6,
  status: 7,
  dispose: 8,
} as const;
export type RequestType = (typeof requests)[keyof typeof requests];

export const replies = { ok: 128, error: 129, exit: 130, execExit: 131 } as const;

/** What an error reply is about. */
export const errorKinds = { runtime: 1, notFound: 2, invalid: 3, system: 4 } as const;

export const flags = {
  terminal: 1,
  openStdin: 2,
  stdinOnce: 4,
  log: 8,
  stdin: 16,
  stdout: 32,
  stderr: 64,
} as const;

/** Bytes before the body: u32 length of what follows, u8 type, u32 sequence. */
export const headerLength = 9;
const maxString = 0xffff;

/** Builds the body of a frame. Numbers are little-endian. */
export class BodyWriter {
  readonly #parts: Buffer[] = [];

  u16(value: number): this {
    const bytes = Buffer.allocUnsafe(2);
    bytes.writeUInt16LE(value);
    return this.#add(bytes);
  }

  u32(value: number): this {
    const bytes = Buffer.allocUnsafe(4);
    bytes.writeUInt32LE(value);
    return this.#add(bytes);
  }

  u64(value: number | bigint): this {
    const bytes = Buffer.allocUnsafe(8);
    bytes.writeBigUInt64LE(BigInt(value));
    return this.#add(bytes);
  }

  /** u16 length, UTF-8, one zero. A string that cannot travel is a RangeError. */
  string(value: string): this {
    const bytes = Buffer.from(value);
    if (bytes.length > maxString || bytes.includes(0)) throw new RangeError(`not a string for the shim: ${value}`);
    return this.u16(bytes.length).#add(bytes).#add(Buffer.alloc(1));
  }

  frame(type: RequestType, sequence: number): Buffer {
    const body = Buffer.concat(this.#parts);
    const frame = Buffer.allocUnsafe(headerLength + body.length);
    frame.writeUInt32LE(headerLength - 4 + body.length, 0);
    frame.writeUInt8(type, 4);
    frame.writeUInt32LE(sequence, 5);
    body.copy(frame, headerLength);
    return frame;
  }

  #add(bytes: Buffer): this {
    this.#parts.push(bytes);
    return this;
  }
}

/** A reply or an event. */
export interface Frame {
  readonly type: number;
  readonly sequence: number;
  readonly body: BodyReader;
}

/** Reads the body of a frame from front to back. */
export class BodyReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  u8(): number {
    return this.#bytes.readUInt8(this.#skip(1));
  }

  u16(): number {
    return this.#bytes.readUInt16LE(this.#skip(2));
  }

  u32(): number {
    return this.#bytes.readUInt32LE(this.#skip(4));
  }

  u64(): bigint {
    return this.#bytes.readBigUInt64LE(this.#skip(8));
  }

  string(): string {
    const length = this.u16();
    const from = this.#skip(length + 1);
    return this.#bytes.toString("utf8", from, from + length);
  }

  #skip(count: number): number {
    const from = this.#at;
    this.#at += count;
    return from;
  }
}

/** Cuts a byte stream into frames. */
export class FrameSplitter {
  #pending: Buffer = Buffer.alloc(0);

  *push(chunk: Buffer): Generator<Frame> {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    while (this.#pending.length >= headerLength) {
      const end = this.#pending.readUInt32LE(0) + 4;
      if (this.#pending.length < end) return;
      const bytes = this.#pending.subarray(0, end);
      this.#pending = this.#pending.subarray(end);
      yield decodeFrame(bytes);
    }
  }
}

/** Decodes one whole frame. */
export function decodeFrame(bytes: Buffer): Frame {
  return {
    type: bytes.readUInt8(4),
    sequence: bytes.readUInt32LE(5),
    body: new BodyReader(bytes.subarray(headerLength)),
  };
}
