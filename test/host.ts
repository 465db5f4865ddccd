/**
 * A test host: a network namespace and a mount namespace of its own, with its own data root and exec root on a tmpfs that
 * only they see, so that nothing it does reaches the machine and everything goes with it.
 */
import { type ChildProcess, execFile, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, readlinkSync, rmdirSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { poll } from "./poll.ts";

const root = join(import.meta.dirname, "..");

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

export interface RunOptions {
  readonly input?: string | Buffer;
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds; a command that takes longer is killed and its code is -1. */
  readonly timeout?: number;
}

export class TestHost {
  readonly dir: string;
  readonly holder: ChildProcess;
  daemon: ChildProcess | undefined;
  /** Everything that the daemons of this host wrote to stderr. */
  log = "";

  private constructor(dir: string, holder: ChildProcess) {
    this.dir = dir;
    this.holder = holder;
  }

  /** Makes a host. `size` bounds its disk (tmpfs syntax), for tests of a full one. */
  static async make(options: { readonly size?: string } = {}): Promise<TestHost> {
    const dir = await mkdtemp(join(tmpdir(), "keelson-host-"));
    const size = options.size ? `,size=${options.size}` : "";
    const script = [
      'mkdir -p "$1/data" "$1/run"',
      `mount -t tmpfs -o mode=755${size} data "$1/data"`,
      'mount -t tmpfs -o mode=755 run "$1/run"',
      "ip link set lo up",
      "echo ready",
      "exec sleep infinity",
    ].join(" && ");
    const holder = spawn("unshare", ["-n", "-m", "--propagation", "private", "sh", "-c", script, "sh", dir], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(holder.stdout!, "data");
    return new TestHost(dir, holder);
  }

  get socket(): string {
    return join(this.dir, "keelson.sock");
  }

  get dockerHost(): string {
    return `unix://${this.socket}`;
  }

  /** Starts the daemon in the host and waits until it answers. */
  async start(args: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Promise<void> {
    const daemon = this.spawn(
      join(root, "bin/keelson"),
      [
        "daemon",
        ...["-H", this.dockerHost, "--data-root", join(this.dir, "data"), "--exec-root", join(this.dir, "run")],
        ...["--pidfile", join(this.dir, "keelson.pid"), ...args],
      ],
      { stdio: ["ignore", "ignore", "pipe"], env: { ...process.env, ...env } },
    );
    this.daemon = daemon;
    daemon.stderr!.on("data", (chunk: Buffer) => {
      this.log += chunk.toString();
    });
    const exited = once(daemon, "exit").then(() => {
      throw new Error(`the daemon ended at its start:\n${this.log}`);
    });
    exited.catch(() => {});
    await Promise.race([exited, poll("the daemon answers", () => this.#answers())]);
  }

  async #answers(): Promise<boolean> {
    const { code } = await run("curl", ["-fsS", "--unix-socket", this.socket, "http://keelson/_ping"], {
      timeout: 5000,
    });
    return code === 0;
  }

  /** Ends the daemon with a signal and waits for it. Containers go on. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const { daemon } = this;
    this.daemon = undefined;
    if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return;
    const exited = once(daemon, "exit");
    // nsenter execs the program, so the child's PID is the daemon's own.
    daemon.kill(signal);
    await exited;
  }

  /** Spawns a program inside the host. */
  spawn(command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
    return spawn("nsenter", ["-t", String(this.holder.pid), "-n", "-m", "--", command, ...args], options);
  }

  /** Runs a program inside the host to its end. */
  exec(command: string, args: readonly string[], options: RunOptions = {}): Promise<Output> {
    return run("nsenter", ["-t", String(this.holder.pid), "-n", "-m", "--", command, ...args], options);
  }

  /** The unmodified docker client, against this host's daemon. */
  docker(args: readonly string[], options: RunOptions = {}): Promise<Output> {
    return run("docker", args, { ...options, env: { DOCKER_HOST: this.dockerHost, ...options.env } });
  }

  /** Our own command line. */
  keelson(args: readonly string[], options: RunOptions = {}): Promise<Output> {
    return run(join(root, "bin/keelson"), args, {
      ...options,
      env: { KEELSON_HOST: this.dockerHost, ...options.env },
    });
  }

  /** Ends every process of the host and removes its folder; mounts and links go with the namespaces. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop("SIGKILL");
    const containers = namesIn(`/proc/${this.holder.pid}/root${this.dir}/run/containers`);
    await poll("no process is left in the host", () => {
      const left = this.#processes();
      for (const pid of left) kill(pid);
      return left.length === 0;
    });
    const exited = once(this.holder, "exit");
    this.holder.kill("SIGKILL");
    await exited;
    // The shims that would have removed their cgroups were killed with the rest.
    await poll("no cgroup is left", () => containers.flatMap(cgroupsOf).every(removeCgroup));
    await rm(this.dir, { recursive: true, force: true });
  }

  /** The host's processes but its holder: those in its mount namespace, and all of their descendants. */
  #processes(): number[] {
    const ours = readlinkSync(`/proc/${this.holder.pid}/ns/mnt`);
    const parents = new Map<number, number>();
    const found = new Set<number>();
    for (const name of readdirSync("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      try {
        parents.set(Number(name), Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${name}/stat`, "utf8"))?.[1]));
        if (readlinkSync(`/proc/${name}/ns/mnt`) === ours) found.add(Number(name));
      } catch {
        // It ended while we looked.
      }
    }
    for (let before = -1; before !== found.size; ) {
      before = found.size;
      for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
    }
    found.delete(this.holder.pid!);
    return [...found];
  }
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

/** A container's cgroup in each v1 hierarchy, or in the v2 tree. */
function cgroupsOf(id: string): string[] {
  const base = "/sys/fs/cgroup";
  return [base, ...namesIn(base).map((name) => join(base, name))]
    .map((tree) => join(tree, "keelson", id))
    .filter((path) => existsSync(path));
}

/** False while its last process is still ending. */
function removeCgroup(path: string): boolean {
  try {
    rmdirSync(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It is gone.
  }
}

/** Runs a program to its end with its output collected. */
export function run(command: string, args: readonly string[], options: RunOptions = {}): Promise<Output> {
  return new Promise((resolve) => {
    const child = execFile(
      command,
      args,
      {
        env: { ...process.env, ...options.env },
        timeout: options.timeout ?? 60_000,
        maxBuffer: 1 << 28,
        killSignal: "SIGKILL",
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        resolve({ stdout, stderr, code });
      },
    );
    child.stdin?.on("error", () => {});
    child.stdin?.end(options.input ?? "");
  });
}

/** True where the program is on the PATH. */
export function hasProgram(name: string): boolean {
  return (process.env["PATH"] ?? "").split(":").some((folder) => existsSync(join(folder, name)));
}
