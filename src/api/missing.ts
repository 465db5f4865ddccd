import { type KeelsonError, notFound, notImplemented } from "../base/errors.ts";

/** Paths of the contract that are not there yet, and the name of what is missing. The first match counts. */
const missing: ReadonlyArray<readonly [methods: string, path: RegExp, what: string]> = [
  ["*", /^\/swarm(\/|$)/, "swarm mode"],
  ["*", /^\/nodes(\/|$)/, "swarm nodes"],
  ["*", /^\/services(\/|$)/, "swarm services"],
  ["*", /^\/tasks(\/|$)/, "swarm tasks"],
  ["*", /^\/secrets(\/|$)/, "swarm secrets"],
  ["*", /^\/configs(\/|$)/, "swarm configs"],
  ["*", /^\/plugins(\/|$)/, "plugins"],
  ["GET", /^\/distribution\/.+\/json$/, "distribution (inspecting an image in its registry)"],
  ["POST", /^\/session$/, "session (BuildKit)"],
  ["POST", /^\/grpc$/, "grpc (BuildKit)"],
  ["POST", /^\/build$/, "build"],
  ["POST", /^\/build\/cancel$/, "build"],
  ["POST", /^\/commit$/, "commit"],
  ["GET", /^\/images\/search$/, "image search"],
  ["GET", /^\/images\/get$/, "image save"],
  ["GET", /^\/images\/.+\/get$/, "image save"],
  ["POST", /^\/images\/.+\/push$/, "image push"],
  ["PUT,GET,HEAD", /^\/containers\/[^/]+\/archive$/, "container archive (docker cp)"],
  ["POST", /^\/containers\/[^/]+\/copy$/, "container copy"],
  ["GET", /^\/containers\/[^/]+\/changes$/, "container changes (docker diff)"],
  ["GET", /^\/containers\/[^/]+\/export$/, "container export"],
  ["GET", /^\/containers\/[^/]+\/stats$/, "container stats"],
  ["POST", /^\/containers\/[^/]+\/update$/, "container update"],
  ["POST", /^\/containers\/[^/]+\/pause$/, "container pause"],
  ["POST", /^\/containers\/[^/]+\/unpause$/, "container unpause"],
  ["GET", /^\/containers\/[^/]+\/attach\/ws$/, "container attach over WebSocket"],
  ["GET,POST,DELETE", /^\/containers\/[^/]+\/checkpoints(\/|$)/, "container checkpoints"],
  ["PUT", /^\/volumes\/[^/]+$/, "cluster volumes"],
];

/** `docker inspect NAME` asks for a plugin last: that there is none of the name is true, and lets it say so. */
const pluginInspect = /^\/plugins\/(.+)\/json$/;

/** What an unknown route lacks: `notImplemented` by name for one of the contract's, undefined for any other. */
export function missingEndpoint(method: string, path: string): KeelsonError | undefined {
  const plugin = method === "GET" ? pluginInspect.exec(path) : null;
  if (plugin) return notFound(`plugin ${JSON.stringify(plugin[1])} not found`);
  const found = missing.find(
    ([methods, pattern]) => (methods === "*" || methods.split(",").includes(method)) && pattern.test(path),
  );
  return found && notImplemented(`${found[2]} is not implemented yet (${method} ${path})`);
}
