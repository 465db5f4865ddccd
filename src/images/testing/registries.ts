import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Fixture, run } from "./fixtures.ts";

/** A real registry (docker-registry) on loopback. */
export interface RealRegistry extends AsyncDisposable {
  /** `127.0.0.1:PORT`. */
  readonly host: string;
  /** The PEM certificate of a registry with TLS, which is its own authority. */
  readonly certificate: string;
  /** Pushes an image of an archive with skopeo. */
  push(archive: string, name: string): Promise<void>;
}

/** Password `secret` in bcrypt, which is what docker-registry reads. */
const htpasswd = "joe:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n";

export async function realRegistry(options: { login?: boolean; tls?: boolean } = {}): Promise<RealRegistry> {
  const root = await mkdtemp(join(tmpdir(), "keelson-registry-"));
  const host = `127.0.0.1:${await freePort()}`;
  const lines = [
    "version: 0.1",
    "log: {level: error}",
    `storage: {filesystem: {rootdirectory: ${root}/data}}`,
    options.tls
      ? `http: {addr: ${host}, tls: {certificate: ${root}/cert.pem, key: ${root}/key.pem}}`
      : `http: {addr: ${host}}`,
    ...(options.login ? [`auth: {htpasswd: {realm: test, path: ${root}/htpasswd}}`] : []),
  ];
  await writeFile(join(root, "config.yml"), `${lines.join("\n")}\n`);
  await writeFile(join(root, "htpasswd"), htpasswd);
  if (options.tls) await selfSigned(root);
  const child = spawn("docker-registry", ["serve", join(root, "config.yml")], { stdio: "ignore" });
  await listening(child, host);
  return {
    host,
    certificate: options.tls ? await readFile(join(root, "cert.pem"), "utf8") : "",
    async push(archive, name) {
      const login = options.login ? ["--dest-creds", "joe:secret"] : [];
      await run("skopeo", [
        "copy",
        "-q",
        "--insecure-policy",
        "--dest-tls-verify=false",
        ...login,
        `docker-archive:${archive}`,
        `docker://${host}/${name}`,
      ]);
    },
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      await rm(root, { recursive: true, force: true });
    },
  };
}

/** A certificate for 127.0.0.1 that is its own authority. */
export async function selfSigned(folder: string): Promise<void> {
  const names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
  const out = ["-keyout", join(folder, "key.pem"), "-out", join(folder, "cert.pem")];
  await run("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", ...names, ...out]);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Polls until the port takes connections, for at most 20 seconds. */
async function listening(child: ChildProcess, host: string): Promise<void> {
  const [address, port] = host.split(":");
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; await delay(20)) {
    if (child.exitCode !== null) throw new Error(`docker-registry ended with ${child.exitCode}`);
    const socket = connect(Number(port), address);
    const isOpen = await new Promise<boolean>((resolve) =>
      socket.once("connect", () => resolve(true)).once("error", () => resolve(false)),
    );
    socket.destroy();
    if (isOpen) return;
  }
  throw new Error("docker-registry does not listen");
}

export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** A registry of the test's own, which serves one image of the repository `x` and may be told to misbehave. */
export interface FakeRegistry extends AsyncDisposable {
  readonly host: string;
  readonly url: string;
  /** `METHOD path` of each request so far. */
  readonly requests: string[];
  readonly received: IncomingMessage[];
  /** Answers what begins with the path in its own way; `pass` gives the good answer. */
  on(path: string, handler: (request: IncomingMessage, response: ServerResponse, pass: () => void) => void): void;
}

export async function fakeRegistry(image: Fixture): Promise<FakeRegistry> {
  const handlers: Array<readonly [string, Parameters<FakeRegistry["on"]>[1]]> = [];
  const requests: string[] = [];
  const received: IncomingMessage[] = [];
  const good = goodAnswer(image);
  const server: Server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    received.push(request);
    const handler = handlers.findLast(([path]) => request.url?.startsWith(path));
    if (handler) handler[1](request, response, () => good(request, response));
    else good(request, response);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    url: `http://${host}`,
    requests,
    received,
    on: (path, handler) => void handlers.push([path, handler]),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

function goodAnswer({ config, id, stored, manifest, manifestDescriptor }: Fixture): Handler {
  const descriptors = JSON.parse(manifest.toString()).layers as Array<{ digest: string }>;
  const blobs = new Map<string, Buffer>([[id, config], ...descriptors.map((d, i) => [d.digest, stored[i]!] as const)]);
  return (request, response) => {
    const path = request.url ?? "";
    const blob = blobs.get(path.split("/blobs/")[1] ?? "");
    if (path === "/v2/") response.end("{}");
    else if (path === "/v2/x/tags/list") response.end(JSON.stringify({ name: "x", tags: ["1"] }));
    else if (path === "/v2/x/manifests/1" || path === `/v2/x/manifests/${manifestDescriptor.digest}`)
      response.setHeader("content-type", manifestDescriptor.mediaType).end(manifest);
    else if (blob) response.end(blob);
    else refuse(response, 404, path.includes("/manifests/") ? "MANIFEST_UNKNOWN" : "BLOB_UNKNOWN");
  };
}

/** An error as registries send it. */
export function refuse(response: ServerResponse, status: number, code: string): void {
  response.statusCode = status;
  response.end(JSON.stringify({ errors: [{ code, message: code.toLowerCase().replaceAll("_", " ") }] }));
}
