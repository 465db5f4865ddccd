import type { EventBus } from "../base/events.ts";

/** So long without an event counts as quiet, in milliseconds. */
const quietAfter = 1_000;

/** Calls `act` once after each burst of work. Returns what ends it. */
export function afterBursts(events: EventBus, act: () => Promise<unknown>): () => void {
  let timer: NodeJS.Timeout | undefined;
  const stop = events.listen(() => {
    clearTimeout(timer);
    timer = setTimeout(() => void act().catch(() => {}), quietAfter).unref();
  });
  return () => {
    clearTimeout(timer);
    stop();
  };
}
