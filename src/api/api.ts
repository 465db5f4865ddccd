import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import fastify, { type FastifyInstance, type FastifyRequest } from "fastify";
import { notFound } from "../base/errors.ts";
import type { Operation } from "../base/operation.ts";
import { listenAt, type ServerTls } from "./listen.ts";
import { missingEndpoint } from "./missing.ts";
import { escapeNames, splitPath } from "./path.ts";
import type { Route } from "./route.ts";
import { allRoutes } from "./routes/index.ts";
import { type ServeContext, sendError, serve, type Target } from "./serve.ts";
import type { ApiServices } from "./services.ts";
import { loadValidator } from "./validate.ts";
import { checkVersion, maximumVersion } from "./versions.ts";

export interface ApiOptions {
  /** For `tcp://` hosts. */
  readonly tls?: ServerTls;
  /** Hold every answer against its schema and answer 500 where it differs: for tests. */
  readonly validateResponses?: boolean;
}

/** The Engine API over HTTP. */
export interface Api {
  /** Listens at each host, all or none, and returns them as they can be connected to. */
  listen(hosts: readonly string[]): Promise<string[]>;
  /** Answers a request of another server (a test's, or an embedder's). */
  readonly handler: RequestListener;
  /** What is being worked on, for debug dumps. */
  operations(): Operation[];
  /** Stops listening and closes every connection, which aborts what they asked for. */
  close(): Promise<void>;
}

/** Makes the API on the engine's services. */
export async function createApi(services: ApiServices, options: ApiOptions = {}): Promise<Api> {
  const context: ServeContext = {
    headers: {
      "Api-Version": maximumVersion,
      "Docker-Experimental": "false",
      Ostype: "linux",
      Server: `Keelson/${services.system.facts.version} (linux)`,
    },
    operations: new Set(),
    log: services.log,
    validate: options.validateResponses ? await loadValidator() : undefined,
  };
  const app = createRouter(context, allRoutes(services));
  await app.ready();
  const handler: RequestListener = (request, response) => app.routing(request, response);
  const servers: Server[] = [];
  return {
    handler,
    operations: () => [...context.operations],
    listen: async (hosts) => {
      const opened = [];
      try {
        for (const host of hosts) opened.push(await listenAt(host, handler, options.tls));
      } catch (error) {
        await Promise.all(opened.map(({ server }) => closeServer(server)));
        throw error;
      }
      servers.push(...opened.map(({ server }) => server));
      return opened.map(({ host }) => host);
    },
    close: async () => {
      await Promise.all(servers.splice(0).map(closeServer));
      await app.close();
    },
  };
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** Fastify routes; bodies, errors and answers are ours, for half of them are streams or taken-over connections. */
function createRouter(context: ServeContext, routes: readonly Route[]): FastifyInstance {
  const targets = new WeakMap<IncomingMessage, Target & { readonly path: string }>();
  const app = fastify({
    exposeHeadRoutes: false,
    // Never listens: the API has servers of its own, one for each host.
    serverFactory: () => createServer(),
    routerOptions: { maxParamLength: 4096 },
    rewriteUrl: (request) => {
      const { version, path, query } = splitPath(request.url ?? "/");
      targets.set(request, { version, path, query, contentType: request.headers["content-type"] });
      // Fastify answers 415 itself to a type that it cannot parse. Here bodies are read by `serve`, which gets it back.
      delete request.headers["content-type"];
      return escapeNames(request.method ?? "GET", path);
    },
    frameworkErrors: (error, request, reply) => {
      reply.hijack();
      sendError(context, reply.raw, request.raw, error);
    },
  });
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("*", (_request, _payload, done) => done(null));
  app.setErrorHandler((error, request, reply) => {
    reply.hijack();
    sendError(context, reply.raw, request.raw, error);
  });
  app.setNotFoundHandler((request, reply) => {
    reply.hijack();
    sendError(context, reply.raw, request.raw, unknownRoute(request, targets.get(request.raw)));
  });
  for (const route of routes) {
    app.route({
      method: route.endpoint.method,
      url: route.endpoint.path.replace(/\{(\w+)\}/g, ":$1"),
      handler: (request, reply) => serve(context, route, targets.get(request.raw)!, request, reply),
    });
  }
  return app;
}

function unknownRoute(request: FastifyRequest, target: (Target & { readonly path: string }) | undefined): Error {
  const path = target?.path ?? request.url;
  const missing = missingEndpoint(request.method, path);
  if (!missing) return notFound("page not found");
  try {
    if (target?.version !== undefined) checkVersion(target.version);
    return missing;
  } catch (error) {
    return error as Error;
  }
}
