/** The worker thread's entry: carries out the jobs of `jobs.ts`, which block in system calls. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { parentPort } from "node:worker_threads";
import { messageOf, withKind } from "../base/errors.ts";
import * as files from "../kernel/files.ts";
import { byteString } from "../kernel/files.ts";
import { copyInto } from "./copy-tree.ts";
import type { Answer, Job } from "./jobs.ts";
import { namesIn, removeTree } from "./remove-tree.ts";
import { closeLayer, type Extracted, extractLayer } from "./unpack/extract.ts";
import { finishLayer } from "./unpack/finish.ts";
import { readArchive } from "./unpack/read-archive.ts";
import { type Ring, stopRing } from "./unpack/ring.ts";
import { diskUsage } from "./usage.ts";

/** The unpacking between `extract` and `finish`. */
let current: { readonly layer: Extracted; readonly folder: string } | undefined;

function carryOut(job: Job, progress: (bytes: number) => void): unknown {
  switch (job.kind) {
    case "read":
      return stopping(job.ring, () => readArchive(job.path, job.ring, progress));
    case "extract":
      return stopping(job.ring, async () => extract(job.ring, job.folder));
    case "finish":
      return finish(job.below);
    case "discard":
      return discard();
    case "empty":
      return withFolder(job.folder, (fd) => {
        for (const name of namesIn(fd)) removeTree(fd, name);
      });
    case "copy":
      return copyInto(job.from, job.to, new Int32Array(job.stop));
    case "usage":
      return withFolder(job.folder, diskUsage);
  }
}

/** A side that fails stops the other one. */
async function stopping<T>(ring: Ring, body: () => Promise<T>): Promise<T> {
  try {
    return await body();
  } catch (error) {
    stopRing(ring);
    throw error;
  }
}

function extract(ring: Ring, folder: string): { needsBelow: boolean } {
  // Nobody but the engine may come here from outside: layers have setuid programs that are long out of date.
  mkdirSync(dirname(folder), { mode: 0o700 });
  mkdirSync(folder);
  try {
    const layer = extractLayer(ring, folder);
    current = { layer, folder };
    return { needsBelow: layer.needsBelow };
  } catch (error) {
    removeFolder(folder);
    throw error;
  }
}

function finish(below: readonly string[]): unknown {
  if (!current) throw new Error("finish without extract");
  const { layer, folder } = current;
  current = undefined;
  try {
    return finishLayer(layer, below);
  } catch (error) {
    removeFolder(folder);
    throw error;
  }
}

function discard(): void {
  if (!current) return;
  const { layer, folder } = current;
  current = undefined;
  closeLayer(layer);
  removeFolder(folder);
}

/** The layer's folder, with the one around it. */
function removeFolder(folder: string): void {
  withFolder(dirname(dirname(folder)), (fd) => removeTree(fd, byteString(dirname(folder).split("/").at(-1)!)));
}

function withFolder<T>(path: string, body: (fd: number) => T): T {
  const fd = files.openFolder(path);
  try {
    return body(fd);
  } finally {
    files.close(fd);
  }
}

const port = parentPort!;
const answer = (message: Answer): void => port.postMessage(message);

port.on("message", async (job: Job) => {
  try {
    answer({ result: await carryOut(job, (progress) => answer({ progress })) });
  } catch (error) {
    const { kind, message, fields } = withKind(error);
    const { cause, ...plain } = fields;
    answer({ error: { kind, message, fields: cause === undefined ? plain : { ...plain, cause: messageOf(cause) } } });
  }
});
