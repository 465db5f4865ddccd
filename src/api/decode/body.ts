import type { IncomingMessage } from "node:http";
import type { TSchema } from "@sinclair/typebox";
import { invalid } from "../../base/errors.ts";
import { decodeJson } from "./go-json.ts";

/** No request of the contract comes near this many bytes. */
export const bodyLimit = 8 * 1024 * 1024;

/** A client that sends nothing of its body for so long is cut off, in milliseconds. */
const longestPause = 60_000;

/** Thrown for a body past the limit; answered with 413. */
export class BodyTooLarge extends Error {
  readonly statusCode = 413;
}

/**
 * Reads a JSON body by its schema. Without a body (and where Docker takes none: no length, no type) the value is
 * undefined.
 */
export async function decodeBody(schema: TSchema, request: IncomingMessage): Promise<unknown> {
  const bytes = await readBody(request);
  if (bytes.length === 0) return undefined;
  checkContentType(request.headers["content-type"]);
  return decodeJson(schema, parse(bytes.toString("utf8")));
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  if (Number(request.headers["content-length"] ?? 0) > bodyLimit) throw tooLarge();
  const chunks: Buffer[] = [];
  let length = 0;
  const timer = setTimeout(() => request.destroy(), longestPause);
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      timer.refresh();
      length += (chunk as Buffer).length;
      if (length > bodyLimit) throw tooLarge();
      chunks.push(chunk as Buffer);
    }
  } finally {
    clearTimeout(timer);
  }
  return Buffer.concat(chunks);
}

function tooLarge(): BodyTooLarge {
  return new BodyTooLarge(`request body is too large: the limit is ${bodyLimit} bytes`);
}

function checkContentType(header: string | undefined): void {
  const type = (header ?? "").split(";", 1)[0]!.trim().toLowerCase();
  if (type === "") throw invalid("malformed Content-Type header (): mime: no media type");
  if (type !== "application/json")
    throw invalid(`unsupported Content-Type header (${type}): must be 'application/json'`);
}

function parse(text: string): unknown {
  if (text.trim() === "") throw invalid("invalid JSON: got EOF while reading request body");
  try {
    return JSON.parse(text);
  } catch (cause) {
    const reason = (cause as Error).message;
    if (/after JSON/.test(reason)) throw invalid("unexpected content after JSON", { cause });
    const position = Number(/at position (\d+)/.exec(reason)?.[1] ?? Number.NaN);
    if (/Unexpected end|Unterminated/.test(reason) || position >= text.trimEnd().length)
      throw invalid("invalid JSON: unexpected EOF", { cause });
    throw invalid(`invalid JSON: ${reason}`, { cause });
  }
}
