import { readFileSync, writeFileSync } from "node:fs";
import { errnoOf, isKind, withKind } from "../../base/errors.ts";
import type { NetworkOperation } from "../kernel.ts";
import { failure } from "../sys/errno.ts";
import {
  changeLink,
  changePort,
  deleteLink,
  deleteLinkElsewhere,
  type LinkSettings,
  type LinkState,
  macvlanMode,
  newLink,
  vethPeer,
} from "./links.ts";
import type { Namespaces } from "./namespaces.ts";
import { addAddress, addNeighbour, addRoute, removeAddress, removeNeighbour, removeRoute } from "./routes.ts";
import { NetworkSpace } from "./space.ts";

type Op<K extends NetworkOperation["op"]> = Extract<NetworkOperation, { readonly op: K }>;
/** Puts back what an operation changed; undefined where there is nothing to put back. */
type Undo = (() => void) | undefined;

/** Applies operations in order, and reverses them where one fails. */
export class NetworkBatch {
  readonly #namespaces: Namespaces;
  readonly #spaces = new Map<string | undefined, NetworkSpace>();
  readonly #undos: (() => void)[] = [];

  constructor(namespaces: Namespaces) {
    this.#namespaces = namespaces;
  }

  /** Errors of undos go to `onUndoError`; the failed operation's own is thrown. */
  run(operations: readonly NetworkOperation[], onUndoError: (error: unknown) => void): void {
    try {
      for (const operation of operations) this.#apply(operation);
    } catch (error) {
      this.#reverse(onUndoError);
      throw withKind(error);
    } finally {
      for (const space of this.#spaces.values()) space.close();
    }
  }

  #reverse(onUndoError: (error: unknown) => void): void {
    for (const undo of this.#undos.reverse()) {
      for (const space of this.#spaces.values()) space.forget();
      try {
        undo();
      } catch (error) {
        onUndoError(error);
      }
    }
  }

  #apply(operation: NetworkOperation): void {
    try {
      const undo = this.#carryOut(operation, this.#space(operation.namespace));
      if (undo) this.#undos.push(undo);
    } catch (error) {
      if (!passesOver(operation, errnoOf(error))) throw error;
    }
  }

  #space(path: string | undefined): NetworkSpace {
    const known = this.#spaces.get(path);
    if (known) return known;
    const space = new NetworkSpace(this.#namespaces, path);
    this.#spaces.set(path, space);
    return space;
  }

  #carryOut(operation: NetworkOperation, space: NetworkSpace): Undo {
    switch (operation.op) {
      case "addBridge":
        newLink(space.socket, { ...linkSettings(operation), kind: "bridge" });
        return () => deleteLink(space.socket, operation.name);
      case "addVeth":
        return this.#addVeth(operation, space);
      case "addMacvlan":
        return this.#addMacvlan(operation, space);
      case "setLink":
        return this.#setLink(operation, space);
      case "removeLink":
        deleteLink(space.socket, operation.name);
        space.forget();
        return undefined;
      case "sysctl":
        return this.#sysctl(operation, space);
      default:
        return addressing(operation, space);
    }
  }

  #addVeth(operation: Op<"addVeth">, space: NetworkSpace): Undo {
    const { name, peer, master, up } = operation;
    const target = this.#space(peer.namespace);
    const inside: LinkSettings = { ...linkSettings({ ...peer, mtu: operation.mtu }), namespace: target.fd };
    newLink(space.socket, {
      ...linkSettings(operation),
      up,
      master: master === undefined ? undefined : space.index(master),
      kind: "veth",
      data: vethPeer(inside),
    });
    this.#undos.push(() => deleteLink(space.socket, name));
    // Not in the same message: the other end opens only once both are there (ENOTCONN, drivers/net/veth.c).
    if (peer.up) changeLink(target.socket, `set link ${peer.name} up`, target.index(peer.name), { up: true });
    return undefined;
  }

  #addMacvlan(operation: Op<"addMacvlan">, space: NetworkSpace): Undo {
    const target = this.#space(operation.into ?? operation.namespace);
    newLink(space.socket, {
      ...linkSettings(operation),
      kind: "macvlan",
      parent: space.index(operation.parent),
      namespace: operation.into === undefined ? undefined : target.fd,
      data: macvlanMode(operation.mode),
    });
    return () => deleteLink(target.socket, operation.name);
  }

  /** The undo is noted before the change: the kernel may have made a part of one that it then refuses. */
  #setLink(operation: Op<"setLink">, space: NetworkSpace): Undo {
    const before = space.look(operation.name);
    this.#undos.push(() => restore(space, before, operation));
    const { name, rename, master, hairpin, isolated } = operation;
    const step = `set link ${name}`;
    changeLink(space.socket, step, before.index, {
      ...linkSettings({ ...operation, name: rename }),
      up: operation.up,
      master: master === undefined ? undefined : master === null ? 0 : space.index(master),
    });
    if (hairpin !== undefined || isolated !== undefined) {
      changePort(space.socket, step, before.index, { hairpin, isolated });
    }
    if (rename !== undefined) space.forget();
    return undefined;
  }

  #sysctl(operation: Op<"sysctl">, space: NetworkSpace): Undo {
    const path = `/proc/sys/${operation.path}`;
    const within = <T>(body: () => T): T =>
      space.fd === undefined ? body() : this.#namespaces.inside(space.fd, `sysctl ${operation.path}`, body);
    try {
      const before = within(() => {
        const old = readFileSync(path, "utf8").trim();
        if (old !== operation.value) writeFileSync(path, operation.value);
        return old;
      });
      return before === operation.value ? undefined : () => within(() => writeFileSync(path, before));
    } catch (error) {
      if (isKind(error)) throw error;
      throw failure(`set sysctl ${operation.path} to ${operation.value}`, errnoOf(error) ?? "EIO", undefined, path);
    }
  }
}

