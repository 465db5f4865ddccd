/**
 * The closed set of ways in which an operation can fail. Every error that leaves a service is a {@link KeelsonError};
 * the API maps its kind to an HTTP status and the CLI to an exit code, each in one table.
 */
export type ErrorKind =
  | "invalid" // the request itself is wrong: 400
  | "unauthorized" // credentials are missing or refused: 401
  | "forbidden" // the caller may not do this: 403
  | "notFound" // 404
  | "conflict" // the state of the object does not allow it: 409
  | "notModified" // nothing to do: 304
  | "unavailable" // a part that we depend on does not answer: 503
  | "notImplemented" // known, and not there yet: 501
  | "exhausted" // disk, addresses, ports or memory ran out: 500
  | "corrupt" // data is not what its digest or format says: 500
  | "cancelled" // the caller went away: 499
  | "deadline" // it took too long: 504
  | "system"; // the kernel or a program refused: 500

/** What an error carries beside its message. All fields are optional; `cause` is the error beneath it. */
export interface ErrorFields {
  readonly cause?: unknown;
  readonly path?: string;
  readonly id?: string;
  /** The kernel's error name, such as `ENOENT`. */
  readonly errno?: string;
  /** The exit code that a container would have reported (125, 126 or 127), for failures of a start. */
  readonly exitCode?: number;
}

/** An error with a kind. `message` is a full sentence for the user, in Docker's words where Docker has words for it. */
export class KeelsonError extends Error {
  readonly kind: ErrorKind;
  readonly fields: ErrorFields;

  constructor(kind: ErrorKind, message: string, fields: ErrorFields = {}) {
    super(message, fields.cause === undefined ? undefined : { cause: fields.cause });
    this.name = "KeelsonError";
    this.kind = kind;
    this.fields = fields;
  }
}

const make =
  (kind: ErrorKind) =>
  (message: string, fields?: ErrorFields): KeelsonError =>
    new KeelsonError(kind, message, fields);

export const invalid = make("invalid");
export const unauthorized = make("unauthorized");
export const forbidden = make("forbidden");
export const notFound = make("notFound");
export const conflict = make("conflict");
export const notModified = make("notModified");
export const unavailable = make("unavailable");
export const notImplemented = make("notImplemented");
export const exhausted = make("exhausted");
export const corrupt = make("corrupt");
export const cancelled = make("cancelled");
export const deadlineExceeded = make("deadline");
export const systemError = make("system");

/** True for a {@link KeelsonError} of the given kind (of any kind when none is given). */
export function isKind(error: unknown, kind?: ErrorKind): error is KeelsonError {
  return error instanceof KeelsonError && (kind === undefined || error.kind === kind);
}

/** The message of anything that can be thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The kernel's error name (`ENOENT`) of a Node or Keelson error, or undefined. */
export function errnoOf(error: unknown): string | undefined {
  if (error instanceof KeelsonError) return error.fields.errno;
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === "string" ? code : undefined;
}

/** Gives an error without a kind one, keeping it as the cause. `ENOSPC`, `EDQUOT` become `exhausted`. */
export function withKind(error: unknown, fallback: ErrorKind = "system"): KeelsonError {
  if (error instanceof KeelsonError) return error;
  const errno = errnoOf(error);
  const kind = errno === "ENOSPC" || errno === "EDQUOT" ? "exhausted" : isAbort(error) ? "cancelled" : fallback;
  return new KeelsonError(kind, messageOf(error), { cause: error, errno });
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && (error.name === "AbortError" || errnoOf(error) === "ABORT_ERR");
}
