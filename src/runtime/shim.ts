import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdir, readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { errnoOf, isKind, type KeelsonError, systemError, unavailable, withKind } from "../base/errors.ts";
import type { Logger } from "../base/log.ts";
import type { Operation } from "../base/operation.ts";
import { CgroupWarmer } from "./cgroup-warm.ts";
import type { Adopted, ExitStatus, Shim, Shims } from "./runtime.ts";
import { readStatus, ShimClient } from "./shim-client.ts";
import { ControlConnection, connectShim } from "./shim-connection.ts";
import { BodyWriter, requests } from "./shim-protocol.ts";

export interface ShimsOptions {
  /** The path of `keelson-shim`. */
  readonly binary: string;
  /** Keep one shim running ahead of the next launch, so that no process is started on the way. On unless false. */
  readonly spare?: boolean;
  readonly log: Logger;
  /** Milliseconds after which an attached client that takes nothing is cut off; 10 s unless given. */
  readonly stallTimeout?: number;
  /** The environment of the shims and of the runtime; only `PATH` unless given. */
  readonly env?: Readonly<Record<string, string>>;
}

const run = promisify(execFile);
/** The bytes of this argument become the short ID in ps(1). */
const titleRoom = "spare       ";
const replenishDelay = 20;
/** How connect(2) fails where no shim listens, or where it dies or leaves at this moment. */
const notListening = ["ENOENT", "ENOTDIR", "ECONNREFUSED", "ECONNRESET", "EPIPE"];
const adoptDeadline = 5_000;

/** Starts and finds shims (`native/shim`). */
export function createShims(options: ShimsOptions): Shims {
  return new ShimPool(options);
}

interface Newborn {
  readonly process: ChildProcess;
  readonly connection: ControlConnection;
}

class ShimPool implements Shims {
  readonly #options: ShimsOptions;
  readonly #env: Record<string, string>;
  readonly #warmer = new CgroupWarmer();
  #spare: Newborn | undefined;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;
  /** Why the last spawn failed. */
  #failure: KeelsonError | undefined;

  constructor(options: ShimsOptions) {
    this.#options = options;
    this.#env = { ...(options.env ?? { PATH: process.env["PATH"] ?? "/usr/sbin:/usr/bin:/sbin:/bin" }) };
    this.#replenish(0);
  }

  warm(): void {
    this.#warmer.warm();
  }

  async launch(op: Operation, dir: string): Promise<Shim> {
    op.check();
    this.warm();
    await mkdir(dir, { recursive: true, mode: 0o700 });
    const { connection } = this.#take();
    try {
      const body = new BodyWriter().u32(this.#options.stallTimeout ?? 0).string(dir);
      const pid = (await connection.request(op, requests.init, body)).u32();
      op.step("shim: launched");
      return this.#client(dir, connection, pid);
    } catch (error) {
      connection.close();
      throw this.#failure ?? withKind(error);
    } finally {
      this.#replenish(replenishDelay);
    }
  }

  async adopt(op: Operation, dir: string): Promise<Adopted> {
    const deadline = performance.now() + adoptDeadline;
    for (;;) {
      op.check();
      const exit = await readExitFile(dir);
      const found = await this.#connect(op, dir);
      if (found) return found;
      // A shim that is just leaving has closed its socket, and is still removing what the runtime left.
      if (performance.now() < deadline && (await this.#alive(dir))) {
        await new Promise((resolve) => setTimeout(resolve, 5));
        continue;
      }
      if (exit) return { kind: "exited", exit };
      const mended = await this.#mend(dir);
      return mended ? { kind: "exited", exit: mended } : { kind: "none" };
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const spare = this.#spare;
    this.#spare = undefined;
    if (spare === undefined) return;
    const { process: child, connection } = spare;
    connection.close();
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.ref();
    await new Promise((resolve) => child.once("exit", resolve));
  }

  #client(dir: string, connection: ControlConnection, pid: number): ShimClient {
    return new ShimClient({ dir, connection, pid, mend: (at) => this.#mend(at), warm: () => this.warm() });
  }

  #take(): Newborn {
    const spare = this.#spare;
    this.#spare = undefined;
    if (!spare) return this.#spawn();
    spare.connection.socket.ref();
    return spare;
  }

  #replenish(delay: number): void {
    if (this.#options.spare === false || this.#closed) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      if (this.#spare || this.#closed) return;
      const spare = this.#spawn();
      spare.connection.socket.unref();
      void spare.connection.closed.then(() => {
        if (this.#spare === spare) this.#spare = undefined;
      });
      this.#spare = spare;
    }, delay);
    this.#timer.unref();
  }

  #spawn(): Newborn {
    const binary = this.#options.binary;
    const child = spawn(binary, [titleRoom], {
      argv0: "keelson-shim",
      cwd: "/",
      env: this.#env,
      stdio: ["ignore", "ignore", "ignore", "pipe"],
    });
    child.once("spawn", () => {
      this.#failure = undefined;
    });
    child.on("error", (error) => {
      const errno = errnoOf(error);
      this.#failure = systemError(`cannot start ${binary}: ${errno}`, { cause: error, path: binary, errno });
      this.#options.log.error("the shim cannot be started", { error });
    });
    child.unref();
    return { process: child, connection: new ControlConnection(child.stdio[3] as unknown as Socket) };
  }

  async #connect(op: Operation, dir: string): Promise<Adopted | undefined> {
    let connection: ControlConnection;
    try {
      connection = new ControlConnection(await connectShim(dir));
    } catch (error) {
      if (notListening.includes(errnoOf(error) ?? "")) return undefined;
      throw systemError(`cannot connect to the shim of ${dir}`, { cause: error, path: dir, errno: errnoOf(error) });
    }
    try {
      const status = await readStatus(op, connection);
      const shim = this.#client(dir, connection, status.pid);
      shim.adopt(status);
      if (status.state === "running") return { kind: "running", shim };
      await shim.dispose(op);
      return status.state === "exited" ? { kind: "exited", exit: status.exit } : { kind: "none" };
    } catch (error) {
      connection.close();
      if (isKind(error, "unavailable")) return undefined;
      throw error;
    }
  }

  /** True while the process of `shim.pid` is still a shim working in this folder. */
  async #alive(dir: string): Promise<boolean> {
    const pid = await readFile(join(dir, "shim.pid"), "utf8").catch(() => "");
    if (!/^\d+$/.test(pid)) return false;
    const title = await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    return title.startsWith("keelson-shim\0");
  }

  /** Ends what a killed shim left behind and reads the exit status that this makes; undefined where nothing had run. */
  async #mend(dir: string): Promise<ExitStatus | undefined> {
    try {
      await run(this.#options.binary, ["mend"], { cwd: dir, env: this.#env });
    } catch (error) {
      if (errnoOf(error) !== "ENOENT") throw unavailable(`cannot mend ${dir}`, { cause: error, path: dir });
    }
    return readExitFile(dir);
  }
}

/** The exit status that a shim wrote, or undefined. */
async function readExitFile(dir: string): Promise<ExitStatus | undefined> {
  try {
    const text = await readFile(join(dir, "exit"), "utf8");
    const parsed = JSON.parse(text) as { code: number; oomKilled: boolean; at: string };
    return { code: parsed.code, oomKilled: parsed.oomKilled, at: BigInt(parsed.at) };
  } catch (error) {
    if (errnoOf(error) === "ENOENT" || errnoOf(error) === "ENOTDIR") return undefined;
    throw withKind(error, "corrupt");
  }
}