/** Sets what `change` named to what it was before. */
function restore(space: NetworkSpace, before: LinkState, change: Op<"setLink">): void {
  const step = `put back link ${before.name}`;
  const port = { hairpin: before.hairpin, isolated: before.isolated };
  changeLink(space.socket, step, before.index, {
    name: change.rename === undefined ? undefined : before.name,
    up: change.up === undefined ? undefined : before.up,
    mtu: change.mtu === undefined ? undefined : before.mtu,
    mac: change.mac === undefined ? undefined : before.mac,
    master: change.master === undefined ? undefined : (before.master ?? 0),
  });
  if (port.hairpin !== undefined || port.isolated !== undefined) changePort(space.socket, step, before.index, port);
}

/** Only what is given: an attribute that is there asks for a change. */
function linkSettings<T extends { readonly name?: string; readonly mtu?: number; readonly mac?: string }>(from: T) {
  return { name: from.name as T["name"], mtu: from.mtu, mac: from.mac };
}

type Addressing = Op<"addAddress" | "removeAddress" | "addRoute" | "removeRoute" | "addNeighbour">;

function addressing(operation: Addressing, space: NetworkSpace): Undo {
  const { socket } = space;
  const index = operation.link === undefined ? undefined : space.index(operation.link);
  if (operation.op === "addRoute") {
    addRoute(socket, operation, index);
    return () => removeRoute(socket, { ...operation, op: "removeRoute" }, index);
  }
  if (operation.op === "removeRoute") {
    removeRoute(socket, operation, index);
    return () => addRoute(socket, { ...operation, op: "addRoute" }, index);
  }
  const { address, link } = operation;
  if (operation.op === "addAddress") {
    addAddress(socket, index!, address, link, operation.noDad);
    return () => removeAddress(socket, index!, address, link);
  }
  if (operation.op === "removeAddress") {
    removeAddress(socket, index!, address, link);
    return () => addAddress(socket, index!, address, link, true);
  }
  addNeighbour(socket, index!, address, operation.mac, link);
  return () => removeNeighbour(socket, index!, address, link);
}

/**
 * One call of `Kernel.network`. Links that are removed at its end are removed beside the worker's other work, as the
 * kernel takes long over that: the calls of others go on meanwhile.
 */
export async function carryOut(
  namespaces: Namespaces,
  operations: readonly NetworkOperation[],
  onUndoError: (error: unknown) => void,
): Promise<void> {
  const last = operations.findLastIndex((operation) => operation.op !== "removeLink") + 1;
  new NetworkBatch(namespaces).run(operations.slice(0, last), onUndoError);
  for (const operation of operations.slice(last)) {
    if (operation.op === "removeLink") await removeLink(namespaces, operation);
  }
}

async function removeLink(namespaces: Namespaces, operation: Op<"removeLink">): Promise<void> {
  let space: NetworkSpace | undefined;
  try {
    space = new NetworkSpace(namespaces, operation.namespace);
    await deleteLinkElsewhere(space.socket, operation.name);
  } catch (error) {
    if (!passesOver(operation, errnoOf(error))) throw error;
  } finally {
    space?.close();
  }
}

/** What the kernel answers where an object to remove is not there: the link, an address, a route, its namespace. */
const missing = new Set(["ENODEV", "EADDRNOTAVAIL", "ESRCH", "ENOENT"]);

function passesOver(operation: NetworkOperation, errno: string | undefined): boolean {
  if (errno === undefined) return false;
  if (operation.op.startsWith("remove")) return missing.has(errno);
  if (operation.op === "sysctl") return operation.optional === true && (errno === "ENOENT" || errno === "ENOTDIR");
  return operation.existing === "keep" && errno === "EEXIST";
}
