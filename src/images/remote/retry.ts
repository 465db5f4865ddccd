import { setTimeout as delay } from "node:timers/promises";
import type { Operation } from "../../base/operation.ts";
import { TransferError } from "./failure.ts";
import type { TransferLimits } from "./http.ts";

/** Runs `task` again after transient failures, with growing pauses, at most `attempts` times; a stall only once more. */
export async function retrying<T>(
  op: Operation,
  limits: TransferLimits,
  task: () => Promise<T>,
  onRetry: (waitMilliseconds: number) => void = () => {},
): Promise<T> {
  let stalls = 0;
  for (let attempt = 1; ; attempt++) {
    try {
      return await task();
    } catch (error) {
      op.check();
      if (!(error instanceof TransferError) || !error.transfer.transient || attempt >= limits.attempts) throw error;
      if (error.kind === "deadline" && ++stalls > 1) throw error;
      const wait = error.transfer.retryAfter ?? limits.retryDelay * 2 ** (attempt - 1);
      const bounded = Math.min(wait, limits.longestRetryDelay);
      onRetry(bounded);
      await delay(bounded, undefined, { signal: op.signal }).catch(() => op.check());
    }
  }
}

/** Milliseconds that a `Retry-After` header asks to wait: seconds or a date (RFC 9110, 10.2.3). */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  if (/^\d{1,9}$/.test(header)) return Number(header) * 1000;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
