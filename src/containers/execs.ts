import { notFound } from "../base/errors.ts";
import type { Exec } from "./containers.ts";

/** An ended exec is kept this long, so that its exit code can be asked for, in milliseconds. */
const keepEnded = 5 * 60_000;

interface Kept {
  exec: Exec;
  endedAt: number | undefined;
}

/** The execs of this engine's containers. They live in memory: after a restart of the engine nobody knows their IDs. */
export class Execs {
  readonly #byId = new Map<string, Kept>();

  add(exec: Exec): void {
    this.#sweep();
    this.#byId.set(exec.id, { exec, endedAt: undefined });
  }

  /** The exec, or `notFound` in Docker's words. */
  get(id: string): Exec {
    const kept = this.#byId.get(id) ?? this.#byPrefix(id);
    if (!kept) throw notFound(`No such exec instance: ${id}`, { id });
    return kept.exec;
  }

  /** Changes an exec; one that went with its container meanwhile is no error. */
  update(id: string, change: Partial<Exec>): void {
    const kept = this.#byId.get(id);
    if (!kept) return;
    const exec = { ...kept.exec, ...change };
    this.#byId.set(id, { exec, endedAt: exec.exitCode === null ? undefined : performance.now() });
  }

  isRunning(id: string): boolean {
    return this.#byId.get(id)?.exec.running === true;
  }

  /** Those of one container that have not ended. */
  activeOf(containerId: string): string[] {
    return [...this.#byId.values()]
      .filter(({ exec, endedAt }) => exec.containerId === containerId && endedAt === undefined)
      .map(({ exec }) => exec.id);
  }

  /** Forgets a removed container's execs. */
  drop(containerId: string): void {
    for (const [id, { exec }] of this.#byId) if (exec.containerId === containerId) this.#byId.delete(id);
  }

  #byPrefix(prefix: string): Kept | undefined {
    if (!/^[0-9a-f]{1,63}$/.test(prefix)) return undefined;
    const found = [...this.#byId].filter(([id]) => id.startsWith(prefix));
    return found.length === 1 ? found[0]![1] : undefined;
  }

  #sweep(): void {
    const oldest = performance.now() - keepEnded;
    for (const [id, { endedAt }] of this.#byId) if (endedAt !== undefined && endedAt < oldest) this.#byId.delete(id);
  }
}
