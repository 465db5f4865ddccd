import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { Readable } from "node:stream";
import type { Operation } from "../../base/operation.ts";
import { connectionError, TransferError, verb } from "./failure.ts";

/** Bounds of a transfer. */
export interface TransferLimits {
  /** Milliseconds without a byte after which a server counts as stalled. */
  readonly stall: number;
  /** How often something is tried before its error is final. */
  readonly attempts: number;
  /** Milliseconds before the second try; doubled for each further one. */
  readonly retryDelay: number;
  /** The longest wait that a server's Retry-After may ask for, in milliseconds. */
  readonly longestRetryDelay: number;
  /** Layers fetched side by side. */
  readonly parallel: number;
}

export const defaultLimits: TransferLimits = {
  stall: 60_000,
  attempts: 5,
  retryDelay: 1_000,
  longestRetryDelay: 60_000,
  parallel: 4,
};

/** How a server is trusted. */
export interface Trust {
  /** Take any certificate. */
  readonly insecure: boolean;
  /** PEM certificates of authorities beside the usual ones. */
  readonly authorities?: readonly string[];
  /** PEM client certificate and key. */
  readonly identity?: { readonly certificate: string; readonly key: string };
}

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent to the first URL's own origin only; a redirect to another one goes without. */
  readonly authorization?: string;
  readonly body?: string;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** After redirects. */
  readonly url: URL;
  /** Must be read to its end or destroyed. Fails with a {@link TransferError} where the server stalls or goes away. */
  readonly body: Readable;
}

const maxRedirects = 10;
const redirects = new Set([301, 302, 303, 307, 308]);

/** Connections to one registry and whatever it redirects to, kept alive between requests. */
export class HttpClient {
  readonly #trust: Trust;
  readonly #stall: number;
  readonly #plain = new HttpAgent({ keepAlive: true, maxSockets: 16 });
  readonly #secure: HttpsAgent;
  readonly #secureElsewhere = new HttpsAgent({ keepAlive: true, maxSockets: 16 });
  readonly #own: string;

  constructor(own: URL, trust: Trust, stall: number) {
    this.#own = own.host;
    this.#trust = trust;
    this.#stall = stall;
    const { insecure, authorities, identity } = trust;
    this.#secure = new HttpsAgent({
      keepAlive: true,
      maxSockets: 16,
      rejectUnauthorized: !insecure,
      ...(authorities === undefined ? {} : { ca: [...authorities] }),
      ...(identity === undefined ? {} : { cert: identity.certificate, key: identity.key }),
    });
  }

  /** Sends a request and follows redirects. Any status that is no redirect is an answer. */
  async send(op: Operation, request: HttpRequest): Promise<HttpResponse> {
    let { url } = request;
    for (let hop = 0; hop <= maxRedirects; hop++) {
      op.check();
      const authorization = url.origin === request.url.origin ? request.authorization : undefined;
      const response = await this.#sendOnce(op, { ...request, url, authorization });
      const location = response.headers.location;
      if (!redirects.has(response.statusCode ?? 0) || location === undefined) {
        const body = Readable.from(this.#watched(op, request.method, url, response), { objectMode: false });
        return { status: response.statusCode ?? 0, headers: response.headers, url, body };
      }
      response.destroy();
      url = this.#redirected(request.method, url, String(location));
    }
    throw new TransferError(
      "unavailable",
      `${verb(request.method)} "${request.url.href}": stopped after ${maxRedirects} redirects`,
    );
  }

  close(): void {
    for (const agent of [this.#plain, this.#secure, this.#secureElsewhere]) agent.destroy();
  }

  #redirected(method: string, from: URL, location: string): URL {
    const to = URL.parse(location, from.href) ?? undefined;
    const leavesTls = from.protocol === "https:" && to?.protocol === "http:" && !this.#trust.insecure;
    if (to !== undefined && /^https?:$/.test(to.protocol) && !leavesTls) return to;
    const why = leavesTls ? "from https to http is refused" : "is no URL of http or https";
    throw new TransferError(
      "unavailable",
      `${verb(method)} "${from.href}": a redirect ${why}: ${location.slice(0, 200)}`,
    );
  }

  #sendOnce(op: Operation, { method, url, headers, authorization, body }: HttpRequest): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const isTls = url.protocol === "https:";
      const agent = isTls ? (url.host === this.#own ? this.#secure : this.#secureElsewhere) : this.#plain;
      const request: ClientRequest = (isTls ? httpsRequest : httpRequest)(url, {
        method,
        agent,
        signal: op.signal,
        headers: {
          "user-agent": "keelson",
          ...headers,
          ...(authorization === undefined ? {} : { authorization }),
          ...(body === undefined ? {} : { "content-length": Buffer.byteLength(body) }),
        },
      });
      const timer = setTimeout(() => request.destroy(this.#stalled(method, url)), this.#stall);
      request.on("response", (response) => {
        clearTimeout(timer);
        // Until somebody reads the body, its errors have nobody else to go to.
        response.on("error", () => {});
        resolve(response);
      });
      request.on("error", (error) => {
        clearTimeout(timer);
        reject(op.signal.aborted ? error : connectionError(method, url, error));
      });
      request.end(body);
    });
  }

  /** The body, given up when the network, not the reader, lets `stall` milliseconds pass. */
  async *#watched(op: Operation, method: string, url: URL, response: IncomingMessage): AsyncGenerator<Buffer> {
    let waiting = true;
    const timer = setTimeout(() => {
      if (waiting) response.destroy(this.#stalled(method, url));
      else timer.refresh();
    }, this.#stall);
    try {
      for await (const chunk of response) {
        waiting = false;
        yield chunk as Buffer;
        waiting = true;
        timer.refresh();
      }
    } catch (error) {
      op.check();
      if (error instanceof TransferError) throw error;
      throw new TransferError("unavailable", `${verb(method)} "${url.href}": unexpected EOF`, {
        cause: error,
        transient: true,
      });
    } finally {
      clearTimeout(timer);
      response.destroy();
    }
  }

  #stalled(method: string, url: URL): TransferError {
    const seconds = this.#stall / 1000;
    return new TransferError(
      "deadline",
      `${verb(method)} "${url.href}": the server sent nothing for ${seconds} seconds`,
      {
        transient: true,
      },
    );
  }
}

/** A whole body in memory. Throws where it is longer than `limit` bytes. */
export async function readBody(response: HttpResponse, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response.body) {
    length += (chunk as Buffer).length;
    if (length > limit)
      throw new TransferError("corrupt", `${response.url.href}: the answer is larger than ${limit} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks);
}
