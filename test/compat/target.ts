/**
 * What the compatibility suite runs against: our own daemon on a test host, or the real Docker that KEELSON_ORACLE names
 * (KEELSON_ORACLE_NETNS: the network namespace that it runs in, for fetching from published ports). The client is docker's;
 * with KEELSON_COMPAT_CLIENT=keelson it is our own command line.
 */
import { type Agent, request } from "node:http";
import { join } from "node:path";
import { busyboxTar } from "../busybox.ts";
import { type Output, type RunOptions, run, TestHost } from "../host.ts";

const client = process.env["KEELSON_COMPAT_CLIENT"] ?? "docker";
const ownClient = join(import.meta.dirname, "../../bin/keelson");
/** The client's program, for tests that start it by themselves. */
export const clientProgram: string = client === "keelson" ? ownClient : "docker";

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
  /** The parsed body; undefined where it is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came.
  readonly json: any;
}

export interface Target extends AsyncDisposable {
  readonly oracle: boolean;
  readonly socket: string;
  docker(args: readonly string[], options?: RunOptions): Promise<Output>;
  /** Runs a program in the daemon's network namespace. */
  inNetwork(command: string, args: readonly string[], options?: RunOptions): Promise<Output>;
  api(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
}

/** Opens the target with `busybox:latest` in it, and nothing else that the suite knows the names of. */
export async function openTarget(daemonArgs: readonly string[] = []): Promise<Target> {
  const oracle = process.env["KEELSON_ORACLE"];
  const target = oracle ? oracleTarget(oracle) : await ownTarget(daemonArgs);
  const imported = await target.docker(["import", "-c", 'CMD ["sh"]', "-", "busybox:latest"], { input: busyboxTar() });
  if (imported.code !== 0) {
    await target[Symbol.asyncDispose]();
    throw new Error(`importing busybox: ${imported.stderr}`);
  }
  return target;
}

async function ownTarget(daemonArgs: readonly string[]): Promise<Target> {
  const host = await TestHost.make();
  try {
    await host.start(daemonArgs);
  } catch (error) {
    await host[Symbol.asyncDispose]();
    throw error;
  }
  return {
    oracle: false,
    socket: host.socket,
    docker: (args, options) => (client === "keelson" ? host.keelson(args, options) : host.docker(args, options)),
    inNetwork: (command, args, options) => host.exec(command, args, options),
    api: (method, path, body, headers) => callApi(host.socket, method, path, body, headers),
    [Symbol.asyncDispose]: async () => {
      if (process.env["KEELSON_TEST_LOG"]) process.stderr.write(host.log);
      await host[Symbol.asyncDispose]();
    },
  };
}

function oracleTarget(address: string): Target {
  const socket = address.replace(/^unix:\/\//, "");
  const namespace = process.env["KEELSON_ORACLE_NETNS"];
  const docker = (args: readonly string[], options: RunOptions = {}): Promise<Output> =>
    run(clientProgram, args, { ...options, env: { DOCKER_HOST: address, ...options.env } });
  return {
    oracle: true,
    socket,
    docker,
    inNetwork: (command, args, options) =>
      namespace ? run("ip", ["netns", "exec", namespace, command, ...args], options) : run(command, args, options),
    api: (method, path, body, headers) => callApi(socket, method, path, body, headers),
    [Symbol.asyncDispose]: async () => {
      const lines = async (...args: string[]): Promise<string[]> =>
        (await docker(args)).stdout.split("\n").filter(Boolean);
      const containers = await lines("ps", "-aq");
      if (containers.length > 0) await docker(["rm", "-fv", ...containers]);
      const images = await lines("images", "-aq");
      if (images.length > 0) await docker(["rmi", "-f", ...new Set(images)]);
      await docker(["volume", "prune", "-af"]);
    },
  };
}

/** One request over the socket. A body that is not a Buffer or string is sent as JSON. */
export function callApi(
  socketPath: string,
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
  agent: Agent | false = false,
): Promise<Answer> {
  const raw = typeof body === "string" || Buffer.isBuffer(body) || body === undefined;
  const bytes = raw ? (body as string | Buffer | undefined) : JSON.stringify(body);
  const type =
    body === undefined ? {} : { "Content-Type": Buffer.isBuffer(body) ? "application/x-tar" : "application/json" };
  const length = bytes === undefined ? {} : { "Content-Length": String(Buffer.byteLength(bytes)) };
  return new Promise((resolve, reject) => {
    const req = request({ socketPath, method, path, headers: { ...type, ...length, ...headers }, agent }, (res) => {
      const chunks: Buffer[] = [];
      res.on("data", (chunk: Buffer) => chunks.push(chunk));
      res.on("error", reject);
      res.on("end", () => {
        const text = Buffer.concat(chunks).toString();
        resolve({ status: res.statusCode ?? 0, headers: res.headers, text, json: parse(text) });
      });
    });
    req.on("error", reject);
    req.end(bytes);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
