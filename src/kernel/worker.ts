import { parentPort, workerData } from "node:worker_threads";
import { messageOf } from "../base/errors.ts";
import type { KernelFeatures } from "./kernel.ts";
import {
  type CallName,
  type Calls,
  type Request,
  type Response,
  toWire,
  type WireError,
  type WorkerData,
} from "./messages.ts";
import { mountsBelow } from "./mounts/mountinfo.ts";
import { mountAll, unmount } from "./mounts/mounts.ts";
import { carryOut } from "./net/batch.ts";
import { listLinks } from "./net/links.ts";
import { Namespaces } from "./net/namespaces.ts";
import { listAddresses, listRoutes } from "./net/routes.ts";
import { NetworkSpace } from "./net/space.ts";
import { NftElements } from "./nft/elements.ts";
import { runScript } from "./nft/script.ts";
import { probeFeatures } from "./probe.ts";
import { failure } from "./sys/errno.ts";
import { killProcess, lockFile, releaseMemory } from "./sys/process.ts";

/** The kernel worker: the one thread that makes system calls for the engine, one call after another. */
const port = parentPort!;
const namespaces = new Namespaces((workerData as WorkerData).readyNamespaces);
const elements = new NftElements();
/** How long there must be nothing to do before a namespace is made for later, in milliseconds. */
const quiet = 20;

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
    carryOut(namespaces, operations, (error) => port.postMessage({ warning: `network: undo: ${messageOf(error)}` })),
  links: (namespace) => within(namespace, (space) => listLinks(space.socket)),
  addresses: (namespace) => within(namespace, (space) => listAddresses(space.socket)),
  routes: (namespace) => within(namespace, (space) => listRoutes(space.socket)),
  nftScript: runScript,
  nftElements: (table, changes) => elements.change(table, changes),
  nftRead: (table, set) => elements.read(table, set),
  lock: lockFile,
  kill: killProcess,
  releaseMemory,
  probe: () => {
    features ??= probeFeatures(namespaces);
    return features;
  },
};

/** C strings end at a NUL: a path with one would name another file. Elements hold no free text. */
function refuseNul(call: Request["call"], value: unknown): void {
  if (call === "nftElements" || typeof value === "number") return;
  if (typeof value === "string" && value.includes("\0")) throw failure(call, "EINVAL", "a NUL byte in an argument");
  if (typeof value === "object" && value !== null) for (const inner of Object.values(value)) refuseNul(call, inner);
}

/** Calls that are still under way on another thread. */
const running = new Set<Promise<void>>();

/** A call that can end at once does, before the next one is looked at. */
function answer(request: Request): void {
  const started = performance.now();
  const reply = (result: { value: unknown } | { error: WireError }): void =>
    port.postMessage({ id: request.id, took: performance.now() - started, ...result } satisfies Response);
  try {
    const call = calls[request.call as CallName] as (...args: readonly unknown[]) => unknown;
    refuseNul(request.call, request.args);
    const value = call(...request.args);
    if (value instanceof Promise) track(value.then((later: unknown) => reply({ value: later })).catch(refuse));
    else reply({ value });
  } catch (error) {
    refuse(error);
  }
  function refuse(error: unknown): void {
    reply({ error: toWire(error) });
  }
}

function track(work: Promise<void>): void {
  running.add(work);
  void work.finally(() => running.delete(work));
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

/** Lets go of everything, so that the thread ends by itself. */
async function end(): Promise<void> {
  clearTimeout(idle);
  await Promise.all(running);
  elements.close();
  namespaces.close();
  port.close();
}

port.on("message", (request: Request) => {
  if (request.call === "close") {
    void end();
    return;
  }
  answer(request);
  refillWhenIdle();
});
refillWhenIdle();
port.postMessage("ready");
