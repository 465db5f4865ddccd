/**
 * The contract of the kernel floor: the only door to mounts, namespaces, links, addresses, routes and nftables. Every
 * call is carried out by one worker thread, so that the main thread never blocks in a system call. Work is described
 * as data (pure planners above build it, unit tests read it) and applied in order; a batch of link operations that
 * fails half-way is reversed before its error is thrown. Errors are `system` with the step, the path and the errno;
 * `exhausted` where the disk or a bridge is full, `unavailable` where libnftables is not installed.
 */
export interface Kernel {
  /** Carries out mounts in order, in the engine's own mount namespace. Undoes those made where one fails. */
  mount(mounts: readonly Mount[]): Promise<void>;
  /** Unmounts; nothing mounted there is no error. Detaches lazily (`MNT_DETACH`) when busy or asked to. */
  unmount(target: string, options?: { readonly detach?: boolean }): Promise<void>;
  /** What is mounted (`/proc/self/mountinfo`) at or below `prefix`, in mount order. */
  mounts(prefix: string): Promise<MountInfo[]>;

  /** Makes a network namespace with `lo` up and binds it at `path` (the file is made). */
  createNetworkNamespace(path: string): Promise<void>;
  /** Unbinds and removes the file; a missing one is no error. */
  removeNetworkNamespace(path: string): Promise<void>;

  /** Carries out link, address, route, neighbour and sysctl operations in order; reverses those done where one fails. */
  network(operations: readonly NetworkOperation[]): Promise<void>;
  links(namespace?: string): Promise<LinkInfo[]>;
  addresses(namespace?: string): Promise<AddressInfo[]>;
  routes(namespace?: string): Promise<RouteInfo[]>;

  /**
   * Runs an nftables script (`nft(8)` syntax) as one atomic transaction through libnftables in-process. For the static
   * table and rare changes; not the hot path.
   */
  nftScript(script: string): Promise<void>;
  /** Adds and removes elements of named maps and sets as one atomic netlink batch: the hot path. */
  nftElements(table: string, changes: readonly ElementChange[]): Promise<void>;
  /** The elements of a named map or set of `inet` table `table`; undefined where table or set is missing. */
  nftRead(table: string, set: string): Promise<ElementInfo[] | undefined>;

  /** Takes an exclusive `flock` on the file (made when missing) until the process ends; false where another has it. */
  lock(path: string): Promise<boolean>;
  /** Sends a signal to a process through a pidfd after checking its start time, so that a recycled PID is never hit. */
  kill(pid: number, signal: number, startTime?: bigint): Promise<boolean>;
  /** Gives freed memory of this process back (malloc_trim(3)), which the C library would keep after a burst of work. */
  releaseMemory(): Promise<void>;
  /** What this kernel offers; each probed once. */
  probe(): Promise<KernelFeatures>;
  close(): Promise<void>;
}

export type Mount =
  | {
      readonly type: "overlay";
      readonly target: string;
      /** Lower folders, topmost first; there may be more than fit the page that mount(2) takes. */
      readonly lower: readonly string[];
      /** Absent for a read-only overlay. */
      readonly upper?: string;
      readonly work?: string;
      readonly options?: readonly string[];
    }
  | {
      readonly type: "bind";
      readonly source: string;
      readonly target: string;
      readonly recursive?: boolean;
      readonly readOnly?: boolean;
      readonly propagation?: Propagation;
    }
  | {
      readonly type: "tmpfs";
      readonly target: string;
      /** mount(8) options for tmpfs, such as `size=64m`, `mode=1777`, and flags `noexec`, `nosuid`, `nodev`. */
      readonly options?: readonly string[];
    }
  /** Any other file system of this kernel's, such as `nfs`, as mount(2) takes it. */
  | {
      readonly type: "other";
      readonly filesystem: string;
      readonly source: string;
      readonly target: string;
      readonly options?: readonly string[];
    };

export type Propagation = "private" | "rprivate" | "shared" | "rshared" | "slave" | "rslave";

export interface MountInfo {
  readonly target: string;
  readonly source: string;
  readonly type: string;
  readonly root: string;
  readonly options: string;
}

/**
 * Addresses are text with a prefix length (`172.17.0.2/16`, `fd00::2/64`); `namespace` is a path, the engine's own when
 * absent. `existing: "keep"` passes over an object that is there already (`EEXIST`) instead of failing, and then does
 * not remove it where a later operation fails. Removing what is not there is no error. Removed links cannot be brought
 * back: a batch that both makes and removes has its `removeLink` last.
 */
