import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { TSchema } from "@sinclair/typebox";
import type { FastifyReply, FastifyRequest } from "fastify";
import { isKind, messageOf, withKind } from "../base/errors.ts";
import { debugChannel, type Logger } from "../base/log.ts";
import { Operation } from "../base/operation.ts";
import type { EndpointSpec } from "../client/endpoints/endpoint.ts";
import { decodeBody } from "./decode/body.ts";
import { decodeQuery, parseQuery } from "./decode/query.ts";
import { statusOfKind } from "./errors.ts";
import { join, sayAndEnd, takeOver, writeHead } from "./hijack.ts";
import { sendBytes, sendJson, sendLines } from "./respond.ts";
import type { Bytes, Call, Lines, Route, Stdio } from "./route.ts";
import type { Validate } from "./validate.ts";
import { atLeast, checkVersion, maximumVersion } from "./versions.ts";

const debug = debugChannel("api");

/** How long the rest of a failed upload is read, in milliseconds. */
const drainGrace = 30_000;

/** What every request needs beside its own route. */
export interface ServeContext {
  /** Headers of every answer. */
  readonly headers: Readonly<Record<string, string>>;
  /** Operations that are under way, for debug dumps. */
  readonly operations: Set<Operation>;
  readonly log: Logger | undefined;
  readonly validate: Validate | undefined;
}

/** What the URL said before the router saw it. */
export interface Target {
  readonly version: string | undefined;
  readonly query: string;
  readonly contentType: string | undefined;
}

/** Answers one request: decode, call, encode. */
export async function serve(
  context: ServeContext,
  route: Route,
  target: Target,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const { endpoint } = route;
  reply.hijack();
  const raw = reply.raw;
  if (target.contentType !== undefined) request.raw.headers["content-type"] = target.contentType;
  setHeaders(context, raw);
  const abort = new AbortController();
  const op = new Operation(`${endpoint.method} ${request.url}`, abort.signal);
  context.operations.add(op);
  raw.once("close", () => {
    if (!raw.writableFinished && !endpoint.finishes) abort.abort(new Error("the client closed the connection"));
  });
  try {
    await answer(context, route, await decode(op, endpoint, target, request), request.raw, raw);
  } catch (error) {
    sendError(context, raw, request.raw, error);
  } finally {
    context.operations.delete(op);
  }
}

async function decode(
  op: Operation,
  endpoint: EndpointSpec,
  target: Target,
  request: FastifyRequest,
): Promise<Call<EndpointSpec>> {
  if (target.version !== undefined) checkVersion(target.version);
  const { body } = endpoint;
  return {
    op,
    version: target.version ?? maximumVersion,
    params: request.params as Call<EndpointSpec>["params"],
    query: decodeQuery(endpoint.query, parseQuery(target.query)),
    body: (body === undefined || body === "raw" ? undefined : await decodeBody(body, request.raw)) as undefined,
    stream: request.raw,
    headers: request.headers,
    upgrade: isUpgrade(request.raw),
  };
}

function isUpgrade(request: IncomingMessage): boolean {
  return request.headers.upgrade !== undefined && /\bupgrade\b/i.test(request.headers.connection ?? "");
}

async function answer(
  context: ServeContext,
  route: Route,
  call: Call<EndpointSpec>,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { endpoint } = route;
  const [status, schema] = goodAnswer(endpoint);
  if (endpoint.kind === "hijack" && (route.takesOver?.(call) ?? true))
    return hijack(context, route, call, takeOver(request));
  const value = await route.handle(call);
  if (endpoint.kind === "lines") return sendLines(response, status, checked(context, endpoint, schema, value as never));
  if (endpoint.kind === "raw") return sendBytes(response, status, value as Bytes);
  if (schema === null) return void response.writeHead(status, emptyHead(status)).end();
  context.validate?.(schema, value, `${endpoint.method} ${endpoint.path}`);
  sendJson(response, status, value);
}

function goodAnswer(endpoint: EndpointSpec): [status: number, schema: TSchema | null] {
  const [status, schema] = Object.entries(endpoint.responses).find(([code]) => code !== "101")!;
  return [Number(status), schema];
}

