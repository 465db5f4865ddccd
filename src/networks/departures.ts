import type { Logger } from "../base/log.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Endpoint } from "./networks.ts";

/** How long after a departure it is looked after, in milliseconds. */
const lookAfter = 100;
/** How long a link may outlive its container until it is removed by hand, in milliseconds. */
const patience = 2000;

interface Departure {
  readonly endpoint: Endpoint;
  readonly since: number;
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

  /** `onGone` is called once for each endpoint, when its link is no more. */
  constructor(kernel: Kernel, log: Logger, onGone: (endpoint: Endpoint) => void) {
    this.#kernel = kernel;
    this.#log = log;
    this.#onGone = onGone;
  }

  add(endpoint: Endpoint): void {
    if (!endpoint.hostIfname) {
      this.#onGone(endpoint);
      return;
    }
    this.#departed.set(endpoint.hostIfname, { endpoint, since: Date.now() });
    this.#schedule();
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
      for (const [name, { endpoint, since }] of this.#departed) {
        if (present.has(name)) {
          if (Date.now() - since < limit) continue;
          await this.#kernel.network([{ op: "removeLink", name }]);
        }
        this.#departed.delete(name);
        this.#onGone(endpoint);
      }
    } catch (error) {
      this.#log.warn("links of containers that have left could not be removed", { error });
    }
  }
}
