import { setTimeout as later } from "node:timers/promises";

/** Asks again and again until the condition holds; throws, naming it, when it does not within `within` milliseconds. */
export async function poll<T>(
  what: string,
  condition: () => T | Promise<T>,
  within = 30_000,
): Promise<Exclude<T, false | undefined | null>> {
  const deadline = performance.now() + within;
  for (let pause = 2; ; pause = Math.min(pause * 1.5, 100)) {
    const value = await condition();
    if (value !== false && value !== undefined && value !== null) return value as Exclude<T, false | undefined | null>;
    if (performance.now() > deadline) throw new Error(`timed out after ${within} ms: ${what}`);
    await later(pause);
  }
}
