import type { Operation } from "../base/operation.ts";
import type { WaitCondition } from "./containers.ts";

export interface WaitResult {
  readonly exitCode: number;
  readonly error?: string;
}

type Wake = (result: WaitResult) => void;

/** Those who wait for a container to end or to be removed. */
export class Waiters {
  readonly #exit = new Map<string, Set<Wake>>();
  readonly #removed = new Map<string, Set<Wake>>();

  /** Resolves at the next exit or at the removal; rejects when the operation is aborted. */
  wait(op: Operation, id: string, condition: WaitCondition): Promise<WaitResult> {
    const map = condition === "removed" ? this.#removed : this.#exit;
    return new Promise((resolve, reject) => {
      const set = map.get(id) ?? new Set();
      map.set(id, set);
      const leave = (): void => {
        set.delete(wake);
        if (set.size === 0 && map.get(id) === set) map.delete(id);
        op.signal.removeEventListener("abort", abort);
      };
      const wake: Wake = (result) => {
        leave();
        resolve(result);
      };
      const abort = (): void => {
        leave();
        try {
          op.check();
        } catch (error) {
          reject(error);
        }
      };
      set.add(wake);
      if (op.signal.aborted) abort();
      else op.signal.addEventListener("abort", abort);
    });
  }

  exited(id: string, result: WaitResult): void {
    for (const wake of [...(this.#exit.get(id) ?? [])]) wake(result);
  }

  /** A removal also wakes those who wait for an exit, for there will be none. */
  removed(id: string, result: WaitResult): void {
    for (const wake of [...(this.#removed.get(id) ?? []), ...(this.#exit.get(id) ?? [])]) wake(result);
  }
}
