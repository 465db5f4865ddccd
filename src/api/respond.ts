import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";
import { isKind, messageOf } from "../base/errors.ts";
import type { Bytes, Lines } from "./route.ts";

/** Sends one JSON value, with the line feed that Docker's encoder writes. */
export function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const text = `${JSON.stringify(value)}\n`;
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) });
  response.end(text);
}

/** Sends values a line each, at the reader's pace. A failure before the first line is thrown, a later one is sent. */
export async function sendLines(response: ServerResponse, status: number, lines: Lines<unknown>): Promise<void> {
  const head = (): void => {
    if (response.headersSent) return;
    response.writeHead(status, { "Content-Type": "application/json" });
    response.flushHeaders();
  };
  if (lines.flush) head();
  try {
    for await (const value of lines.source) {
      if (response.destroyed) break;
      head();
      if (!response.write(`${JSON.stringify(value)}\n`)) await drained(response);
    }
    head();
  } catch (error) {
    if (response.destroyed || isKind(error, "cancelled")) return void response.destroy();
    if (!response.headersSent) throw error;
    response.write(`${JSON.stringify(lines.failure(messageOf(error)))}\n`);
  }
  response.end();
}

/** Sends bytes at the reader's pace. The head goes out at once, for a log that is followed may stay silent for long. */
export async function sendBytes(response: ServerResponse, status: number, bytes: Bytes): Promise<void> {
  const headers = { "Content-Type": bytes.type, ...bytes.headers };
  if (typeof bytes.source === "string") {
    response.writeHead(status, { ...headers, "Content-Length": Buffer.byteLength(bytes.source) });
    response.end(bytes.source);
    return;
  }
  response.writeHead(status, headers);
  response.flushHeaders();
  try {
    await pipeline(bytes.source, response);
  } catch {
    // The head is out: all that can still be said is that the answer is not whole.
    response.destroy();
  }
}

async function drained(response: ServerResponse): Promise<void> {
  if (response.destroyed) return;
  const gone = new AbortController();
  const leave = (): void => gone.abort();
  response.once("close", leave);
  await once(response, "drain", { signal: gone.signal }).catch(() => {});
  response.off("close", leave);
}
