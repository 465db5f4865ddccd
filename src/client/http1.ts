/** One request and its answer on a connection: HTTP/1.1 as RFC 9112 has it. Loading Node's own takes 40 ms. */
import type { Socket } from "node:net";
import { Readable } from "node:stream";
import { cancelled, type KeelsonError } from "../base/errors.ts";
import { cutOff } from "./failure.ts";
import { type BodyReader, bodyReader } from "./http1-body.ts";
import { encodeHead, type Head, HeadReader } from "./http1-head.ts";

export interface HttpRequest {
  readonly method: string;
  /** Path and query. */
  readonly target: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A text and bytes go with their length, a stream in chunks. */
  readonly body?: string | Uint8Array | Readable;
  readonly signal?: AbortSignal;
  /** Ask for the connection itself. */
  readonly upgrade?: boolean;
}

export interface HttpAnswer {
  readonly response: HttpResponse;
  /** The connection, where the server gave it: what it sends comes out, `end()` closes our half only. */
  readonly stream?: Socket;
}

/** An answer: its head, and its body as a stream. Destroying it before its end closes the connection. */
export class HttpResponse extends Readable {
  readonly statusCode: number;
  /** By name in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  readonly #wanted: () => void;
  readonly #dropped: () => void;

  constructor(head: Head, wanted: () => void, dropped: () => void) {
    super();
    this.statusCode = head.status;
    this.headers = head.headers;
    this.#wanted = wanted;
    this.#dropped = dropped;
    // What breaks before anybody reads is told to the one who reads then.
    this.on("error", () => {});
  }

  override _read(): void {
    this.#wanted();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#dropped();
    done(error);
  }
}

/** The connection ended too early. */
export class UnexpectedEnd extends Error {
  readonly code = "ECONNRESET";
  constructor() {
    super("unexpected EOF");
  }
}

/** What becomes of a connection after an exchange. */
export interface Owner {
  /** The answer is whole, and the connection can carry another request. */
  free(socket: Socket): void;
}

/**
 * Sends a request and resolves with the head of its answer; informational answers (1xx) are passed over. The socket may
 * still be connecting; nobody else may use it until it is handed to `owner`, or closed. Rejects with what went wrong: the
 * socket's own error, {@link UnexpectedEnd}, `corrupt` for what is no HTTP, `cancelled` by the signal. What fails later
 * destroys the response, with `unavailable` where the connection broke.
 */
export function exchange(socket: Socket, request: HttpRequest, owner: Owner): Promise<HttpAnswer> {
  const head = requestHead(request);
  return new Promise((resolve, reject) => {
    new Exchange(socket, request, owner, resolve, reject).start(head);
  });
}

class Exchange {
  readonly #socket: Socket;
  readonly #request: HttpRequest;
  readonly #owner: Owner;
  readonly #resolve: (answer: HttpAnswer) => void;
  readonly #reject: (error: unknown) => void;
  readonly #head = new HeadReader();
  #response: HttpResponse | undefined;
  #body: BodyReader | undefined;
  #isLast = true;
  #isSent = false;
  #isOver = false;

  constructor(
    socket: Socket,
    request: HttpRequest,
    owner: Owner,
    resolve: (answer: HttpAnswer) => void,
    reject: (error: unknown) => void,
  ) {
    this.#socket = socket;
    this.#request = request;
    this.#owner = owner;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  start(head: string): void {
    const { signal } = this.#request;
    if (signal?.aborted) {
      this.#fail(aborted(signal));
      return;
    }
    signal?.addEventListener("abort", this.#onAbort);
    this.#socket.on("data", this.#onData);
    this.#socket.on("end", this.#onEnd);
    this.#socket.on("error", this.#fail);
    this.#socket.on("close", this.#onClose);
    this.#socket.resume();
    this.#send(head).catch(this.#fail);
  }

  async #send(head: string): Promise<void> {
    const { body } = this.#request;
    const socket = this.#socket;
    if (body instanceof Readable) {
      socket.write(head, "latin1");
      await sendChunks(socket, body);
    } else if (typeof body === "string") {
      // One write: the engine gets all of a small request at once.
      socket.write(Buffer.concat([Buffer.from(head, "latin1"), Buffer.from(body)]));
    } else {
      socket.cork();
      socket.write(head, "latin1");
      if (body) socket.write(body);
      socket.uncork();
    }
    this.#isSent = true;
  }

  readonly #onAbort = (): void => this.#fail(aborted(this.#request.signal!));
  readonly #onClose = (): void => this.#fail(new UnexpectedEnd());

  readonly #onEnd = (): void => {
    if (this.#body?.untilClose) this.#finish(false);
    else this.#fail(new UnexpectedEnd());
  };

  readonly #onData = (bytes: Buffer): void => {
    try {
      const rest = this.#response ? bytes : this.#takeHead(bytes);
      if (rest && this.#body) this.#takeBody(rest);
    } catch (error) {
      this.#fail(error);
    }
  };

