import type { EventSink } from "../base/events.ts";
import { debugChannel, type Logger } from "../base/log.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Store } from "../store/store.ts";
import { defaultHostFiles, type HostFilePaths } from "./files/host-files.ts";
import { tableFor } from "./firewall.ts";
import { type AddressPool, dockerPools } from "./ipam/address-pools.ts";
import type { Networks } from "./networks.ts";
import { NetworkService } from "./service.ts";

const debug = debugChannel("net");

export interface NetworksOptions {
  readonly kernel: Kernel;
  readonly store: Store;
  readonly events: EventSink;
  readonly log: Logger;
  /** The exec root: namespaces are bound at `<runRoot>/netns/<container ID>`. */
  readonly runRoot: string;
  /** The Linux bridge of network `bridge`; `keelson0` unless given. Engines on one host need one each. */
  readonly bridge?: string;
  /** The default bridge's own address, with the prefix length of its subnet. */
  readonly bip?: string;
  /** Docker's own unless given. */
  readonly defaultAddressPools?: readonly AddressPool[];
  /** Of the default bridge; 1500 unless given. */
  readonly mtu?: number;
  /** The nftables table (family `inet`); named for the bridge unless given. */
  readonly table?: string;
  readonly hostFiles?: Partial<HostFilePaths>;
}

/**
 * Opens the networks: makes the records of `bridge`, `host` and `none` where they are missing, and what the kernel
 * lacks of the networks' links and of the firewall. What live containers have there already is left alone until
 * {@link Networks.reconcile} is told who lives.
 */
export async function openNetworks(options: NetworksOptions): Promise<Networks> {
  const started = performance.now();
  const bridge = options.bridge ?? "keelson0";
  const service = new NetworkService({
    kernel: options.kernel,
    store: options.store,
    events: options.events,
    log: options.log,
    runRoot: options.runRoot,
    table: options.table ?? tableFor(bridge),
    hostFiles: { ...defaultHostFiles, ...options.hostFiles },
    defaultBridge: {
      bridge,
      ...(options.bip ? { bip: options.bip } : {}),
      mtu: options.mtu ?? 1500,
      pools: options.defaultAddressPools?.length ? options.defaultAddressPools : dockerPools,
    },
  });
  await service.open();
  debug("open after %s ms", (performance.now() - started).toFixed(1));
  return service;
}
