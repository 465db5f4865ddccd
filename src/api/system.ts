import type { Operation } from "../base/operation.ts";
import type { Container } from "../containers/containers.ts";
import type { Image } from "../images/images.ts";

/** What only the engine's root knows: its host, its own paths, and how much disk it takes. */
export interface SystemInfo {
  /** Facts that stay the same while the engine runs. */
  readonly facts: EngineFacts;
  /** What `docker info` shows of the host now. */
  host(op: Operation): Promise<HostFacts>;
  /** A container's own files and how its root is made, for inspect. Empty paths before its first start. */
  container(container: Container): ContainerFiles;
  /** How an image's root is made. */
  image(image: Image): GraphDriverData;
  /** Bytes of all unpacked layers, each counted once. */
  layersSize(op: Operation): Promise<number>;
  /** Bytes in a volume; -1 where that is not known. */
  volumeSize(op: Operation, name: string): Promise<number>;
}

export interface EngineFacts {
  /** The engine's own ID, kept in its data root. */
  readonly id: string;
  /** Keelson's version. */
  readonly version: string;
  readonly gitCommit: string;
  /** RFC 3339. */
  readonly buildTime: string;
  readonly dataRoot: string;
  readonly storageDriver: string;
  readonly storageStatus: ReadonlyArray<readonly [string, string]>;
  readonly volumeDrivers: readonly string[];
  readonly networkDrivers: readonly string[];
  readonly logDrivers: readonly string[];
  /** Names and programs. */
  readonly runtimes: Readonly<Record<string, string>>;
  readonly defaultRuntime: string;
  readonly initBinary: string;
  /** Programs that the engine stands on, for `docker version`: crun and its version. */
  readonly components: ReadonlyArray<{ readonly name: string; readonly version: string }>;
  readonly labels: readonly string[];
  readonly insecureRegistries: readonly string[];
  readonly registryMirrors: readonly string[];
  readonly securityOptions: readonly string[];
  readonly debug: boolean;
}

export interface HostFacts {
  readonly hostname: string;
  readonly kernelVersion: string;
  /** `Debian GNU/Linux 12 (bookworm)`. */
  readonly operatingSystem: string;
  readonly osVersion: string;
  /** As uname(1) says it, `x86_64`. */
  readonly machine: string;
  readonly cpus: number;
  /** Bytes. */
  readonly memory: number;
  readonly cgroupDriver: "cgroupfs" | "systemd";
  readonly cgroupVersion: "1" | "2";
  readonly ipv4Forwarding: boolean;
  readonly limits: {
    readonly memory: boolean;
    readonly swap: boolean;
    readonly cpu: boolean;
    readonly cpuset: boolean;
    readonly pids: boolean;
    readonly oomKillDisable: boolean;
  };
  /** Open files of the daemon. */
  readonly openFiles: number;
  readonly warnings: readonly string[];
}

export interface ContainerFiles {
  readonly resolvConf: string;
  readonly hostname: string;
  readonly hosts: string;
  readonly log: string;
  readonly graph: GraphDriverData;
}

export interface GraphDriverData {
  readonly name: string;
  readonly data: Readonly<Record<string, string>>;
}