  /** Returns the bytes of the body that came with the head. */
  #takeHead(bytes: Buffer): Buffer | undefined {
    for (let rest = bytes; ; ) {
      const found = this.#head.push(rest);
      if (!found) return undefined;
      rest = found.rest;
      if (found.head.status < 200 && found.head.status !== 101) continue;
      return this.#answer(found.head, rest);
    }
  }

  #answer(head: Head, rest: Buffer): Buffer | undefined {
    const { method, upgrade } = this.#request;
    const body = bodyReader(head, method);
    // Engines of old answer 200 and then go on as if they had said 101.
    if (head.status === 101 || (upgrade && head.status === 200 && body?.untilClose)) {
      this.#handOver(head, rest);
      return undefined;
    }
    this.#body = body;
    this.#isLast = !keepsAlive(head);
    this.#response = new HttpResponse(
      head,
      () => this.#isOver || this.#socket.resume(),
      () => this.#drop(),
    );
    this.#resolve({ response: this.#response });
    if (body) return rest;
    this.#finish(rest.length === 0);
    return undefined;
  }

  #takeBody(bytes: Buffer): void {
    const rest = this.#body!.push(bytes, (piece) => {
      if (!this.#response!.push(piece)) this.#socket.pause();
    });
    if (rest) this.#finish(rest.length === 0);
  }

  /** Gives the connection away, with what came after the head. */
  #handOver(head: Head, rest: Buffer): void {
    const socket = this.#socket;
    const { signal } = this.#request;
    this.#leave();
    // As it was before anybody listened: the next one who does starts it.
    socket.pause();
    (socket as { readableFlowing: boolean | null }).readableFlowing = null;
    if (rest.length > 0) socket.unshift(rest);
    if (signal) {
      const onAbort = (): void => void socket.destroy(aborted(signal));
      signal.addEventListener("abort", onAbort);
      socket.once("close", () => signal.removeEventListener("abort", onAbort));
    }
    const response = new HttpResponse(
      head,
      () => {},
      () => {},
    );
    response.push(null);
    this.#resolve({ response, stream: socket });
  }

  /** The body is whole. */
  #finish(isClean: boolean): void {
    const response = this.#response!;
    this.#leave();
    if (isClean && this.#isSent && !this.#isLast && !this.#request.upgrade) this.#owner.free(this.#socket);
    else this.#discard();
    response.push(null);
  }

  /** The reader wants no more. */
  #drop(): void {
    if (this.#isOver) return;
    this.#leave();
    this.#discard();
  }

  readonly #fail = (error: unknown): void => {
    if (this.#isOver) return;
    this.#leave();
    this.#discard();
    if (this.#response) this.#response.destroy(cutOff(error));
    else this.#reject(error);
  };

  #discard(): void {
    const { body } = this.#request;
    this.#socket.on("error", () => {});
    this.#socket.destroy();
    if (body instanceof Readable) body.destroy();
  }

  #leave(): void {
    this.#isOver = true;
    this.#request.signal?.removeEventListener("abort", this.#onAbort);
    this.#socket.off("data", this.#onData);
    this.#socket.off("end", this.#onEnd);
    this.#socket.off("error", this.#fail);
    this.#socket.off("close", this.#onClose);
  }
}

function requestHead(request: HttpRequest): string {
  const { method, target, body } = request;
  const headers: Record<string, string> = { ...request.headers };
  headers["connection"] = request.upgrade ? "Upgrade" : "keep-alive";
  if (request.upgrade) headers["upgrade"] = "tcp";
  if (body instanceof Readable) headers["transfer-encoding"] = "chunked";
  else if (body !== undefined) headers["content-length"] = String(Buffer.byteLength(body));
  else if (method === "POST" || method === "PUT") headers["content-length"] = "0";
  return encodeHead(method, target, headers);
}

/** True where the server will read another request (RFC 9112, 9.3). */
function keepsAlive({ minor, headers }: Head): boolean {
  return minor === 1 && !/\bclose\b/i.test(headers["connection"] ?? "");
}

function aborted(signal: AbortSignal): KeelsonError {
  return cancelled("context canceled", { cause: signal.reason });
}

/** Sends a stream in chunks, no faster than the server reads. */
async function sendChunks(socket: Socket, body: Readable): Promise<void> {
  for await (const piece of body) {
    const bytes = typeof piece === "string" ? Buffer.from(piece) : (piece as Uint8Array);
    if (bytes.length === 0) continue;
    socket.cork();
    socket.write(`${bytes.length.toString(16)}\r\n`, "latin1");
    socket.write(bytes);
    const goesOn = socket.write("\r\n", "latin1");
    socket.uncork();
    if (socket.destroyed) return;
    if (!goesOn) await drained(socket);
  }
  socket.write("0\r\n\r\n", "latin1");
}

function drained(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      socket.off("drain", done);
      socket.off("close", done);
      resolve();
    };
    socket.on("drain", done);
    socket.on("close", done);
  });
}
