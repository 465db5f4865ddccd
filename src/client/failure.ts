import { cancelled, type ErrorKind, errnoOf, isKind, KeelsonError, unavailable } from "../base/errors.ts";
import type { HttpResponse } from "./http1.ts";
import { readText } from "./lines.ts";

const kinds: Readonly<Record<number, ErrorKind>> = {
  304: "notModified",
  400: "invalid",
  401: "unauthorized",
  403: "forbidden",
  404: "notFound",
  409: "conflict",
  413: "invalid",
  499: "cancelled",
  501: "notImplemented",
  503: "unavailable",
  504: "deadline",
};

/** The error that a bad answer tells of: its message, the kind of its status. */
export async function errorOf(response: HttpResponse): Promise<KeelsonError> {
  const { statusCode: status } = response;
  const text = await readText(response);
  return new KeelsonError(kinds[status] ?? (status < 500 ? "invalid" : "system"), messageIn(text, status));
}

function messageIn(text: string, status: number): string {
  try {
    const parsed: unknown = JSON.parse(text);
    const message = (parsed as { message?: unknown } | null)?.message;
    if (typeof message === "string") return message.trim();
  } catch {
    // Not JSON: some answers of Docker's are plain text.
  }
  return text.trim() || `request returned ${status} without a message`;
}

/** What a failed connection means to the user, in the words of Docker's client. */
export function connectionError(error: unknown, host: string, signal?: AbortSignal): KeelsonError {
  if (isKind(error, "invalid") || isKind(error, "cancelled")) return error;
  if (signal?.aborted) return cancelled("context canceled", { cause: error });
  const errno = errnoOf(error);
  if (errno === "EACCES" || errno === "EPERM")
    return new KeelsonError(
      "forbidden",
      `permission denied while trying to connect to the Docker daemon socket at ${host}`,
      { cause: error, errno },
    );
  if (errno === "ECONNRESET" || errno === "EPIPE")
    return unavailable(`error during connect: the daemon at ${host} closed the connection`, { cause: error, errno });
  if (errno === "ECONNREFUSED" || errno === "ENOENT" || errno === "ETIMEDOUT" || errno === "EHOSTUNREACH")
    return unavailable(`Cannot connect to the Docker daemon at ${host}. Is the docker daemon running?`, {
      cause: error,
      errno,
    });
  const reason = error instanceof Error ? error.message : String(error);
  return unavailable(`error during connect: ${host}: ${reason}`, { cause: error, errno });
}

/** What it means that an answer broke off in its body. */
export function cutOff(error: unknown): KeelsonError {
  if (error instanceof KeelsonError) return error;
  return unavailable("unexpected EOF: the daemon closed the connection", { cause: error, errno: errnoOf(error) });
}
