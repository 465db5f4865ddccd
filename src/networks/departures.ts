import type { Logger } from "../base/log.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Endpoint } from "./networks.ts";

/** How long after a departure it is looked after, in milliseconds. */
const lookAfter = 100;
/** How long a link may outlive its container until it is removed by hand, in milliseconds. */
const patience = 2000;

interface Departure {
  readonly containerId: string;
  readonly endpoint: Endpoint;
  readonly since: number;
  /** The address belongs to another endpoint by now. */
  reclaimed: boolean;
}

/**
 * The links of containers that have left. The kernel removes a link with the last user of its namespace, in its own
 * time; asking for it takes tens of milliseconds that the next container's start would wait for. So it is only looked
 * at later whether the link is gone, and only then is the endpoint's address free for another. A link that stays,
 * because some process keeps the namespace, is removed.
 */
export class Departures {
  readonly #kernel: Kernel;
  readonly #log: Logger;
  readonly #onGone: (endpoint: Endpoint) => void;
  readonly #departed = new Map<string, Departure>();
  #timer: NodeJS.Timeout | undefined;
  #looking: Promise<void> | undefined;

  /** `onGone` is called for each endpoint whose address nobody has reclaimed, when its link is no more. */
  constructor(kernel: Kernel, log: Logger, onGone: (endpoint: Endpoint) => void) {
    this.#kernel = kernel;
    this.#log = log;
    this.#onGone = onGone;
  }

  add(containerId: string, endpoint: Endpoint): void {
    if (!endpoint.hostIfname) {
      this.#onGone(endpoint);
      return;
    }
    this.#departed.set(endpoint.hostIfname, { containerId, endpoint, since: Date.now(), reclaimed: false });
    this.#schedule();
  }

  /**
   * Takes over the address (with its prefix length) of an endpoint that left a network: for a container that is started
   * again, for a user who asks for just that address, and where no other is free. For an instant the old link may
   * answer for it; that such a container does not answer at once is to be expected.
   */
  reclaim(networkId: string, wanted: (containerId: string, address: string) => boolean): string | undefined {
    for (const departure of this.#departed.values()) {
      const { containerId, endpoint, reclaimed } = departure;
      if (reclaimed || endpoint.networkId !== networkId || !endpoint.ipv4) continue;
      if (!wanted(containerId, endpoint.ipv4)) continue;
      departure.reclaimed = true;
      return endpoint.ipv4;
    }
    return undefined;
  }

  /** Removes what is still there, at once. */
  async finish(): Promise<void> {
    await this.#looking;
    await this.#look(0);
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#looking = this.#look(patience).finally(() => {
        if (this.#departed.size > 0) this.#schedule();
      });
    }, lookAfter).unref();
  }

  async #look(limit: number): Promise<void> {
    if (this.#departed.size === 0) return;
    try {
      const present = new Set((await this.#kernel.links()).map(({ name }) => name));
      for (const [name, departure] of this.#departed) {
        if (present.has(name)) {
          if (Date.now() - departure.since < limit) continue;
          await this.#kernel.network([{ op: "removeLink", name }]);
        }
        this.#departed.delete(name);
        if (!departure.reclaimed) this.#onGone(departure.endpoint);
      }
    } catch (error) {
      this.#log.warn("links of containers that have left could not be removed", { error });
    }
  }
}
