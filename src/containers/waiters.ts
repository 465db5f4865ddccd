import type { Operation } from "../base/operation.ts";
import type { WaitCondition } from "./containers.ts";

export interface WaitResult {
  readonly exitCode: number;
  readonly error?: string;
}

interface Waiter {
  wake(result: WaitResult): void;
  reject(error: Error): void;
}

/** Those who wait for a container to end or to be removed. */
export class Waiters {
  readonly #exit = new Map<string, Set<Waiter>>();
  readonly #removed = new Map<string, Set<Waiter>>();

  /** Resolves at the next exit or at the removal; rejects when the operation is aborted. */
  wait(op: Operation, id: string, condition: WaitCondition): Promise<WaitResult> {
    const map = condition === "removed" ? this.#removed : this.#exit;
    return new Promise((resolve, reject) => {
      const set = map.get(id) ?? new Set();
      map.set(id, set);
      const leave = (): void => {
        set.delete(waiter);
        if (set.size === 0 && map.get(id) === set) map.delete(id);
        op.signal.removeEventListener("abort", abort);
      };
      const waiter: Waiter = {
        wake: (result) => {
          leave();
          resolve(result);
        },
        reject: (error) => {
          leave();
          reject(error);
        },
      };
      const abort = (): void => {
        leave();
        try {
          op.check();
        } catch (error) {
          reject(error);
        }
      };
      set.add(waiter);
      if (op.signal.aborted) abort();
      else op.signal.addEventListener("abort", abort);
    });
  }

  exited(id: string, result: WaitResult): void {
    for (const waiter of [...(this.#exit.get(id) ?? [])]) waiter.wake(result);
  }

  /** A removal also wakes those who wait for an exit, for there will be none. */
  removed(id: string, result: WaitResult): void {
    for (const waiter of [...(this.#removed.get(id) ?? []), ...(this.#exit.get(id) ?? [])]) waiter.wake(result);
  }

  /** Rejects all of them: nobody will tell them any more. */
  close(why: Error): void {
    for (const map of [this.#exit, this.#removed])
      for (const waiter of [...map.values()].flatMap((set) => [...set])) waiter.reject(why);
  }
}
