/** Which stream a frame of an attach or log stream belongs to (engine-api, ContainerAttach, "Stream format"). */
export type FrameTarget = (stream: "stdout" | "stderr", bytes: Buffer) => unknown;

/** A frame that is an error of the engine's own (stream 3, as Docker's stdcopy reads it). */
export class StreamError extends Error {}

const headerLength = 8;

/** Takes a multiplexed stream apart: 8-byte headers (stream, three zeros, big-endian length) before each piece. */
export class FrameReader {
  readonly #target: FrameTarget;
  #header = Buffer.alloc(headerLength);
  #have = 0;
  #left = 0;
  #stream = 0;
  #error: Buffer[] = [];

  constructor(target: FrameTarget) {
    this.#target = target;
  }

  /** Hands on what a chunk holds; payloads are handed on in pieces, as they come. */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      if (this.#left === 0) {
        const taken = chunk.copy(this.#header, this.#have, at, at + headerLength - this.#have);
        at += taken;
        this.#have += taken;
        if (this.#have < headerLength) return;
        this.#open();
      } else {
        const piece = chunk.subarray(at, at + this.#left);
        at += piece.length;
        this.#left -= piece.length;
        this.#hand(piece);
      }
    }
  }

  #open(): void {
    this.#have = 0;
    this.#stream = this.#header[0]!;
    this.#left = this.#header.readUInt32BE(4);
    if (this.#stream > 3) throw new StreamError(`Unrecognized input header: ${this.#stream}`);
  }

  #hand(piece: Buffer): void {
    if (this.#stream !== 3) {
      this.#target(this.#stream === 2 ? "stderr" : "stdout", piece);
      return;
    }
    this.#error.push(piece);
    if (this.#left === 0)
      throw new StreamError(`error from daemon in stream: ${Buffer.concat(this.#error).toString()}`);
  }
}