function emptyHead(status: number): Record<string, string> {
  return status === 204 ? {} : { "Content-Length": "0" };
}

/** Under test, every line is held against the schema too. */
function checked(
  { validate }: ServeContext,
  endpoint: EndpointSpec,
  schema: TSchema | null,
  lines: Lines<unknown>,
): Lines<unknown> {
  if (!validate || !schema) return lines;
  async function* each(): AsyncIterable<unknown> {
    for await (const value of lines.source) {
      validate!(schema!, value, `${endpoint.method} ${endpoint.path}`);
      yield value;
    }
  }
  return { ...lines, source: each() };
}

/** Hands the connection to the process. Resolves when it has closed. */
async function hijack(context: ServeContext, route: Route, call: Call<EndpointSpec>, socket: Socket): Promise<void> {
  try {
    const stdio = (await route.handle(call)) as Stdio;
    const framed = call.upgrade && !stdio.tty && atLeast(call.version, "1.42");
    const head = {
      "Content-Type": `application/vnd.docker.${framed ? "multiplexed" : "raw"}-stream`,
      ...(call.upgrade && { Connection: "Upgrade", Upgrade: "tcp" }),
      ...context.headers,
    };
    writeHead(socket, call.upgrade ? "101 UPGRADED" : "200 OK", head);
    await carry(context, socket, stdio);
  } catch (error) {
    const { status, text } = describe(context, error);
    const length = String(Buffer.byteLength(text));
    const head = { "Content-Type": "application/json", "Content-Length": length, Connection: "close" };
    writeHead(socket, `${status} ${status === 404 ? "Not Found" : "Error"}`, { ...context.headers, ...head }, text);
    socket.end();
    socket.resume();
  }
}

/** Opens the stdio and joins it with the client, until the connection has closed. */
async function carry(context: ServeContext, socket: Socket, stdio: Stdio): Promise<void> {
  try {
    const stream = await stdio.open();
    if (socket.destroyed) return void stream?.destroy();
    if (stream) join(socket, stream, stdio.stdin);
    else socket.end();
  } catch (error) {
    describe(context, error);
    sayAndEnd(socket, `${messageOf(error)}\r\n`, stdio.tty);
  }
  if (!socket.destroyed) await new Promise((resolve) => socket.once("close", resolve));
}

/** Answers a failure, as far as it can still be answered. */
export function sendError(
  context: ServeContext,
  response: ServerResponse,
  request: IncomingMessage,
  error: unknown,
): void {
  if (response.headersSent || response.destroyed) return void response.destroy();
  const { status, text } = describe(context, error);
  setHeaders(context, response);
  if (status === 413) response.setHeader("Connection", "close");
  else drain(request);
  if (status === 304) return void response.writeHead(304).end();
  response.writeHead(status, { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) });
  response.end(text);
}

/**
 * Reads on what a client still sends of a request that has failed, for a while: a client whose upload breaks off before
 * it looked for an answer reports a broken pipe, and not our message.
 */
function drain(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return;
  const timer = setTimeout(() => request.destroy(), drainGrace);
  request.once("close", () => clearTimeout(timer));
  request.resume();
}

/** Puts the headers of every answer on this one. */
export function setHeaders(context: ServeContext, response: ServerResponse): void {
  for (const [name, value] of Object.entries(context.headers)) response.setHeader(name, value);
}

function describe(context: ServeContext, error: unknown): { readonly status: number; readonly text: string } {
  const own = (error as { statusCode?: unknown } | null)?.statusCode;
  const failure = withKind(error);
  const status = typeof own === "number" ? own : statusOfKind[failure.kind];
  if (status >= 500 && status !== 501) {
    const stack = error instanceof Error && !isKind(error) ? error.stack : undefined;
    context.log?.error("request failed", { error: messageOf(error), kind: failure.kind, stack });
  }
  debug("%d %s", status, failure.message);
  return { status, text: `${JSON.stringify({ message: failure.message })}\n` };
}
