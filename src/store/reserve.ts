import { closeSync, fstatSync, openSync, writeSync } from "node:fs";
import type { RootDatabase } from "lmdb";
import { errnoOf, exhausted, type KeelsonError } from "../base/errors.ts";

/** Bytes that are kept allocated behind the store's last page. */
const size = 2 << 20;
/** Below this many of them no new record is taken, only changes and removals. */
const least = size / 2;
/** Writes between two looks: so many never use up the difference. */
const lookEvery = 32;

/**
 * Room in the store's file for when the disk is full. LMDB never changes a page in place, so that even a removal needs
 * a few fresh ones: without them a container's end could not be recorded, nor anything be removed to make space.
 */
export class Reserve {
  readonly #root: RootDatabase;
  readonly #fd: number;
  #writes = 0;
  #enough: boolean;
  #watched = false;
  #refused: KeelsonError | undefined;

  constructor(root: RootDatabase, file: string) {
    this.#root = root;
    this.#fd = openSync(file, "r+");
    this.#enough = this.#grow();
  }

  /** To be called before a write. False where there is room for changes and removals only. */
  keep(): boolean {
    if (this.#enough && ++this.#writes % lookEvery !== 0) return true;
    // In a transaction: nobody else makes the file longer meanwhile.
    if (this.#left() < size - least / 2) this.#enough = this.#root.transactionSync(() => this.#grow());
    else this.#enough = true;
    return this.#enough;
  }

  /** Throws `exhausted`. Within a transaction it returns true, and the transaction will throw: nobody waits on its parts. */
  refuse(): boolean {
    const error = exhausted("no space left on device", { errno: "ENOSPC" });
    if (!this.#watched) throw error;
    this.#refused = error;
    return true;
  }

  /** Runs the body of a transaction, and throws where a write in it was refused. */
  watch<R>(body: () => R): R {
    this.#watched = true;
    this.#refused = undefined;
    try {
      const result = body();
      if (this.#refused) throw this.#refused;
      return result;
    } finally {
      this.#watched = false;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  #used(): number {
    const { lastPageNumber, pageSize } = this.#root.getStats() as { lastPageNumber: number; pageSize: number };
    return (lastPageNumber + 1) * pageSize;
  }

  #left(): number {
    return fstatSync(this.#fd).size - this.#used();
  }

  /** Writes zeros behind the end of the file, as far as there is space; false where too little room is left then. */
  #grow(): boolean {
    const wanted = this.#used() + size;
    const zeros = Buffer.alloc(64 * 1024);
    try {
      for (let end = fstatSync(this.#fd).size; end < wanted; )
        end += writeSync(this.#fd, zeros, 0, Math.min(zeros.length, wanted - end), end);
    } catch (error) {
      if (errnoOf(error) !== "ENOSPC" && errnoOf(error) !== "EDQUOT") throw error;
    }
    return this.#left() >= least;
  }
}
