import { STATUS_CODES } from "node:http";
import type { ErrorKind } from "../../base/errors.ts";
import { TransferError } from "./failure.ts";
import type { HttpResponse } from "./http.ts";
import { parseRetryAfter } from "./retry.ts";

/** What a registry's refusal means (OCI distribution-spec, Error Codes): its own words where it sends any. */
export function registryError(response: HttpResponse, body: Buffer): TransferError {
  const { status, headers } = response;
  const listed = firstError(body);
  const transient = status === 429 || status >= 500;
  const code = listed?.code ?? defaultCodes[status];
  const retryAfter = transient ? parseRetryAfter(headers["retry-after"], Date.now()) : undefined;
  const words =
    code === undefined || (listed === undefined && status >= 500)
      ? `received unexpected HTTP status: ${status} ${STATUS_CODES[status] ?? ""}`.trim()
      : `${code.toLowerCase().replaceAll("_", " ")}: ${listed?.message || STATUS_CODES[status]}`;
  return new TransferError(kindOf(status), words, {
    ...(code === undefined ? {} : { code }),
    ...(retryAfter === undefined ? {} : { retryAfter }),
    transient,
  });
}

const defaultCodes: Readonly<Record<number, string>> = { 401: "UNAUTHORIZED", 403: "DENIED", 429: "TOOMANYREQUESTS" };

function kindOf(status: number): ErrorKind {
  if (status === 401) return "unauthorized";
  if (status === 403) return "forbidden";
  return status === 404 ? "notFound" : "unavailable";
}

function firstError(body: Buffer): { code: string; message: string } | undefined {
  try {
    const { errors } = JSON.parse(body.toString("utf8")) as { errors?: unknown };
    const [first] = Array.isArray(errors) ? (errors as Array<{ code?: unknown; message?: unknown }>) : [];
    if (typeof first?.code !== "string") return undefined;
    return { code: first.code, message: typeof first.message === "string" ? first.message.slice(0, 500) : "" };
  } catch {
    return undefined;
  }
}
