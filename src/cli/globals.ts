import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { ClientOptions } from "../client/client.ts";
import { Failure } from "./failure.ts";
import { bool, type Flag, type Flags, list, string } from "./flags.ts";

/** Where the engine listens unless it is told otherwise. */
export const defaultHost = "unix:///run/keelson/keelson.sock";

const configFolder = (): string => process.env["DOCKER_CONFIG"] || join(homedir(), ".docker");
const inConfig = (name: string): string => join(process.env["DOCKER_CERT_PATH"] || configFolder(), name);

/** The flags that stand before a command. */
export const globalFlags: readonly Flag[] = [
  string("config", "", "Folder of the client's configuration", configFolder()),
  string("context", "c", 'Name of the context to connect by (only "default")'),
  bool("debug", "D", "Show what the client does"),
  list("host", "H", "Socket of the engine to connect to"),
  string("log-level", "l", 'Level of what is logged ("debug", "info", "warn", "error", "fatal")', "info"),
  bool("tls", "", "Use TLS (implied by --tlsverify)"),
  string("tlscacert", "", "Trust only certificates signed by this authority", inConfig("ca.pem")),
  string("tlscert", "", "File of our TLS certificate", inConfig("cert.pem")),
  string("tlskey", "", "File of our TLS key", inConfig("key.pem")),
  bool("tlsverify", "", "Use TLS and verify the other side"),
  bool("version", "v", "Print the version"),
];

/** How to reach the engine: `-H`, else KEELSON_HOST, else DOCKER_HOST, else the default socket. */
export function clientOptions(flags: Flags, environ: NodeJS.ProcessEnv = process.env): ClientOptions {
  const hosts = flags.list("host");
  if (hosts.length > 1)
    throw new Failure("Failed to initialize: unable to resolve docker endpoint: Specify only one -H");
  const context = flags.string("context");
  if (context !== "" && context !== "default")
    throw new Failure(
      `Failed to initialize: unable to resolve docker endpoint: context ${JSON.stringify(context)}: context not found: only "default" is there`,
    );
  const host = normalizeHost(hosts[0] ?? environ["KEELSON_HOST"] ?? environ["DOCKER_HOST"] ?? "");
  const verify = flags.changed("tlsverify") ? flags.bool("tlsverify") : (environ["DOCKER_TLS_VERIFY"] ?? "") !== "";
  const version = environ["DOCKER_API_VERSION"];
  return {
    host,
    ...(version && { version }),
    ...((verify || flags.bool("tls")) && { tls: tlsOptions(flags, verify) }),
  };
}

function tlsOptions(flags: Flags, verify: boolean): ClientOptions["tls"] {
  const read = (name: string): Buffer | undefined => {
    try {
      return readFileSync(flags.string(name));
    } catch (error) {
      // The standard places may be empty; a file that was named must be there.
      if (!flags.changed(name) && name !== "tlscacert") return undefined;
      if (!verify && !flags.changed(name)) return undefined;
      throw new Failure(`Failed to initialize: unable to resolve docker endpoint: ${(error as Error).message}`);
    }
  };
  return { ca: read("tlscacert"), cert: read("tlscert"), key: read("tlskey"), verify };
}

/** `host:port` is taken as TCP and a path as a Unix socket, as Docker's client does. */
export function normalizeHost(text: string): string {
  const host = text.trim();
  if (host === "") return defaultHost;
  if (host === "unix://") return defaultHost;
  if (/^[a-z]+:\/\//.test(host)) return host;
  return host.startsWith("/") ? `unix://${host}` : `tcp://${host}`;
}
