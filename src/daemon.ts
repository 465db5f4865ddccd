/** `keelson daemon`: an engine with the Engine API in front of it, in the foreground, under dockerd's flags. */
import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { createApi } from "./api/api.ts";
import type { NetworkMembership } from "./api/services.ts";
import { invalid, messageOf } from "./base/errors.ts";
import { createLogger, type Logger, type LogLevel } from "./base/log.ts";
import { Engine } from "./engine/engine.ts";
import type { EngineOptions } from "./engine/options.ts";
import { systemOf } from "./engine/system.ts";

const defaultHost = "unix:///run/keelson/keelson.sock";

/** dockerd's names; those that may be given again and again are lists. */
const flags = {
  host: { type: "string", short: "H", multiple: true },
  "data-root": { type: "string" },
  "exec-root": { type: "string" },
  pidfile: { type: "string", short: "p" },
  bridge: { type: "string", short: "b" },
  bip: { type: "string" },
  "default-address-pool": { type: "string", multiple: true },
  mtu: { type: "string" },
  "insecure-registry": { type: "string", multiple: true },
  "registry-mirror": { type: "string", multiple: true },
  "add-runtime": { type: "string", multiple: true },
  "default-runtime": { type: "string" },
  label: { type: "string", multiple: true },
  tls: { type: "boolean" },
  tlsverify: { type: "boolean" },
  tlscacert: { type: "string" },
  tlscert: { type: "string" },
  tlskey: { type: "string" },
  "config-file": { type: "string" },
  "log-level": { type: "string", short: "l" },
  debug: { type: "boolean", short: "D" },
  "live-restore": { type: "boolean" },
} as const;

type Settings = ReturnType<typeof parseFlags>;

/** Runs the daemon until SIGTERM or SIGINT; containers run on. Ends the process with 1 where it cannot start. */
export async function runDaemon(argv: readonly string[]): Promise<void> {
  process.title = "keelson daemon";
  try {
    const settings = withConfigFile(parseFlags(argv));
    await serve(settings);
  } catch (error) {
    process.stderr.write(`failed to start daemon: ${messageOf(error)}\n`);
    process.exit(1);
  }
}

async function serve(settings: Settings): Promise<void> {
  const log = createLogger(settings.debug ? "debug" : levelOf(settings["log-level"] ?? "info"));
  // Background work whose failure nobody saw to: worth a line in the log, not the end of everybody's connections.
  process.on("unhandledRejection", (error) =>
    log.error("unhandled", { error: error instanceof Error ? error.stack : String(error) }),
  );
  const engine = await Engine.open(engineOptions(settings, log));
  const system = await systemOf(engine);
  const { containers } = engine;
  const membership: NetworkMembership = {
    connect: (op, network, ref, endpoint) => containers.connect(op, ref, network, endpoint),
    disconnect: (op, network, ref, options) => containers.disconnect(op, ref, network, options),
  };
  const api = await createApi({ ...engine.services, system, log, membership }, { tls: await tlsOf(settings) });
  const hosts = settings.host ?? [defaultHost];
  try {
    await api.listen(hosts);
  } catch (error) {
    await engine.close();
    throw error;
  }
  if (settings.pidfile) writeFileSync(settings.pidfile, `${process.pid}\n`);
  log.info("API listen on", { hosts: hosts.join(",") });
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => void shutDown());
  process.on("SIGUSR1", () => log.info("live operations", { operations: JSON.stringify(api.operations()) }));

  async function shutDown(): Promise<void> {
    log.info("shutting down; containers run on");
    // Whatever fails here must not keep the process: the next one mends what is left.
    for (const part of [api, engine])
      await part.close().catch((error) => log.error("closing", { error: messageOf(error) }));
    if (settings.pidfile) rmSync(settings.pidfile, { force: true });
    process.exit(0);
  }
}

