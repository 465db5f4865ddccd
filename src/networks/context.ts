import type { EventSink } from "../base/events.ts";
import type { Logger } from "../base/log.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Store } from "../store/store.ts";
import type { DefaultBridge } from "./default-bridge.ts";
import type { HostFilePaths } from "./files/host-files.ts";

/** What every part of the service stands on. */
export interface NetworkContext {
  readonly kernel: Kernel;
  readonly store: Store;
  readonly events: EventSink;
  readonly log: Logger;
  readonly runRoot: string;
  readonly table: string;
  readonly hostFiles: HostFilePaths;
  readonly defaultBridge: DefaultBridge;
}
