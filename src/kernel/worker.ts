import { parentPort, workerData } from "node:worker_threads";
import { messageOf } from "../base/errors.ts";
import type { KernelFeatures } from "./kernel.ts";
import { type Calls, type Request, type Response, toWire, type WorkerData } from "./messages.ts";
import { mountsBelow } from "./mounts/mountinfo.ts";
import { mountAll, unmount } from "./mounts/mounts.ts";
import { NetworkBatch, NetworkSpace } from "./net/batch.ts";
import { listLinks } from "./net/links.ts";
import { Namespaces } from "./net/namespaces.ts";
import { listAddresses, listRoutes } from "./net/routes.ts";
import { changeElements, readElements } from "./nft/elements.ts";
import { runScript } from "./nft/script.ts";
import { probeFeatures } from "./probe.ts";
import { killProcess, lockFile } from "./sys/process.ts";

/** The kernel worker: the one thread that makes system calls for the engine, one call after another. */
const port = parentPort!;
const namespaces = new Namespaces((workerData as WorkerData).readyNamespaces);
/** How long there must be nothing to do before a namespace is made for later, in milliseconds. */
const quiet = 20;

let warnings: string[] = [];
let features: KernelFeatures | undefined;

function within<T>(namespace: string | undefined, body: (space: NetworkSpace) => T): T {
  const space = new NetworkSpace(namespaces, namespace);
  try {
    return body(space);
  } finally {
    space.close();
  }
}

const calls: Calls = {
  mount: mountAll,
  unmount: (target, options) => unmount(target, options?.detach ?? false),
  mounts: mountsBelow,
  createNetworkNamespace: (path) => namespaces.create(path),
  removeNetworkNamespace: (path) => namespaces.remove(path),
  network: (operations) =>
    new NetworkBatch(namespaces).run(operations, (error) => warnings.push(`undo: ${messageOf(error)}`)),
  links: (namespace) => within(namespace, (space) => listLinks(space.socket)),
  addresses: (namespace) => within(namespace, (space) => listAddresses(space.socket)),
  routes: (namespace) => within(namespace, (space) => listRoutes(space.socket)),
  nftScript: runScript,
  nftElements: changeElements,
  nftRead: readElements,
  lock: lockFile,
  kill: killProcess,
  probe: () => {
    features ??= probeFeatures(namespaces);
    return features;
  },
};

function answer(request: Request): Response {
  const started = performance.now();
  warnings = [];
  const frame = () => ({
    id: request.id,
    took: performance.now() - started,
    ...(warnings.length > 0 ? { warnings } : {}),
  });
  try {
    if (request.call === "close") return { ...frame(), value: end() };
    const call = calls[request.call] as (...args: readonly unknown[]) => unknown;
    return { value: call(...request.args), ...frame() };
  } catch (error) {
    return { error: toWire(error), ...frame() };
  }
}

let idle: NodeJS.Timeout | undefined;

function refillWhenIdle(): void {
  clearTimeout(idle);
  idle = setTimeout(() => {
    // What fails here fails again, with an error, where a namespace is asked for.
    try {
      if (namespaces.refill()) refillWhenIdle();
    } catch {}
  }, quiet);
}

function end(): void {
  clearTimeout(idle);
  idle = undefined;
  namespaces.close();
  setImmediate(() => port.close());
}

port.on("message", (request: Request) => {
  port.postMessage(answer(request));
  if (request.call !== "close") refillWhenIdle();
});
refillWhenIdle();
port.postMessage("ready");