export type NetworkOperation = { readonly namespace?: string; readonly existing?: "keep" } & (
  | { readonly op: "addBridge"; readonly name: string; readonly mtu?: number; readonly mac?: string }
  | {
      readonly op: "addVeth";
      readonly name: string;
      readonly mtu?: number;
      readonly mac?: string;
      /** The bridge that this end becomes a port of. */
      readonly master?: string;
      /** Bring this end up. */
      readonly up?: boolean;
      /** The other end, made directly inside its namespace under its final name. */
      readonly peer: {
        readonly name: string;
        readonly namespace: string;
        readonly mac?: string;
        /** Bring the other end up, too. */
        readonly up?: boolean;
      };
    }
  | {
      readonly op: "addMacvlan";
      readonly name: string;
      readonly parent: string;
      readonly mode: "bridge" | "vepa" | "private" | "passthru";
      readonly mac?: string;
      readonly mtu?: number;
      /** The namespace the new link is made in; `parent` is looked up in `namespace`. */
      readonly into?: string;
    }
  | {
      readonly op: "setLink";
      readonly name: string;
      readonly up?: boolean;
      readonly mtu?: number;
      readonly mac?: string;
      readonly rename?: string;
      /** `null` takes the link out of its bridge. */
      readonly master?: string | null;
      /** Bridge port options, for a link that has a bridge as its master. */
      readonly hairpin?: boolean;
      readonly isolated?: boolean;
    }
  /**
   * Takes the kernel 20 ms and more (RCU), during which other calls go on where it is at the end of a batch. The host's
   * end of a veth need not be removed on its own: it goes with the namespace that holds the other end.
   */
  | { readonly op: "removeLink"; readonly name: string }
  | { readonly op: "addAddress"; readonly link: string; readonly address: string; readonly noDad?: boolean }
  | { readonly op: "removeAddress"; readonly link: string; readonly address: string }
  | {
      readonly op: "addRoute";
      /** `default` is `0.0.0.0/0` or, with an IPv6 gateway, `::/0`. */
      readonly to: string;
      readonly via?: string;
      readonly link?: string;
      readonly source?: string;
      readonly metric?: number;
    }
  | { readonly op: "removeRoute"; readonly to: string; readonly via?: string; readonly link?: string }
  | { readonly op: "addNeighbour"; readonly link: string; readonly address: string; readonly mac: string }
  /** Writes `/proc/sys/<path>` inside the namespace. `optional` passes over one that this kernel does not have. */
  | { readonly op: "sysctl"; readonly path: string; readonly value: string; readonly optional?: boolean }
);

export interface LinkInfo {
  readonly index: number;
  readonly name: string;
  readonly kind?: string;
  readonly mac: string;
  readonly mtu: number;
  readonly up: boolean;
  /** The index of the bridge that it is a port of. */
  readonly master?: number;
  readonly alias?: string;
}

export interface AddressInfo {
  readonly link: number;
  /** With its prefix length. */
  readonly address: string;
  readonly scope: "global" | "link" | "host" | "site" | "nowhere";
}

export interface RouteInfo {
  /** With its prefix length; `0.0.0.0/0` and `::/0` for the default routes. */
  readonly to: string;
  readonly via?: string;
  readonly link?: number;
  readonly source?: string;
  readonly table: number;
  readonly metric?: number;
}

/** One field of a (possibly concatenated) nftables key or value. */
export type NftField =
  | { readonly type: "ipv4"; readonly value: string }
  | { readonly type: "ipv6"; readonly value: string }
  /** `inet_service`, a port number. */
  | { readonly type: "port"; readonly value: number }
  /** `inet_proto`: 6 is tcp, 17 udp, 132 sctp. */
  | { readonly type: "proto"; readonly value: number }
  /** `ifname`, at most 15 bytes. */
  | { readonly type: "ifname"; readonly value: string }
  | { readonly type: "mark"; readonly value: number };

export interface ElementChange {
  readonly action: "add" | "remove";
  readonly set: string;
  readonly key: readonly NftField[];
  /** For maps. */
  readonly value?: readonly NftField[];
}

/** An element as read back: raw bytes of key and value, each field padded to four bytes as the kernel keeps it. */
export interface ElementInfo {
  readonly key: Buffer;
  readonly value?: Buffer;
}

/** Kernel parts that a feature may need, each true where it works here. */
export interface KernelFeatures {
  readonly macvlan: boolean;
  readonly ipvlan: boolean;
  readonly vxlan: boolean;
  readonly wireguard: boolean;
  readonly nftables: boolean;
  readonly overlay: boolean;
  readonly ipv6: boolean;
  /** `v1`, `v2`, or `hybrid`: v1 hierarchies with a v2 tree beside them, which crun refuses as it is. */
  readonly cgroup: "v1" | "v2" | "hybrid";
  readonly apparmor: boolean;
  readonly seccomp: boolean;
}
