import { type ErrorFields, type ErrorKind, KeelsonError, withKind } from "../base/errors.ts";
import type { Kernel } from "./kernel.ts";

/** What the main thread and the kernel worker say to each other. */
export type CallName = Exclude<keyof Kernel, "close">;

/** Results as they cross: elements are hex text, for small buffers are dear to clone. */
export type WireResult<K extends CallName> = K extends "nftRead"
  ? { readonly key: string; readonly value?: string }[] | undefined
  : Awaited<ReturnType<Kernel[K]>>;

/** The worker's side of each call. A promise is of work on another thread, beside which the next calls go on. */
export type Calls = {
  readonly [K in CallName]: (...args: Parameters<Kernel[K]>) => WireResult<K> | Promise<WireResult<K>>;
};

export interface Request {
  readonly id: number;
  /** `close` ends the worker. */
  readonly call: CallName | "close";
  readonly args: readonly unknown[];
}

export type Response = {
  readonly id: number;
  /** How long the worker was at it, in milliseconds. */
  readonly took: number;
} & ({ readonly value: unknown } | { readonly error: WireError });

/** What went wrong without failing a call: undos. */
export interface Warning {
  readonly warning: string;
}

/** An error without its class, which does not cross threads. */
export interface WireError {
  readonly kind: ErrorKind;
  readonly message: string;
  readonly fields: ErrorFields;
}

export interface WorkerData {
  readonly readyNamespaces: number;
}

export function toWire(error: unknown): WireError {
  const { kind, message, fields } = withKind(error);
  const { cause: _, ...plain } = fields;
  return { kind, message, fields: plain };
}

export function fromWire({ kind, message, fields }: WireError): KeelsonError {
  return new KeelsonError(kind, message, fields);
}
