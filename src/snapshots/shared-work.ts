import { cancelled } from "../base/errors.ts";
import { Operation } from "../base/operation.ts";

interface Work<T> {
  readonly done: Promise<T>;
  readonly abort: AbortController;
  waiting: number;
}

/** Work that several operations may wait for and that is done once. It is aborted when the last of them went away. */
export class SharedWork<T> {
  readonly #works = new Map<string, Work<T>>();

  /** The work of that key that is going on, or undefined. */
  current(key: string): Promise<T> | undefined {
    return this.#works.get(key)?.done;
  }

  /** Resolves when nothing is going on. */
  async idle(): Promise<void> {
    while (this.#works.size > 0) await Promise.allSettled([...this.#works.values()].map(({ done }) => done));
  }

  /** Joins the work of that key, or starts it. */
  async run(op: Operation, key: string, start: (op: Operation) => Promise<T>): Promise<T> {
    op.check();
    let work = this.#works.get(key);
    while (work?.abort.signal.aborted) {
      await work.done.catch(() => {});
      op.check();
      work = this.#works.get(key);
    }
    work ??= this.#start(op.name, key, start);
    return this.#join(op, work);
  }

  #start(name: string, key: string, start: (op: Operation) => Promise<T>): Work<T> {
    const abort = new AbortController();
    const done = start(new Operation(name, abort.signal)).finally(() => this.#works.delete(key));
    done.catch(() => {});
    const work = { done, abort, waiting: 0 };
    this.#works.set(key, work);
    return work;
  }

  async #join(op: Operation, work: Work<T>): Promise<T> {
    work.waiting++;
    const { promise: left, reject } = Promise.withResolvers<never>();
    const leave = (): void => reject(cancelled(`${op.name}: context canceled`));
    op.signal.addEventListener("abort", leave, { once: true });
    try {
      return await Promise.race([work.done, left]);
    } catch (error) {
      // The last one waits until everything is undone.
      if (op.signal.aborted && work.waiting === 1) {
        work.abort.abort();
        await work.done.catch(() => {});
      }
      op.check();
      throw error;
    } finally {
      op.signal.removeEventListener("abort", leave);
      work.waiting--;
    }
  }
}
