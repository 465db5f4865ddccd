import { type ErrorFields, type ErrorKind, errnoOf, KeelsonError, messageOf } from "../../base/errors.ts";

export interface TransferFields extends ErrorFields {
  /** Another try may go better: a stall, a lost connection, a server that is busy or broken. */
  readonly transient?: boolean;
  /** No registry answered at all: the next endpoint may be tried. */
  readonly unreachable?: boolean;
  /** Milliseconds that the server asked to wait. */
  readonly retryAfter?: number;
  /** The registry's error code, such as `MANIFEST_UNKNOWN`. */
  readonly code?: string;
}

/** An error of a transfer, with what a retry and a fallback need to know of it. */
export class TransferError extends KeelsonError {
  readonly transfer: TransferFields;

  constructor(kind: ErrorKind, message: string, fields: TransferFields = {}) {
    super(kind, message, fields);
    this.transfer = fields;
  }
}

const unknownAuthority = new Set([
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
  "UNABLE_TO_GET_ISSUER_CERT",
]);

/** What a connection failed of, in Go's words, as Docker shows it: `Get "URL": dial tcp …: connect: connection refused`. */
export function connectionError(method: string, url: URL, error: unknown): TransferError {
  if (error instanceof TransferError) return error;
  const [first] = error instanceof AggregateError ? (error.errors as unknown[]) : [error];
  const { address, port } = (first ?? {}) as { address?: string; port?: number };
  const code = errnoOf(first) ?? "";
  const at = address === undefined ? url.host : address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
  const isTls = unknownAuthority.has(code) || code.startsWith("ERR_TLS") || code.startsWith("CERT_");
  const isLost = code === "ECONNRESET" || code === "EPIPE";
  return new TransferError("unavailable", `${verb(method)} "${url.href}": ${reason(code, at, url, first)}`, {
    cause: error,
    errno: code === "" ? undefined : code,
    unreachable: true,
    transient: isLost || (!isTls && code === "EAI_AGAIN"),
  });
}

function reason(code: string, at: string, url: URL, error: unknown): string {
  if (unknownAuthority.has(code))
    return "tls: failed to verify certificate: x509: certificate signed by unknown authority";
  switch (code) {
    case "ECONNREFUSED":
      return `dial tcp ${at}: connect: connection refused`;
    case "ENETUNREACH":
      return `dial tcp ${at}: connect: network is unreachable`;
    case "EHOSTUNREACH":
      return `dial tcp ${at}: connect: no route to host`;
    case "ETIMEDOUT":
      return `dial tcp ${at}: i/o timeout`;
    case "ENOTFOUND":
      return `dial tcp: lookup ${url.hostname}: no such host`;
    case "EAI_AGAIN":
      return `dial tcp: lookup ${url.hostname}: server misbehaving`;
    case "CERT_HAS_EXPIRED":
      return "tls: failed to verify certificate: x509: certificate has expired or is not yet valid";
    case "ERR_SSL_WRONG_VERSION_NUMBER":
    case "ERR_SSL_PACKET_LENGTH_TOO_LONG":
      return "http: server gave HTTP response to HTTPS client";
    case "ECONNRESET":
      return "EOF";
    default:
      return messageOf(error);
  }
}

/** `GET` as Go's errors spell it. */
export function verb(method: string): string {
  return method.slice(0, 1) + method.slice(1).toLowerCase();
}
