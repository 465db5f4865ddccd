import { Worker } from "node:worker_threads";
import { messageOf, systemError } from "../base/errors.ts";
import { debugChannel } from "../base/log.ts";
import type { Kernel } from "./kernel.ts";
import {
  type CallName,
  fromWire,
  type Request,
  type Response,
  type Warning,
  type WireResult,
  type WorkerData,
} from "./messages.ts";

const debug = debugChannel("kernel");

export interface KernelOptions {
  /** The worker's entry; by default the file beside this one, `worker.js` in a bundle. */
  readonly worker?: URL;
  /** How many network namespaces are kept ready for the next containers. */
  readonly readyNamespaces?: number;
}

/** Starts the kernel worker; resolves when it is ready. Throws `system` where it cannot start. */
export async function openKernel(options: KernelOptions = {}): Promise<Kernel> {
  const worker = new KernelWorker(options.worker ?? besideThis(), { readyNamespaces: options.readyNamespaces ?? 4 });
  await worker.ready;
  return kernelOn(worker);
}

function besideThis(): URL {
  return new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);
}

function kernelOn(worker: KernelWorker): Kernel {
  const forward =
    <K extends CallName>(call: K) =>
    (...args: Parameters<Kernel[K]>): Promise<WireResult<K>> =>
      worker.call(call, args) as Promise<WireResult<K>>;
  const read = forward("nftRead");
  let features: ReturnType<Kernel["probe"]> | undefined;
  const probe = forward("probe");
  return {
    mount: forward("mount"),
    unmount: forward("unmount"),
    mounts: forward("mounts"),
    createNetworkNamespace: forward("createNetworkNamespace"),
    removeNetworkNamespace: forward("removeNetworkNamespace"),
    network: forward("network"),
    links: forward("links"),
    addresses: forward("addresses"),
    routes: forward("routes"),
    nftScript: forward("nftScript"),
    nftElements: forward("nftElements"),
    nftRead: async (table, set) =>
      (await read(table, set))?.map(({ key, value }) => ({
        key: Buffer.from(key, "hex"),
        ...(value === undefined ? {} : { value: Buffer.from(value, "hex") }),
      })),
    lock: forward("lock"),
    kill: forward("kill"),
    releaseMemory: forward("releaseMemory"),
    probe: () => {
      features ??= probe();
      return features;
    },
    close: () => worker.close(),
  };
}

interface Pending {
  readonly what: string;
  readonly since: number;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

/**
 * The main thread's end of the worker. Calls are answered in the order in which they are made. The worker keeps the
 * process alive only while it has something to do.
 */
class KernelWorker {
  readonly ready: Promise<void>;
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #exited: Promise<void>;
  #nextId = 1;
  #closing: Promise<void> | undefined;
  #ended: Error | undefined;

  constructor(entry: URL, data: WorkerData) {
    const started = performance.now();
    // Not the program's own flags: some of them (`--input-type`) do not go with a file.
    this.#worker = new Worker(entry, {
      name: "keelson-kernel",
      workerData: data,
      execArgv: [],
      // Calls leave small garbage only; with the default of 16 MiB and more it would pile up before it is collected.
      resourceLimits: { maxYoungGenerationSizeMb: 4 },
    });
    const ready = Promise.withResolvers<void>();
    this.ready = ready.promise;
    this.#exited = new Promise((resolve) => {
      this.#worker.on("exit", (code) => {
        this.#end(systemError(`the kernel worker has ended (exit code ${code})`));
        ready.reject(this.#ended);
        resolve();
      });
    });
    this.#worker.on("error", (cause) =>
      this.#end(systemError(`the kernel worker failed: ${messageOf(cause)}`, { cause })),
    );
    this.#worker.once("message", () => {
      debug("ready after %s ms", (performance.now() - started).toFixed(2));
      this.#worker.on("message", (message: Response | Warning) => {
        if ("warning" in message) debug("%s", message.warning);
        else this.#settle(message);
      });
      this.#worker.unref();
      ready.resolve();
    });
  }

  call(call: Request["call"], args: readonly unknown[]): Promise<unknown> {
    if (this.#ended) return Promise.reject(this.#ended);
    if (this.#closing) return Promise.reject(systemError("the kernel worker is closed"));
    return this.#send(call, args);
  }

  /** Resolves when the calls made before have been answered and the worker has gone. */
  close(): Promise<void> {
    if (!this.#closing) {
      this.#closing = this.#exited;
      this.#worker.postMessage({ id: 0, call: "close", args: [] } satisfies Request);
      this.#worker.ref();
    }
    return this.#closing;
  }

  #send(call: Request["call"], args: readonly unknown[]): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const request: Request = { id: this.#nextId++, call, args };
    this.#worker.postMessage(request);
    this.#pending.set(request.id, { what: describe(call, args), since: performance.now(), resolve, reject });
    this.#worker.ref();
    return promise;
  }

  #settle(response: Response): void {
    const pending = this.#pending.get(response.id);
    if (!pending) return;
    this.#pending.delete(response.id);
    if (this.#pending.size === 0 && !this.#closing) this.#worker.unref();
    report(pending, response);
    if ("error" in response) pending.reject(fromWire(response.error));
    else pending.resolve(response.value);
  }

  #end(error: Error): void {
    this.#ended ??= error;
    for (const { reject } of this.#pending.values()) reject(this.#ended);
    this.#pending.clear();
  }
}

/** One line a call: what, how long the worker took, and how long the caller waited for it. */
function report({ what, since }: Pending, response: Response): void {
  const total = (performance.now() - since).toFixed(2);
  const result = "error" in response ? `failed: ${response.error.message}` : "done";
  debug("%s: %s in %s ms (%s with waiting)", what, result, response.took.toFixed(2), total);
}

function describe(call: string, args: readonly unknown[]): string {
  const [first, second] = args;
  const list = Array.isArray(second) ? second : first;
  if (Array.isArray(list)) return `${call} ${list.slice(0, 8).map(word).join(", ")}${list.length > 8 ? ", …" : ""}`;
  return typeof first === "string" ? `${call} ${first.split("\n", 1)[0]?.slice(0, 80)}` : call;
}

function word(item: {
  op?: string;
  type?: string;
  name?: string;
  target?: string;
  action?: string;
  set?: string;
}): string {
  return [item.op ?? item.type ?? item.action, item.name ?? item.target ?? item.set].filter(Boolean).join(" ");
}
