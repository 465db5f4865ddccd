import { cancelled } from "../../base/errors.ts";
import { blockSize } from "../tar/header.ts";
import type { ByteSource } from "../tar/reader.ts";

/** Indices of the control words. Head and tail count bytes modulo 2^32. */
const head = 0;
const tail = 1;
const state = 2;
/** Counts everything that either side could wait for, so that no wake-up is lost between a look and a wait. */
const events = 3;
const controlBytes = 16;

const running = 0;
const ended = 1;
const stopped = 2;

/** Bytes in the ring: enough for both sides to work without waking each other for each file. */
const capacity = 4 << 20;
/** The reader gives space back in pieces of this size, for each costs a wake-up of the other side. */
const releaseSize = 1 << 20;

/**
 * Memory that two threads share: one puts the bytes of an archive in, the other takes them out. Either, or the main
 * thread, can stop it; then both sides' calls throw `cancelled`. Make it with {@link newRing}.
 */
export type Ring = SharedArrayBuffer;

export function newRing(): Ring {
  return new SharedArrayBuffer(controlBytes + capacity);
}

/** Makes both sides stop. */
export function stopRing(ring: Ring): void {
  const control = new Int32Array(ring, 0, 4);
  Atomics.store(control, state, stopped);
  wake(control);
}

function wake(control: Int32Array): void {
  Atomics.add(control, events, 1);
  Atomics.notify(control, events);
}

/** Throws `cancelled` where the ring was stopped. */
export function checkRing(ring: Ring): void {
  if (Atomics.load(new Int32Array(ring, 0, 4), state) === stopped) throw stoppedError();
}

const stoppedError = () => cancelled("unpack: stopped");

/** The side that puts bytes in. */
export class RingWriter {
  readonly #control: Int32Array;
  readonly #bytes: Buffer;
  #head = 0;

  constructor(ring: Ring) {
    this.#control = new Int32Array(ring, 0, 4);
    this.#bytes = Buffer.from(ring, controlBytes, capacity);
  }

  /** A contiguous free part of at most `max` bytes, at least one. Waits for it. */
  space(max: number): Buffer {
    for (;;) {
      const before = Atomics.load(this.#control, events);
      if (Atomics.load(this.#control, state) === stopped) throw stoppedError();
      const free = capacity - ((this.#head - Atomics.load(this.#control, tail)) >>> 0);
      if (free > 0) {
        const at = (this.#head >>> 0) % capacity;
        return this.#bytes.subarray(at, at + Math.min(max, free, capacity - at));
      }
      Atomics.wait(this.#control, events, before);
    }
  }

  /** Hands the first `length` bytes of the last {@link space} to the other side. */
  publish(length: number): void {
    this.#head = (this.#head + length) | 0;
    Atomics.store(this.#control, head, this.#head);
    wake(this.#control);
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const space = this.space(bytes.length - at);
      space.set(bytes.subarray(at, at + space.length));
      this.publish(space.length);
      at += space.length;
    }
  }

  /** No more bytes come. */
  end(): void {
    Atomics.compareExchange(this.#control, state, running, ended);
    wake(this.#control);
  }
}

/** The side that takes bytes out. */
export class RingReader implements ByteSource {
  readonly #control: Int32Array;
  readonly #bytes: Buffer;
  /** Taken so far, what of that was given back, and the newest head seen. */
  #tail = 0;
  #released = 0;
  #seenHead = 0;

  constructor(ring: Ring) {
    this.#control = new Int32Array(ring, 0, 4);
    this.#bytes = Buffer.from(ring, controlBytes, capacity);
  }

  take(max: number): Buffer {
    this.#release(releaseSize);
    const available = this.#await(1);
    const at = (this.#tail >>> 0) % capacity;
    const length = Math.min(max, available, capacity - at);
    this.#tail = (this.#tail + length) | 0;
    return this.#bytes.subarray(at, at + length);
  }

  block(): Buffer {
    this.#release(releaseSize);
    const length = Math.min(blockSize, this.#await(blockSize));
    const at = (this.#tail >>> 0) % capacity;
    this.#tail = (this.#tail + length) | 0;
    return this.#bytes.subarray(at, at + length);
  }

  /** Takes what is left, so that the other side can go to its end. */
  drain(): void {
    while (this.take(capacity).length > 0);
  }

  /** Waits until `wanted` bytes are there, or the end; how many there are. */
  #await(wanted: number): number {
    let available = (this.#seenHead - this.#tail) >>> 0;
    while (available < wanted) {
      const before = Atomics.load(this.#control, events);
      // The state is read first: once it says that the end is there, the head does not move any more.
      const seenState = Atomics.load(this.#control, state);
      if (seenState === stopped) throw stoppedError();
      this.#seenHead = Atomics.load(this.#control, head);
      available = (this.#seenHead - this.#tail) >>> 0;
      if (available >= wanted || seenState === ended) break;
      this.#release(1);
      Atomics.wait(this.#control, events, before);
    }
    return available;
  }

  /** Gives back what was taken before, where that is at least `least` bytes. */
  #release(least: number): void {
    if ((this.#tail - this.#released) >>> 0 < least) return;
    this.#released = this.#tail;
    Atomics.store(this.#control, tail, this.#tail);
    wake(this.#control);
  }
}
