import { Worker } from "node:worker_threads";
import { KeelsonError, systemError } from "../base/errors.ts";
import type { Answer, Job, JobResults } from "./jobs.ts";

/** The worker's entry: beside this file, in the sources and in a bundle. */
export const workerEntry = new URL(
  import.meta.url.endsWith(".js") ? "./snapshot-worker.js" : "./snapshot-worker.ts",
  import.meta.url,
);

interface Waiting {
  readonly resolve: (result: never) => void;
  readonly reject: (error: unknown) => void;
  readonly onProgress?: (bytes: number) => void;
}

/** One worker thread, which does one job at a time. It keeps the process alive only while it has one. */
export class JobWorker {
  readonly #worker: Worker;
  #waiting: Waiting | undefined;
  #ended = false;

  constructor(entry: URL = workerEntry) {
    this.#worker = new Worker(entry, {
      name: "keelson-files",
      execArgv: [],
      stdout: false,
      stderr: false,
      // Bytes pass through shared buffers; the heap holds little more than names.
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    });
    this.#worker.unref();
    this.#worker.on("message", (answer: Answer) => this.#take(answer));
    this.#worker.on("error", (error) => this.#fail(error));
    this.#worker.on("exit", () => this.#fail(new Error("the worker ended")));
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Carries out a job. Rejects with the worker's KeelsonError. */
  run<K extends Job["kind"]>(
    job: Extract<Job, { kind: K }>,
    onProgress?: (bytes: number) => void,
  ): Promise<JobResults[K]> {
    if (this.#waiting || this.#ended) return Promise.reject(systemError("file worker: busy or ended"));
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject, onProgress };
      this.#worker.ref();
      this.#worker.postMessage(job);
    });
  }

  async end(): Promise<void> {
    this.#ended = true;
    await this.#worker.terminate();
  }

  #take(answer: Answer): void {
    const waiting = this.#waiting;
    if (!waiting) return;
    if ("progress" in answer) {
      waiting.onProgress?.(answer.progress);
      return;
    }
    this.#waiting = undefined;
    this.#worker.unref();
    if ("result" in answer) waiting.resolve(answer.result as never);
    else waiting.reject(new KeelsonError(answer.error.kind, answer.error.message, answer.error.fields));
  }

  #fail(error: Error): void {
    this.#ended = true;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.reject(systemError(`file worker: ${error.message}`, { cause: error }));
  }
}

/** How long a worker that has nothing to do is kept, in milliseconds. */
const idleTime = 1_000;

/**
 * Groups of workers that are made when needed, handed to one task at a time in the order of asking, and ended when
 * idle. `width` workers are one group.
 */
export class WorkerPool {
  readonly #entry: URL;
  readonly #limit: number;
  readonly #width: number;
  readonly #idle: JobWorker[][] = [];
  readonly #queue: Array<() => void> = [];
  readonly #ending = new Set<Promise<void>>();
  #busy = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: { readonly limit: number; readonly width: number; readonly entry?: URL }) {
    this.#limit = options.limit;
    this.#width = options.width;
    this.#entry = options.entry ?? workerEntry;
  }

  /** Runs `task` with a group of its own. */
  async use<T>(task: (group: readonly JobWorker[]) => Promise<T>): Promise<T> {
    if (this.#busy >= this.#limit) await new Promise<void>((resolve) => this.#queue.push(resolve));
    else this.#busy++;
    const group = this.#idle.pop() ?? Array.from({ length: this.#width }, () => new JobWorker(this.#entry));
    try {
      return await task(group);
    } finally {
      this.#release(group);
    }
  }

  /** Ends the idle workers, and those of running tasks once they have ended. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    this.#endIdle();
    await Promise.all(this.#ending);
  }

  #release(group: JobWorker[]): void {
    if (group.some((worker) => worker.ended)) this.#end(group);
    else this.#idle.push(group);
    const next = this.#queue.shift();
    if (next) {
      next();
      return;
    }
    this.#busy--;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#endIdle(), idleTime).unref();
  }

  #endIdle(): void {
    for (const group of this.#idle.splice(0)) this.#end(group);
  }

  #end(group: readonly JobWorker[]): void {
    const ending = Promise.all(group.map((worker) => worker.end())).then(() => {});
    this.#ending.add(ending);
    void ending.finally(() => this.#ending.delete(ending));
  }
}
