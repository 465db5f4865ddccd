import { unavailable } from "../base/errors.ts";
import type { EngineEvent, EventBus } from "../base/events.ts";

export interface EventStreamOptions {
  /** Nanoseconds since the epoch. */
  readonly since: bigint | undefined;
  readonly until: bigint | undefined;
  /** Send what the bus has kept, too. */
  readonly replay: boolean;
  readonly now: bigint;
  readonly signal: AbortSignal;
  readonly test: (event: EngineEvent) => boolean;
}

/** So many events may wait for a slow reader; then its stream ends, for an event that is left out is worse. */
const queueLimit = 16_384;
const longestTimer = 2 ** 31 - 1;

/** Kept events, then new ones until `until`, the end of the signal, or a reader that is too slow. */
export function eventStream(bus: EventBus, options: EventStreamOptions): AsyncIterable<EngineEvent> {
  const { since, until, signal, test, now } = options;
  const wanted = (event: EngineEvent): boolean => (until === undefined || event.timeNano <= until) && test(event);
  // Listening begins with the request and not with the first read: what happens between is not lost.
  const queue: EngineEvent[] = options.replay ? bus.replay(since).filter(wanted) : [];
  let ended = until !== undefined && until <= now;
  let overflow = false;
  let wake = (): void => {};
  const end = (): void => {
    ended = true;
    wake();
  };
  const stop = ended
    ? () => {}
    : bus.listen((event) => {
        if (!wanted(event)) return;
        overflow ||= queue.length >= queueLimit;
        if (overflow) return end();
        queue.push(event);
        wake();
      });
  const timer = until !== undefined && !ended ? startTimer(until - now, end) : undefined;
  const release = (): void => {
    stop();
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  };
  const onAbort = (): void => {
    release();
    end();
  };
  signal.addEventListener("abort", onAbort);
  if (signal.aborted) onAbort();

  async function* read(): AsyncIterable<EngineEvent> {
    try {
      while (true) {
        // All that waits is taken at once: shifting a long array one by one is quadratic.
        const batch = queue.splice(0);
        if (batch.length > 0) yield* batch;
        else if (overflow) throw unavailable("the client reads its events too slowly");
        else if (ended) return;
        else
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
      }
    } finally {
      release();
    }
  }
  return read();
}

function startTimer(nanoseconds: bigint, end: () => void): NodeJS.Timeout {
  const milliseconds = Number(nanoseconds / 1_000_000n) + 1;
  return setTimeout(end, Math.min(milliseconds, longestTimer));
}
