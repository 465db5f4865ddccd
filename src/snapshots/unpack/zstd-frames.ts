import { corrupt } from "../../base/errors.ts";

/** What a piece of the stream is: part of a frame, or the end of one. */
export type FramePiece = { readonly bytes: Buffer } | "end";

const frameMagic = 0xfd2fb528;
const skippableMask = 0xfffffff0;
const skippableMagic = 0x184d2a50;

/**
 * Cuts a zstd stream into its frames (RFC 8878, 3.1), because Node's decompressor stops after the first one, and
 * drops skippable frames. It reads frame and block headers only. Feed it with {@link push}; {@link finish} throws
 * `corrupt` where the stream ends inside of a frame.
 */
export class ZstdFrames {
  /** Bytes of a header that is not whole yet. */
  #partial = Buffer.alloc(0);
  /** Bytes that belong to what was begun: passed on, or dropped. */
  #left = 0;
  #dropping = false;
  #expect: "frame" | "block" | "last" = "frame";
  #checksum = false;

  *push(chunk: Buffer): Generator<FramePiece> {
    let at = 0;
    while (at < chunk.length || this.#left === 0) {
      if (this.#left > 0) {
        const bytes = chunk.subarray(at, at + this.#left);
        at += bytes.length;
        this.#left -= bytes.length;
        if (!this.#dropping) yield { bytes };
        if (this.#left > 0) return;
        continue;
      }
      if (this.#expect === "last") {
        this.#expect = "frame";
        if (!this.#dropping) yield "end";
        continue;
      }
      const from = this.#partial.length;
      const ahead = Buffer.concat([this.#partial, chunk.subarray(at, at + 18)]);
      const used = this.#expect === "frame" ? this.#frameHeader(ahead) : this.#blockHeader(ahead);
      if (used === 0) {
        this.#partial = ahead;
        return;
      }
      this.#partial = Buffer.alloc(0);
      at += used - from;
      if (!this.#dropping) yield { bytes: ahead.subarray(0, used) };
    }
  }

  finish(): void {
    if (this.#expect !== "frame" || this.#left > 0 || this.#partial.length > 0) throw corrupt("zstd: unexpected EOF");
  }

  /** How many bytes the frame header takes; 0 where more are needed. */
  #frameHeader(bytes: Buffer): number {
    if (bytes.length < 5) return 0;
    const magic = bytes.readUInt32LE(0);
    this.#dropping = (magic & skippableMask) >>> 0 === skippableMagic;
    if (this.#dropping) {
      if (bytes.length < 8) return 0;
      this.#left = bytes.readUInt32LE(4);
      this.#expect = "last";
      return 8;
    }
    if (magic !== frameMagic) throw corrupt("zstd: invalid frame header");
    const descriptor = bytes[4]!;
    const single = (descriptor & 0x20) !== 0;
    const contentSize = [single ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
    const size = 5 + (single ? 0 : 1) + [0, 1, 2, 4][descriptor & 3]! + contentSize;
    if (bytes.length < size) return 0;
    this.#checksum = (descriptor & 4) !== 0;
    this.#expect = "block";
    return size;
  }

  #blockHeader(bytes: Buffer): number {
    if (bytes.length < 3) return 0;
    const header = bytes.readUIntLE(0, 3);
    const type = (header >> 1) & 3;
    // A run-length block holds one byte, whatever size it says that it stands for.
    this.#left = type === 1 ? 1 : header >> 3;
    if (type === 3) throw corrupt("zstd: invalid block type");
    if ((header & 1) !== 0) {
      this.#expect = "last";
      if (this.#checksum) this.#left += 4;
    }
    return 3;
  }
}
