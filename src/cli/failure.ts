import { isKind, type KeelsonError, messageOf } from "../base/errors.ts";

/** A failure of a command: what is printed on stderr (nothing where it is empty), and the exit code. */
export class Failure extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode = 1, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "Failure";
    this.exitCode = exitCode;
  }
}

/** The text that Docker's client prints for what a command threw: what the engine answered is marked as such. */
export function textOf(error: unknown): string {
  return isAnswer(error) ? `Error response from daemon: ${error.message}` : messageOf(error);
}

/** True for what the engine answered; false for a connection that failed, which has a cause. */
export function isAnswer(error: unknown): error is KeelsonError {
  return isKind(error) && error.fields.cause === undefined;
}

/** The exit code for what a command threw: its own, or 1. */
export function exitCodeOf(error: unknown): number {
  return error instanceof Failure ? error.exitCode : 1;
}

/** True where the daemon said that the object does not exist. */
export function isNotFound(error: unknown): error is KeelsonError {
  return isKind(error, "notFound");
}

/** Several failures as one, a line each; nothing where there are none. */
export function throwAll(errors: readonly unknown[], exitCode = 1): void {
  if (errors.length > 0) throw new Failure(errors.map(textOf).join("\n"), exitCode);
}
