import { cancelled, deadlineExceeded } from "./errors.ts";

/** One line of an operation's history: what was done, and when in milliseconds since the operation began. */
export interface Step {
  readonly name: string;
  readonly at: number;
}

/**
 * What travels first through every asynchronous call of the engine: the abort signal of the one who asked, and a log
 * of the steps taken, which errors and SIGUSR1 dumps show. A client that hangs up aborts its operation.
 */
export class Operation {
  readonly name: string;
  readonly signal: AbortSignal;
  readonly steps: Step[] = [];
  readonly started = performance.now();

  constructor(name: string, signal: AbortSignal = new AbortController().signal) {
    this.name = name;
    this.signal = signal;
  }

  /** An operation that nobody can abort, for undo and for background work. */
  static background(name: string): Operation {
    return new Operation(name);
  }

  /** The same operation with a deadline of its own, in milliseconds from now. */
  within(milliseconds: number): Operation {
    return new Operation(this.name, AbortSignal.any([this.signal, AbortSignal.timeout(milliseconds)]));
  }

  /** Notes a step. */
  step(name: string): void {
    this.steps.push({ name, at: performance.now() - this.started });
  }

  /** Throws `cancelled` or `deadline` where the operation was aborted. */
  check(): void {
    if (!this.signal.aborted) return;
    const reason: unknown = this.signal.reason;
    if (reason instanceof Error && reason.name === "TimeoutError") throw deadlineExceeded(`${this.name}: timed out`);
    throw cancelled(`${this.name}: context canceled`, { cause: reason });
  }
}