function parseFlags(argv: readonly string[]) {
  const { values } = parseArgs({ args: [...argv], options: flags, strict: true, allowPositionals: false });
  return values;
}

/** The file's keys are the flags' names, lists in the plural (dockerd's daemon.json). What is given twice is refused. */
function withConfigFile(settings: Settings): Settings {
  const path = settings["config-file"];
  if (path === undefined) return settings;
  const file = JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
  const plural: Readonly<Record<string, string>> = {
    hosts: "host",
    "insecure-registries": "insecure-registry",
    "registry-mirrors": "registry-mirror",
    "default-address-pools": "default-address-pool",
    labels: "label",
    runtimes: "add-runtime",
  };
  const merged: Record<string, unknown> = { ...settings };
  for (const [key, value] of Object.entries(file)) {
    const name = plural[key] ?? key;
    if (!(name in flags))
      throw invalid(`the following directives don't match any configuration option: ${key}`, { path });
    if (name in settings)
      throw invalid(`the following directives are specified both as a flag and in the configuration file: ${key}`, {
        path,
      });
    merged[name] = fromFile(name, value);
  }
  return merged as Settings;
}

function fromFile(name: string, value: unknown): unknown {
  if (name === "default-address-pool")
    return (value as Array<{ base: string; size: number }>).map(({ base, size }) => `base=${base},size=${size}`);
  if (name === "add-runtime")
    return Object.entries(value as Record<string, { path: string }>).map(([key, { path }]) => `${key}=${path}`);
  return typeof value === "number" ? String(value) : value;
}

function engineOptions(settings: Settings, log: Logger): EngineOptions {
  return {
    dataRoot: settings["data-root"],
    execRoot: settings["exec-root"],
    bridge: settings.bridge,
    bip: settings.bip,
    defaultAddressPools: settings["default-address-pool"]?.map(parsePool),
    mtu: settings.mtu === undefined ? undefined : parseMtu(settings.mtu),
    insecureRegistries: settings["insecure-registry"],
    registryMirrors: settings["registry-mirror"],
    runtimes: Object.fromEntries((settings["add-runtime"] ?? []).map(parseRuntime)),
    defaultRuntime: settings["default-runtime"],
    labels: settings.label,
    debug: settings.debug,
    log,
  };
}

function parsePool(text: string): { base: string; size: number } {
  const fields = new Map(text.split(",").map((field) => field.split("=", 2) as [string, string]));
  const [base, size] = [fields.get("base"), Number(fields.get("size"))];
  if (base === undefined || !Number.isInteger(size))
    throw invalid(`invalid argument "${text}" for "--default-address-pool": expected base=CIDR,size=BITS`);
  return { base, size };
}

function parseMtu(text: string): number {
  const mtu = Number(text);
  if (!Number.isInteger(mtu) || mtu < 0 || mtu > 65535) throw invalid(`invalid argument "${text}" for "--mtu"`);
  return mtu;
}

function parseRuntime(text: string): [string, string] {
  const [name, path] = text.split("=", 2);
  if (!name || !path) throw invalid(`invalid argument "${text}" for "--add-runtime": expected NAME=PATH`);
  return [name, path];
}

function levelOf(text: string): LogLevel {
  const levels: readonly string[] = ["debug", "info", "warn", "error"];
  if (text === "fatal") return "error";
  if (!levels.includes(text)) throw invalid(`invalid logging level: ${text}`);
  return text as LogLevel;
}

async function tlsOf(settings: Settings) {
  if (!settings.tls && !settings.tlsverify) return undefined;
  const { tlscacert, tlscert, tlskey } = settings;
  if (!tlscert || !tlskey) throw invalid("--tls needs --tlscert and --tlskey");
  if (settings.tlsverify && !tlscacert) throw invalid("--tlsverify needs --tlscacert");
  return {
    cert: await readFile(tlscert),
    key: await readFile(tlskey),
    ca: settings.tlsverify && tlscacert ? await readFile(tlscacert) : undefined,
  };
}
