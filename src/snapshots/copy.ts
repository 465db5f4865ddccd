import { readdir } from "node:fs/promises";
import { withKind } from "../base/errors.ts";
import type { Operation } from "../base/operation.ts";
import { copyInto } from "./copy-tree.ts";
import { JobWorker } from "./workers.ts";

/**
 * Copies what is in the folder `from` into the existing folder `to`, which gets the attributes of `from`: owners,
 * modes, extended attributes, times, hard links, devices and holes are kept, symbolic links are not followed. The
 * work is done by a worker thread. What was copied before a failure or an abort stays: the caller removes it.
 */
export async function copyTree(op: Operation, from: string, to: string): Promise<void> {
  op.check();
  const stop = new SharedArrayBuffer(4);
  const abort = (): void => void Atomics.store(new Int32Array(stop), 0, 1);
  op.signal.addEventListener("abort", abort, { once: true });
  try {
    // Most volumes start empty: a few system calls for the folder itself are not worth a thread.
    if ((await readdir(from)).length === 0) copyInto(from, to, new Int32Array(stop));
    else await copyInWorker(from, to, stop);
  } catch (error) {
    op.check();
    throw withKind(error);
  } finally {
    op.signal.removeEventListener("abort", abort);
  }
}

async function copyInWorker(from: string, to: string, stop: SharedArrayBuffer): Promise<void> {
  const worker = new JobWorker();
  try {
    await worker.run({ kind: "copy", from, to, stop });
  } finally {
    await worker.end();
  }
}
