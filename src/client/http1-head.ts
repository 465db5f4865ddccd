import { corrupt, invalid, type KeelsonError } from "../base/errors.ts";

/** The head of an answer. Header names are in lower case; what came several times is joined by commas. */
export interface Head {
  readonly status: number;
  /** The minor version: 1 of HTTP/1.1. */
  readonly minor: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** How much a head, or the trailer of a body, may take. */
export const headLimit = 64 * 1024;

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const statusLine = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: .*)?$/;

/** What is no HTTP/1.1. The text that was met is the cause: it is our complaint, and none of the engine's answers. */
export function malformed(what: string, text: string): KeelsonError {
  return corrupt(`malformed HTTP response: ${what} ${JSON.stringify(text.slice(0, 80))}`, { cause: text });
}

/** A request's first line and headers, with the empty line after them (RFC 9112, 3). `invalid` for what would break it. */
export function encodeHead(method: string, target: string, headers: Readonly<Record<string, string>>): string {
  if (!/^[!-~]+$/.test(target)) throw invalid(`invalid request path ${JSON.stringify(target)}`, { cause: target });
  let text = `${method} ${target} HTTP/1.1\r\n`;
  for (const [name, value] of Object.entries(headers)) {
    if (!token.test(name) || /[^\t -~\x80-\xff]/.test(value))
      throw invalid(`invalid header ${JSON.stringify(name)} of a request`, { cause: value });
    text += `${name}: ${value}\r\n`;
  }
  return `${text}\r\n`;
}

/** Gathers the head of an answer. Lines may end in a bare LF (RFC 9112, 2.2). */
export class HeadReader {
  #text = "";

  /** The head, and the bytes after it; undefined until all of it is here. */
  push(bytes: Buffer): { readonly head: Head; readonly rest: Buffer } | undefined {
    const before = this.#text.length;
    this.#text += bytes.toString("latin1");
    const blank = /\n\r?\n/g;
    blank.lastIndex = Math.max(0, before - 2);
    const end = blank.exec(this.#text) ? blank.lastIndex : -1;
    if (end > headLimit || (end < 0 && this.#text.length > headLimit)) throw malformed("too long a head", this.#text);
    if (end < 0) {
      this.#checkStart();
      return undefined;
    }
    const head = parseHead(this.#text.slice(0, end));
    this.#text = "";
    return { head, rest: bytes.subarray(end - before) };
  }

  /** What does not begin as HTTP does is refused at once: its end may never come. */
  #checkStart(): void {
    const start = this.#text.slice(0, 7);
    if (!"HTTP/1.".startsWith(start)) throw malformed("unexpected start", this.#text);
  }
}

/** Parses a whole head (RFC 9112, 4 and 5). */
export function parseHead(text: string): Head {
  const lines = text.split(/\r?\n/);
  const [, minor, status] = statusLine.exec(lines[0]!) ?? [];
  if (status === undefined) throw malformed("status line", lines[0]!);
  return { status: Number(status), minor: Number(minor), headers: parseHeaders(lines.slice(1)) };
}

function parseHeaders(lines: readonly string[]): Record<string, string> {
  const headers: Record<string, string> = Object.create(null);
  for (const line of lines) {
    if (line === "") continue;
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0)).toLowerCase();
    if (!token.test(name) || /[\0\r]/.test(line)) throw malformed("header", line);
    const value = line.slice(colon + 1).trim();
    headers[name] = name in headers ? `${headers[name]}, ${value}` : value;
  }
  return headers;
}
