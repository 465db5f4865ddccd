import { type Head, headLimit, malformed } from "./http1-head.ts";

/** Takes the body of an answer out of what the connection brings. */
export interface BodyReader {
  /** Hands the body's bytes on. Returns what follows the body once it is whole, undefined before. */
  push(bytes: Buffer, target: (piece: Buffer) => void): Buffer | undefined;
  /** True where the end of the connection is the end of the body. */
  readonly untilClose: boolean;
}

/** How the body of this answer ends (RFC 9112, 6.3). Undefined where there is none. */
export function bodyReader(head: Head, method: string): BodyReader | undefined {
  const { status, headers } = head;
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) return undefined;
  const coding = headers["transfer-encoding"];
  if (coding !== undefined) {
    if (coding.toLowerCase() !== "chunked") throw malformed("transfer encoding", coding);
    return new ChunkedBody();
  }
  const length = lengthOf(headers["content-length"]);
  if (length === undefined) return { untilClose: true, push: (bytes, target) => void handOn(bytes, target) };
  return length === 0 ? undefined : sizedBody(length);
}

function handOn(bytes: Buffer, target: (piece: Buffer) => void): void {
  if (bytes.length > 0) target(bytes);
}

/** A length that is said several times must be the same each time. */
function lengthOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [length, ...others] = new Set(text.split(",").map((part) => part.trim()));
  if (others.length > 0 || !/^\d{1,15}$/.test(length!)) throw malformed("content length", text);
  return Number(length);
}

function sizedBody(length: number): BodyReader {
  let left = length;
  return {
    untilClose: false,
    push: (bytes, target) => {
      const piece = bytes.subarray(0, left);
      left -= piece.length;
      handOn(piece, target);
      return left === 0 ? bytes.subarray(piece.length) : undefined;
    },
  };
}

/** `size[;extension] CRLF bytes CRLF … 0 CRLF trailer CRLF` (RFC 9112, 7.1). Extensions and trailers are dropped. */
class ChunkedBody implements BodyReader {
  readonly untilClose = false;
  #state: "size" | "bytes" | "after bytes" | "trailer" = "size";
  #left = 0;
  #line = "";
  #trailer = 0;

  push(bytes: Buffer, target: (piece: Buffer) => void): Buffer | undefined {
    for (let at = 0; at < bytes.length; ) {
      if (this.#state === "bytes") {
        const piece = bytes.subarray(at, at + this.#left);
        at += piece.length;
        this.#left -= piece.length;
        handOn(piece, target);
        if (this.#left === 0) this.#state = "after bytes";
        continue;
      }
      const end = bytes.indexOf(0x0a, at);
      this.#line += bytes.toString("latin1", at, end < 0 ? bytes.length : end);
      if (this.#line.length + this.#trailer > headLimit) throw malformed("too long a line in the body", this.#line);
      if (end < 0) return undefined;
      at = end + 1;
      if (this.#takeLine()) return bytes.subarray(at);
    }
    return undefined;
  }

  /** True where the line was the body's last. */
  #takeLine(): boolean {
    const line = this.#line.endsWith("\r") ? this.#line.slice(0, -1) : this.#line;
    this.#line = "";
    if (this.#state === "trailer") {
      this.#trailer += line.length;
      return line === "";
    }
    if (this.#state === "after bytes") {
      if (line !== "") throw malformed("end of a chunk", line);
      this.#state = "size";
      return false;
    }
    const [, size] = /^([0-9A-Fa-f]{1,13})[ \t]*(?:;.*)?$/.exec(line) ?? [];
    if (size === undefined) throw malformed("chunk size", line);
    this.#left = Number.parseInt(size, 16);
    this.#state = this.#left === 0 ? "trailer" : "bytes";
    return false;
  }
}
