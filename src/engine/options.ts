import { existsSync } from "node:fs";
import { join } from "node:path";
import { createLogger, type Logger } from "../base/log.ts";

/** How an engine is opened. Everything has a default that suits one engine on a machine. */
export interface EngineOptions {
  /** Images, layers, volumes, records and logs: `/var/lib/keelson`. One engine at a time has it. */
  readonly dataRoot?: string;
  /** Sockets, namespaces and bundles, on a tmpfs: `/run/keelson`. */
  readonly execRoot?: string;
  /** Name of the default bridge: `keelson0`. Each engine on a machine has its own. */
  readonly bridge?: string;
  /** Address and prefix of the default bridge, such as `10.5.0.1/16`. */
  readonly bip?: string;
  readonly defaultAddressPools?: ReadonlyArray<{ readonly base: string; readonly size: number }>;
  /** Of new links, in bytes. */
  readonly mtu?: number;
  /** Registries that may be spoken to over plain HTTP or with an unknown certificate: names or networks. */
  readonly insecureRegistries?: readonly string[];
  readonly registryMirrors?: readonly string[];
  /** OCI runtimes by name, beside the `crun` and `runc` that are found on the PATH. */
  readonly runtimes?: Readonly<Record<string, string>>;
  readonly defaultRuntime?: string;
  readonly labels?: readonly string[];
  readonly debug?: boolean;
  /** Warnings go to stderr unless given. */
  readonly log?: Logger;
  /** The shim's program; the one built with this engine unless given. */
  readonly shim?: string;
}

/** Options with every default filled in. */
export type EngineConfig = Required<Omit<EngineOptions, "bip" | "mtu" | "defaultAddressPools" | "runtimes">> &
  Pick<EngineOptions, "bip" | "mtu" | "defaultAddressPools"> & { readonly runtimes: Readonly<Record<string, string>> };

export function resolveOptions(options: EngineOptions): EngineConfig {
  const runtimes = { ...foundRuntimes(), ...options.runtimes };
  return {
    dataRoot: options.dataRoot ?? "/var/lib/keelson",
    execRoot: options.execRoot ?? "/run/keelson",
    bridge: options.bridge ?? "keelson0",
    bip: options.bip,
    defaultAddressPools: options.defaultAddressPools,
    mtu: options.mtu,
    insecureRegistries: options.insecureRegistries ?? [],
    registryMirrors: options.registryMirrors ?? [],
    runtimes,
    defaultRuntime: options.defaultRuntime ?? (runtimes["crun"] ? "crun" : (Object.keys(runtimes)[0] ?? "crun")),
    labels: options.labels ?? [],
    debug: options.debug ?? false,
    log: options.log ?? createLogger("warn"),
    shim: options.shim ?? shimPath(),
  };
}

/** The runtimes that this machine has, by name. */
function foundRuntimes(): Record<string, string> {
  const found = ["crun", "runc"].map((name) => [name, findProgram(name)] as const);
  return Object.fromEntries(found.filter((pair): pair is [string, string] => pair[1] !== undefined));
}

/** A program's path: on the PATH, or in the folders for administrators that a PATH may lack. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin"];
  return folders
    .filter(Boolean)
    .map((folder) => join(folder, name))
    .find(existsSync);
}

/** Beside the bundle where this is one, else where the sources build it. */
function shimPath(): string {
  const bundled = join(import.meta.dirname, "keelson-shim");
  return existsSync(bundled) ? bundled : join(import.meta.dirname, "../../native/shim/build/keelson-shim");
}
