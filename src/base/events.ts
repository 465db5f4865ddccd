/** An event as Docker's `/events` sends it (Engine API, `EventMessage`). */
export interface EngineEvent {
  readonly type: "container" | "image" | "network" | "volume" | "daemon" | "builder" | "plugin";
  /** Such as `create`, `start`, `die`, `exec_create: sh -c true`. */
  readonly action: string;
  readonly actor: { readonly id: string; readonly attributes: Readonly<Record<string, string>> };
  /** Nanoseconds since the epoch. */
  readonly timeNano: bigint;
}

/** Takes events from the services. */
export interface EventSink {
  emit(type: EngineEvent["type"], action: string, id: string, attributes?: Record<string, string>): void;
}

/** Keeps the newest events for replay and hands each new one to the listeners. */
export class EventBus implements EventSink {
  readonly #kept: EngineEvent[] = [];
  readonly #listeners = new Set<(event: EngineEvent) => void>();
  readonly #limit: number;
  #last = 0n;

  constructor(limit = 4096) {
    this.#limit = limit;
  }

  emit(type: EngineEvent["type"], action: string, id: string, attributes: Record<string, string> = {}): void {
    const event: EngineEvent = { type, action, actor: { id, attributes }, timeNano: this.#now() };
    this.#kept.push(event);
    if (this.#kept.length > this.#limit) this.#kept.splice(0, this.#kept.length - this.#limit);
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        // What was reported has happened: a listener's mistake must not cut the operation short.
        process.emitWarning(error instanceof Error ? error : String(error));
      }
    }
  }

  /** The kept events from `since` on (all of them without it), oldest first. */
  replay(since?: bigint): EngineEvent[] {
    return since === undefined ? [...this.#kept] : this.#kept.filter((event) => event.timeNano >= since);
  }

  /** Calls `listener` for each new event until the returned function is called. */
  listen(listener: (event: EngineEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Wall time in nanoseconds, strictly rising, so that events keep their order when sorted by it. */
  #now(): bigint {
    const now = BigInt(Date.now()) * 1_000_000n;
    this.#last = now > this.#last ? now : this.#last + 1n;
    return this.#last;
  }
}
