/**
 * Runs tasks of the same key one after another, and tasks of different keys side by side. A container's state changes
 * go through its queue, so that no caller ever takes a lock.
 */
export class KeyedQueue {
  readonly #tails = new Map<string, Promise<unknown>>();

  /** Runs `task` once every earlier task of `key` has ended. Resolves or rejects with the task. */
  run<T>(key: string, task: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve();
    const mine = before.then(task, task);
    const tail = mine.then(
      () => {},
      () => {},
    );
    this.#tails.set(key, tail);
    void tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    });
    return mine;
  }

  /** The keys that have work, for debug dumps. */
  keys(): string[] {
    return [...this.#tails.keys()];
  }

  /** Resolves when no key has work. */
  async idle(): Promise<void> {
    while (this.#tails.size > 0) await Promise.all(this.#tails.values());
  }
}
